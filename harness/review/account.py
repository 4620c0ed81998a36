"""What one run came to, as counts that add up over many runs (arXiv 2603.18096, sections on metrics and governance).

All of it is read from the run's events and from what a registry declares of tools; nothing is judged again, so only
violations that the run itself was told of are in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, get_args

from harness.registry.capability import of_authority
from harness.registry.registry import Registry
from harness.tool import ToolSpec
from harness.trace.chat import tokens_of
from harness.trace.event import ACTS, Event

End = Literal["returned", "refused", "raised", ""]
Decided = Literal["allow", "rewrite", "escalate", "block"]
DECIDED: Final[tuple[Decided, ...]] = get_args(Decided)
"""What can be decided on a call, the gravest last."""

_REFUSED: Final = "harness.errors:Refused"
_NOT_DONE: Final = frozenset(("rewrite", "block", "escalate"))


class Broken(NamedTuple):
    """A rule that a run has violated: how grave that is, whether it was done, and not only tried and stopped."""

    severity: str
    done: bool


class First(NamedTuple):
    """The first violation of a run: its step and agent, and the signature that runs which fail alike have in common.

    ``step`` is the number of the action it is about, or of the last one before it (-1 before any). ``surface`` and
    ``tool`` are what was called, or ``end`` or the kind of the event and nothing. ``label`` is the risk of that call,
    ``fault`` the kind of the last effective fault before it.
    """

    step: int
    agent: str
    rule: str
    severity: str
    surface: str
    tool: str
    label: str
    fault: str


class Authority(NamedTuple):
    """How many calls of an agent were outside its authority, of those that rules on it spoke of."""

    outside: int
    asked: int


@dataclass(frozen=True, slots=True)
class Account:
    """What a run came to.

    ``end`` is how: a result, a refusal that was not caught, another error, or empty where the run did not come to one.
    ``steps`` are its actions, ``tokens`` what models say they used. ``decided`` counts what was decided on the calls
    that agents proposed, those to models and to people left out, by risk label (``risk``); ``violated`` are the rules
    that were violated; ``agents`` the authority that agents were held to.
    """

    end: End
    steps: int
    tokens: int
    decided: Mapping[str, Mapping[str, int]]
    violated: Mapping[str, Broken]
    first: First | None
    agents: Mapping[str, Authority]

    def count(self, *decided: Decided, high: bool = False) -> int:
        """Count the calls on which one of these was decided, all if none is named; only those of high impact if so."""
        return sum(
            times
            for label, counts in self.decided.items()
            for one, times in counts.items()
            if (not decided or one in decided) and (not high or is_high(label))
        )

    @property
    def harmed(self) -> bool:
        """Whether something was done that a rule forbids."""
        return any(one.done for one in self.violated.values())

    @property
    def authority(self) -> Authority:
        """The authority that all agents together were held to."""
        held = self.agents.values()
        return Authority(sum(one.outside for one in held), sum(one.asked for one in held))

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, which ``account_from`` reads."""
        return {
            "end": self.end,
            "steps": self.steps,
            "tokens": self.tokens,
            "decided": {label: dict(counts) for label, counts in self.decided.items()},
            "violated": {rule: one._asdict() for rule, one in self.violated.items()},
            "first": self.first and self.first._asdict(),
            "agents": {agent: one._asdict() for agent, one in self.agents.items()},
        }


def account_from(said: Any) -> Account | None:
    """Read what ``facts`` gives; None for what is nothing of the kind."""
    try:
        account = Account(
            **{
                **said,
                "violated": {rule: Broken(**one) for rule, one in said["violated"].items()},
                "first": said["first"] and First(**said["first"]),
                "agents": {agent: Authority(**one) for agent, one in said["agents"].items()},
            }
        )
        return account if account.facts() == said and account.count() >= 0 else None
    except (AttributeError, KeyError, TypeError):
        return None


def risk(spec: ToolSpec) -> str:
    """Give the risk label of a tool: its effect, and its impact if it has one, as in ``write payment``."""
    return f"{spec.effect} {spec.impact}" if spec.impact else spec.effect


def is_high(label: str) -> bool:
    """Tell whether a risk label is of high impact."""
    return " " in label


def account_of(events: Iterable[Event], registry: Registry) -> Account:
    """Take account of one run from its events, in their order. O(events).

    A call that a rule has rewritten is one call, decided by the gravest that was decided of it; what a person answers
    is no decision of the harness, and a result that is withheld was a call that was allowed. What was stopped before
    it was done is violated and not done; a verdict on a result, a message or the end is on something done. Not
    verified: that the registry is the one of the run, which tells only what tools are; and an imported conversation
    says of no end that it came to one.
    """
    run = _Run(registry)
    for event in events:
        run.hear(event)
    return run.account()


