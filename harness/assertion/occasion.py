"""What the rules of a group say of one occasion, and what they oblige the steps after it to.

An occasion is anything that rules are asked about: a call, its outcome, a message, an artifact, a route, the end. To
its rules it is one tuple of ``compile.ARGUMENTS``. The quick answer is the compiled one; whatever that cannot answer
is asked again of each rule, by its exact meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from harness.assertion.examine import examine, examine_undone, guard, measure
from harness.assertion.obligation import Obligation, Obligations
from harness.assertion.past import Past
from harness.registry.explain import asked_of
from harness.registry.invariant import Invariant, Shape
from harness.registry.program import Group, Promise
from harness.registry.registry import Registry
from harness.registry.scope import STEP_NAMES
from harness.registry.tree import Compare, Node, walk
from harness.trace.verdict import Judgement, Verdict

NOTHING: Final[dict[str, Any]] = {}
"""What stands in the place of a part that an occasion does not have."""

Hear = Callable[[str, float], None]
"""Be told of a rule, and of its signed distance from its boundary."""


class Occasions:
    """Ask the rules of a registry about the occasions of one run, in their order. Not thread-safe.

    ``promised`` are the rules on the future that spoke of the occasion that was asked about last, until ``oblige``.
    ``hear`` is told how far each occasion is from the boundary of each rule that compares numbers.
    """

    def __init__(self, registry: Registry, past: Past, hear: Hear | None = None) -> None:
        self._registry, self._program, self._past, self._hear = registry, registry.program, past, hear
        self.promised: list[Promise] = []

    def arguments(
        self,
        group: Group,
        outcome: dict[str, Any] = NOTHING,
        message: dict[str, Any] = NOTHING,
        *,
        agent: str,
        step: int,
    ) -> tuple[Any, ...]:
        """Give ``compile.ARGUMENTS`` for what is no call."""
        return NOTHING, group.tool, outcome, message, agent, step, self._past, self._past.asked

    def ask(self, group: Group, arguments: tuple[Any, ...]) -> Judgement:
        """Say which rules spoke, and every verdict that is not ``holds``; with what is overdue by now."""
        if self._hear is not None:
            self._measure(group, arguments, self._hear)
        try:
            judgement = group.holds(*arguments)
        except Exception:  # noqa: BLE001 - data the rules did not expect: their exact meaning says which and why
            judgement = None
        if judgement is None:
            judgement = self._ask_each(group, arguments)
        return self._ask_promises(group, arguments, judgement) if self._past.obligations else judgement

    def oblige(self, seq: int, arguments: tuple[Any, ...]) -> None:
        """Begin what the occasion asked about last, the event ``seq``, obliges the future to, now that it is past."""
        for promise in self.promised:
            keeper = self._past.asked[promise.fold.index]
            assert isinstance(keeper, Obligations)
            names = self._names(arguments)
            lasting = {name: value for name, value in names.items() if name not in STEP_NAMES} | {"now": names}
            keeper.owe(Obligation(promise.rule, seq, self._past.clock, asked_of(keeper.plan, "", lasting), names))
        self.promised = []

    def undone(self, obligation: Obligation) -> Verdict:
        """Give the verdict on what was promised and has not come."""
        return examine_undone(obligation, self._past)

    def _measure(self, group: Group, arguments: tuple[Any, ...], hear: Hear) -> None:
        compared = [rule for rule in group.rules if any(isinstance(node, Compare) for node in _required(rule))]
        names = self._names(arguments) if compared else NOTHING
        for rule in compared:
            distance = measure(rule, names, self._past)
            if distance is not None:
                hear(rule.id, distance)

    def _ask_each(self, group: Group, arguments: tuple[Any, ...]) -> Judgement:
        names = self._names(arguments)
        spoke: list[str] = []
        verdicts: list[Verdict] = []
        for rule, holds in zip(group.rules, group.singles, strict=True):
            judgement = None
            with suppress(Exception):  # as above
                judgement = holds(*arguments)
            if judgement is not None:
                spoke += judgement.rules
            elif verdict := examine(rule, self._program, names, self._past):
                spoke.append(rule.id)
                if verdict.truth != "holds":
                    verdicts.append(verdict)
        return Judgement(tuple(spoke), tuple(verdicts))

    def _names(self, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Give what expressions can speak of, as the exact meaning reads it."""
        call, tool, outcome, message, agent, step, *_ = arguments
        names = {"step": step, "run": self._past.run, "params": self._registry.parameters, "agent": agent}
        names |= {"elapsed_s": self._past.elapsed_s, "trust": self._past.trust_of(agent), **outcome}
        names |= {"call": call} if call else {}
        names |= {"tool": tool} if tool else {}
        return names | ({"message": message} if message else {})

    def _ask_promises(self, group: Group, arguments: tuple[Any, ...], judgement: Judgement) -> Judgement:
        """Add what is overdue by now, which rules on the future speak of a step, and which cannot tell."""
        verdicts = [*map(self.undone, self._past.overdue()), *judgement.verdicts]
        self.promised = []
        for promise in group.promises:
            speaks = self._speaks(promise, arguments)
            if isinstance(speaks, Verdict):
                verdicts.append(speaks)
            elif speaks:
                self.promised.append(promise)
        spoke = judgement.rules + tuple(promise.rule.id for promise in self.promised)
        return Judgement(spoke, tuple(verdicts))

    def _speaks(self, promise: Promise, arguments: tuple[Any, ...]) -> bool | Verdict:
        with suppress(Exception):  # as above
            return bool(promise.speaks(*arguments))
        return guard(promise.rule, self._names(arguments), self._past)


def _required(rule: Invariant) -> Iterator[Node]:
    return iter(()) if isinstance(rule.require, Shape) else walk(rule.require.tree)
