"""An oracle: questions about the past answered by looking at the whole past again, with no index and no plan."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

from harness.assertion.past import Happening, Past
from harness.registry.bind import Binder
from harness.registry.compile import can_match
from harness.registry.explain import Explanation
from harness.registry.plan import window_of
from harness.registry.program import Watches
from harness.registry.scope import STEP_NAMES
from harness.registry.tree import Constant, Fold, Node, mentions
from harness.registry.values import Undefined, number, truth


class Told(NamedTuple):
    """A past event: its kind, its number, the latest step and the time when it happened, and its names."""

    kind: str
    seq: int
    step: int
    at: int
    names: dict[str, Any]


class Naive(Explanation):
    """Give the exact meaning by a scan of everything that was told, oldest first; ``step`` and ``at`` are now."""

    def __init__(self, text: str, names: dict[str, Any], told: list[Told], step: int = 0, at: int = 0) -> None:
        super().__init__(text, names)
        self.told, self.step, self.at = told, step, at

    def _bare(self, node: Node) -> Any:
        return self.scanned(node) if isinstance(node, Fold) else super()._bare(node)

    def scanned(self, node: Fold) -> Any:
        """Answer a question about the past."""
        found = self.fitting(node)
        if node.verb == "happened":
            sure = [one for one, fits in found if fits is True]
            self.evidence |= {sure[-1].seq} if sure else set()
            return bool(sure) or raised(found[-1:], default=False)
        if node.verb in ("last", "first"):
            if not found:
                raise Undefined("no such event so far")
            one, fits = found[-1 if node.verb == "last" else 0]
            if fits is not True:
                raise fits
            self.evidence.add(one.seq)
            return one.names
        raised(found, default=None)
        self.evidence |= {one.seq for one, _ in found[-16:]}
        if node.verb == "count":
            return len(found)
        assert node.value is not None
        total = sum((Fraction(self.inside(node.value, one)) for one, _ in found), Fraction(0))
        return int(total) if total.denominator == 1 else float(total)

    def fitting(self, node: Fold) -> list[tuple[Told, Any]]:
        """Give the events that fit, each with True or with why that is unknown."""
        begins = self.fitting(node.since) if node.since else []
        surely = max((one.seq for one, fits in begins if fits is True), default=-1)
        maybe = max((one.seq for one, _ in begins), default=-1)
        found = []
        for one in sorted(self.told, key=lambda one: one.seq):
            if not self.of_kind(node, one) or self.outside(node, one) or one.seq <= surely:
                continue
            fits = self.fits(node, one)
            if fits is True and one.seq <= maybe:
                fits = Undefined("since when?")
            if fits is not False:
                found.append((one, fits))
        return found

    def of_kind(self, node: Fold, one: Told) -> bool:
        """Tell whether a question is about events of this kind."""
        if one.kind != node.past:
            return False
        surface = one.names["call"].get("surface", "tool") if "call" in one.names else "tool"
        return bool(surface == "tool" or mentions(node.condition, "call.surface"))

    def outside(self, node: Fold, one: Told) -> bool:
        """Tell whether an event lies outside of the window."""
        if node.within is None:
            return False
        steps, ns = window_of(Explanation("", {"params": self._names.get("params", {})}).value(node.within))
        return (steps is not None and self.step - one.step > steps) or (ns is not None and self.at - one.at > ns)

    def fits(self, node: Fold, one: Told) -> Any:
        """Say whether an event fits, or why that is unknown."""
        try:
            holds = truth(self.inside(node.condition or Constant(node.span, True), one))
            if holds and node.value is not None:
                number(self.inside(node.value, one))
        except Undefined as error:
            return error
        return holds

    def inside(self, node: Node, one: Told) -> Any:
        """Give the value of a part of a question for an event."""
        names = {name: value for name, value in self._names.items() if name not in STEP_NAMES}
        return Naive(self._text, names | one.names | {"now": self._names}, []).value(node)


def raised(found: list[tuple[Told, Any]], default: Any) -> Any:
    """Raise the first reason why something is unknown."""
    for _, fits in found:
        if fits is not True:
            raise fits
    return default


def remembering(
    tree: Node, told: list[Told], parameters: dict[str, Any] | None = None, step: int = 0, at: int = 0
) -> tuple[Node, Binder, Past]:
    """Bind a tree, and tell its monitors of a past."""
    binder = Binder(parameters or {})
    bound = binder.bind(tree)
    program: Any = SimpleNamespace(plans=tuple(binder.plans), asks_sources=False)
    past = Past(program, parameters or {}, {"seed": 7})
    for one in told:
        past.clock.step, past.clock.at = one.step, one.at
        names = one.names
        outcome = {name: names[name] for name in ("result", "failed", "route", "refusal", "seq") if name in names}
        said = names.get("message", {})
        arguments = (
            names.get("call", {}),
            names.get("tool", {}),
            outcome,
            said,
            "main",
            names.get("step"),
            past,
            past.asked,
        )
        happening = Happening(one.seq, one.step, one.at, names, arguments)
        plans = [each for each in enumerate(binder.plans) if each[1].past == one.kind and can_match(each[1], {})]
        past.happened(Watches(plans, {}), happening)
    past.clock.step, past.clock.at = step, at
    return bound, binder, past