@dataclass
class _Run:
    """What has been heard so far.

    ``actions`` go with their steps, violations that were ``told`` with the call they are about, if it is one;
    ``rewrites`` gives for a decision, ``instead`` for a call that stands in the place of another, what was proposed.
    """

    registry: Registry
    actions: dict[int, tuple[Event, int]] = field(default_factory=dict)
    told: list[tuple[Event, Event | None]] = field(default_factory=list)
    decided: dict[int, Decided] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    first: First | None = None
    tokens: int = 0
    fault: str = ""
    end: End = ""
    asked: Counter[str] = field(default_factory=Counter)
    outside: dict[int, str] = field(default_factory=dict)
    rewrites: dict[int, int] = field(default_factory=dict)
    instead: dict[int, int] = field(default_factory=dict)
    kind: str = ""

    def hear(self, event: Event) -> None:
        body = event.body
        if event.kind != "verdict":
            self.kind = event.kind
        match event.kind:
            case "action":
                self._proposed(event)
            case "observation":
                self.ended.add(body["action"])
                action = self.actions.get(body["action"])
                if action is not None and action[0].body["surface"] == "model":
                    self.tokens += tokens_of(body.get("ok")) or 0
            case "decision" if body["action"] not in self.ended:
                self._decided(event)
            case "verdict" if body["verdict"] == "violated":
                self._violated(event)
            case "fault" if body["effective"]:
                self.fault = body["kind"]
            case "note" if "returned" in body:
                self.end = "returned"
            case "note" if "raised" in body:
                self.end = "refused" if body["raised"].get("type") == _REFUSED else "raised"

    def account(self) -> Account:
        by_label: dict[str, Counter[str]] = {}
        for seq, (action, _) in self.actions.items():
            if action.body["surface"] in ACTS and seq not in self.instead:
                by_label.setdefault(self._label(seq), Counter())[self.decided.get(seq, "allow")] += 1
        beyond = Counter(self.outside.values())
        return Account(
            self.end,
            len(self.actions),
            self.tokens,
            {label: dict(by_label[label]) for label in sorted(by_label)},
            self._broken(),
            self.first,
            {agent: Authority(beyond[agent], self.asked[agent]) for agent in sorted(self.asked)},
        )

    def _proposed(self, event: Event) -> None:
        self.actions[event.seq] = event, len(self.actions)
        if event.parents and event.parents[0] in self.rewrites:
            self.instead[event.seq] = self.rewrites[event.parents[0]]
        if event.body["surface"] in ACTS and any(map(of_authority, event.body["rules"])):
            self.asked[event.agent] += 1

    def _decided(self, event: Event) -> None:
        body, seq = event.body, event.body["action"]
        if body["decision"] in _NOT_DONE:
            self.stopped.add(seq)
        elif "answer" in body:
            self.stopped.discard(seq)
        proposal = self.instead.get(seq, seq)
        if body["decision"] == "rewrite":
            self.rewrites[event.seq] = proposal
        if "answer" not in body:
            self.decided[proposal] = max(self.decided.get(proposal, "allow"), body["decision"], key=DECIDED.index)

    def _violated(self, event: Event) -> None:
        body = event.body
        action, step = self.actions.get(body.get("action", -1), (None, len(self.actions) - 1))
        about = action if action is not None and event.parents == (action.seq,) else None
        self.told.append((event, about))
        if about is not None and about.body["surface"] in ACTS and of_authority(body["rule"]):
            self.outside[about.seq] = about.agent
        if self.first is None:
            surface = action.body["surface"] if action else self.kind if event.parents else "end"
            tool, label = (action.body["tool"], self._label(action.seq)) if action else ("", "")
            said = (step, event.agent, body["rule"], body["severity"])
            self.first = First(*said, surface, tool, label, self.fault)

    def _broken(self) -> dict[str, Broken]:
        found: dict[str, Broken] = {}
        for event, about in self.told:
            done = about is None or about.seq not in self.stopped
            before = found.get(event.body["rule"])
            found[event.body["rule"]] = Broken(event.body["severity"], done or (before is not None and before.done))
        return dict(sorted(found.items()))

    def _label(self, seq: int) -> str:
        body = self.actions[seq][0].body
        return risk(self.registry.program.spec(body["surface"], body["tool"]))
