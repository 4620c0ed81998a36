"""A model proposes, a registry judges, until every rule is met, none can be, or the tries are used up.

A pure machine: ``start`` and ``hear`` give what to ask next, or the end. What is locked are the rules that the accepted
candidate meets, never the values of its fields: a candidate is accepted if it meets all of them, whatever it changes.
That the rules cannot be met together is only ever said with a certificate, before the first proposal where the solver
can tell; running out of tries is *exhausted* and proves nothing. Source: arXiv 2604.17025.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from harness.converge.ground import Ground, Judged
from harness.converge.loop.ask import Ask, Oscillation
from harness.converge.loop.gradient import Gradient, gradients
from harness.determinism.canonical import digest_of
from harness.errors import UsageError
from harness.registry.solve.certificate import Certificate
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Budget, Feasible, Infeasible, decide
from harness.registry.solve.mus import one_mus

TRIES: Final = 8
"""How often a proposer is asked; arXiv 2604.17025 has 8 rounds."""

_FORMAT: Final = 1
_STANDARD: Final = Budget()

End = Literal["converged", "infeasible", "exhausted", "escalated"]
Outlook = Literal["feasible", "infeasible", "undecided", "not asked"]


class Proposed(NamedTuple):
    """A proposer gave something; whether it is an artifact is not known yet."""

    value: Any


class Silent(NamedTuple):
    """A proposer gave nothing: it raised, took too long, or answered in prose. That costs a try."""

    why: str


class Gone(NamedTuple):
    """A proposer cannot go on: a rule or a person stopped it."""

    why: str


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one proposal: ``failed`` are all rules that it does not meet, ``broken`` those that were locked.

    ``gradients`` tell of the broken ones or, where it was accepted, of all that failed.
    """

    number: int
    candidate: dict[str, Any] | None
    accepted: bool = False
    failed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    fault: str = ""
    gradients: tuple[Gradient, ...] = ()
    oscillation: Oscillation | None = None

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what is empty."""
        plain = {name: getattr(self, name) for name in ("candidate", "accepted", "fault")}
        names = {name: list(getattr(self, name)) for name in ("failed", "broken", "locked")}
        more = {
            "gradients": [one.facts() for one in self.gradients],
            "oscillation": self.oscillation and self.oscillation.facts(),
        }
        return {"round": self.number} | {name: one for name, one in (plain | names | more).items() if one}


@dataclass(frozen=True, slots=True)
class Convergence:
    """How a loop ended.

    ``value`` is the artifact that meets every rule, where it ``converged``. ``why`` says in a sentence how it ended
    otherwise. Of an infeasible one ``conflict`` are the rules that cannot be met together and ``certificate`` proves
    it. ``accepted`` is the best candidate there was, and ``locked`` are the rules that it meets.
    """

    end: End
    value: dict[str, Any] | None
    rounds: tuple[Round, ...]
    why: str = ""
    accepted: dict[str, Any] | None = None
    locked: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()
    certificate: Certificate | None = None
    outlook: Outlook = "not asked"

    @property
    def oscillation(self) -> Oscillation | None:
        """How the proposals repeated in the end, if they did."""
        return self.rounds[-1].oscillation if self.rounds else None

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what is empty and without the certificate, which may be long."""
        plain = {name: getattr(self, name) for name in ("value", "why", "accepted")}
        names = {name: list(getattr(self, name)) for name in ("locked", "conflict")}
        said = {"end": self.end, "outlook": self.outlook, "rounds": len(self.rounds)}
        more = {"oscillation": self.oscillation and self.oscillation.facts()}
        return said | {name: one for name, one in (plain | names | more).items() if one}


class Loop:
    """Lead one loop. Not thread-safe; deterministic: the same proposals give the same answers, byte for byte.

    ``tries`` bounds the proposals. ``budget`` is what the solver may take before the first one; with None it is not
    asked, and nothing is ever called infeasible. ``explain`` works out gradients, which may take milliseconds a round;
    what is accepted does not depend on it. UsageError for fewer than one try.
    """

    def __init__(
        self, ground: Ground, tries: int = TRIES, budget: Budget | None = _STANDARD, *, explain: bool = True
    ) -> None:
        if tries < 1:
            raise UsageError(f"{tries} tries are none", cure="tries=1 or more")
        self.ground, self.tries, self.rounds = ground, tries, tuple[Round, ...]()
        self.outlook: Outlook = "not asked"
        self._budget, self._explain = budget, explain
        self._accepted: Judged | None = None
        self._ways: tuple[Gradient, ...] = ()
        self._told: dict[Any, tuple[Gradient, ...]] = {}
        self._seen: list[tuple[str, dict[str, Any]]] = []

    def start(self) -> Ask | Convergence:
        """Ask for the first candidate, unless it is certified that there can be none."""
        if self._budget is not None and (problem := self.ground.problem) is not None:
            decision = decide(problem, self._budget)
            self.outlook = "undecided"
            if isinstance(decision, Feasible):
                self.outlook = "undecided" if self.ground.unread else "feasible"
            elif isinstance(decision, Infeasible):
                self.outlook = "infeasible"
                mus = one_mus(problem, decide, certainly)
                conflict = mus.names if mus is not None else decision.core
                fixed = ", ".join(f"{name}={value!r}" for name, value in self.ground.given.items())
                why = f"no {self.ground.artifact}{fixed and f' with {fixed}'} meets {' and '.join(conflict)}"
                return self._ended("infeasible", why, conflict=conflict, certificate=decision.certificate)
        return self._ask()

    def hear(self, said: Proposed | Silent | Gone) -> Ask | Convergence:
        """Judge what a proposer said, and ask again or end."""
        if isinstance(said, Gone):
            return self._ended("escalated", said.why)
        number = len(self.rounds) + 1
        if isinstance(said, Silent):
            self.rounds += (Round(number, None, locked=self.locked, fault=said.why),)
        else:
            self.rounds += (self._judged(number, self.ground.judge(said.value)),)
        if self._accepted is not None and self._accepted.satisfied == self._all:
            return self._ended("converged", "")
        if number >= self.tries:
            left = [one.id for one in self.ground.rules if one.id not in self.locked]
            return self._ended("exhausted", f"{', '.join(left)} not met in {number} tries, which proves nothing")
        return self._ask()

    @property
    def locked(self) -> tuple[str, ...]:
        """The rules that a candidate has to keep, in the order of the registry."""
        met = self._accepted.satisfied if self._accepted is not None else frozenset[str]()
        return tuple(one.id for one in self.ground.rules if one.id in met)

    # --- going on later ---

    def state(self) -> dict[str, Any]:
        """Give all that a loop needs to go on later, as JSON data."""
        return {
            "format": _FORMAT,
            "ground": self.ground.digest,
            "outlook": self.outlook,
            "accepted": self._accepted.candidate if self._accepted is not None else None,
            "rounds": len(self.rounds),
            "seen": [candidate for _, candidate in self._seen],
        }

    def go_on(self, state: dict[str, Any]) -> Ask | Convergence:
        """Go on where another loop has stopped; the rounds before are counted and not told again.

        UsageError where the state is of other rules, or no state.
        """
        if state.get("format") != _FORMAT or state.get("ground") != self.ground.digest:
            raise UsageError("this state is of a loop over other rules", cure="use the registry that it began with")
        self.outlook = state["outlook"]
        self._seen = [(digest_of(one), one) for one in state["seen"]]
        self.rounds = tuple(Round(number, None) for number in range(1, state["rounds"] + 1))
        if state["accepted"] is not None:
            self._accept(self.ground.judge(state["accepted"]))
        return self._ask()

    # --- one round ---

    def _judged(self, number: int, judged: Judged) -> Round:
        if judged.fault:
            return Round(number, judged.candidate, locked=self.locked, fault=judged.fault)
        broken = tuple(one for one in self.locked if one not in judged.satisfied)
        failed = tuple(one.id for one in self.ground.rules if one.id not in judged.satisfied)
        if not broken:
            self._accept(judged)
        ways = self._explained(judged, frozenset(broken)) if broken else self._ways
        self._seen.append((digest_of(judged.candidate), judged.candidate))
        return Round(number, judged.candidate, not broken, failed, broken, self.locked, "", ways, self._repeats())

    def _accept(self, judged: Judged) -> None:
        self._accepted = judged
        self._ways = self._explained(judged)

    def _explained(self, judged: Judged, only: frozenset[str] | None = None) -> tuple[Gradient, ...]:
        if not self._explain:
            return ()
        key = digest_of(judged.candidate), self.locked, only
        if key not in self._told:  # whoever repeats itself is told the same
            self._told[key] = gradients(self.ground, judged, frozenset(self.locked), only)
        return self._told[key]

    def _repeats(self) -> Oscillation | None:
        """Name the shortest period with which the last candidate has come again."""
        digests = [digest for digest, _ in self._seen]
        for period in range(1, len(digests)):
            if digests[-1 - period] == digests[-1]:
                return Oscillation(period, tuple(candidate for _, candidate in self._seen[-period:]))
        return None

    @property
    def _all(self) -> frozenset[str]:
        return frozenset(one.id for one in self.ground.rules)

    def _ask(self) -> Ask:
        ground, last = self.ground, self.rounds[-1] if self.rounds else Round(0, None)
        accepted = self._accepted.candidate if self._accepted is not None else None
        # copies, for a proposer may change in place what it is given
        return Ask(
            artifact=ground.artifact,
            round=len(self.rounds) + 1,
            tries=self.tries,
            schema=deepcopy(ground.schema),
            rules=ground.rules,
            given=deepcopy(dict(ground.given)),
            last=deepcopy(last.candidate),
            accepted=deepcopy(accepted),
            locked=self.locked,
            broken=deepcopy(last.gradients) if last.broken else (),
            gradients=deepcopy(self._ways),
            fault=last.fault,
            oscillation=deepcopy(last.oscillation),
        )

    def _ended(self, end: End, why: str, **more: Any) -> Convergence:
        accepted = self._accepted.candidate if self._accepted is not None else None
        value = accepted if end == "converged" else None
        return Convergence(end, value, self.rounds, why, accepted, self.locked, outlook=self.outlook, **more)
