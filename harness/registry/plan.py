"""How a question about the past is answered without looking at the past again.

A condition is cut at its ``and``s into what can be worked out when an event happens, once and for all (``filter``),
what joins the event to the present step by an equality, which becomes the key of a hash index (``joins``), what is
known of the present step alone (``gates``), and the rest, which must be asked of each event that the others leave
over (``residual``). A window is always an end piece of the past, so that for most questions one event for each key is
all that need be remembered; ``keeps`` says what is, ``cost`` what that costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from harness.registry.scope import PAST_NAMES
from harness.registry.tree import (
    Compare,
    Constant,
    Each,
    Fold,
    Logic,
    Name,
    Node,
    Verb,
    children,
    mentions,
    walk,
)

Keeps = Literal["newest", "oldest", "number", "all"]
# what one more step costs, and what the memory grows with: nothing, what lies in the window, the number of different
# keys, or everything that ever fitted (then time grows too)
Cost = Literal["constant", "window", "keys", "history"]

_DURATION: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|h|d)\s*")
_NANOSECONDS: Final = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


class Join(NamedTuple):
    """An equality between a past event and the present step."""

    event: Node
    present: Node


class Window(NamedTuple):
    """How far back events count: no more than so many steps, or nanoseconds, ago; None without limit."""

    steps: int | None = None
    ns: int | None = None


@dataclass(frozen=True)
class Plan:
    """How one question is kept up to date; see the head of this file.

    ``any_surface`` counts model calls among the calls. ``late`` tells that the answer for a call may change when its
    outcome comes. ``since`` is the number of the monitor that knows where the window begins, -1 without one;
    ``since_joined`` that it begins elsewhere for each present step.
    """

    verb: Verb
    past: str
    any_surface: bool
    filter: Node | None
    joins: tuple[Join, ...]
    gates: tuple[Node, ...]
    residual: Node | None
    value: Node | None
    window: Window
    since: int
    since_joined: bool

    @cached_property
    def simple(self) -> bool:
        """Whether the newest of all events with the right key is the whole answer."""
        return self.window == Window() and self.since < 0 and self.residual is None and not self.gates

    @cached_property
    def keeps(self) -> Keeps:
        """What is kept of the events of one key."""
        if self.residual is not None:
            return "all"
        if self.verb in ("happened", "last"):
            return "newest"
        if self.window != Window() or self.since >= 0:
            return "all"
        return "oldest" if self.verb == "first" else "number"

    @cached_property
    def keeps_names(self) -> bool:
        """Whether the event itself is needed later on, not only that there was one."""
        return self.verb in ("last", "first") or self.residual is not None

    @cached_property
    def late(self) -> bool:
        """Whether an action must be looked at again when its outcome is known."""
        nodes = [self.filter, self.value, *(join.event for join in self.joins)]
        return self.past == "action" and any(_speaks_of_outcome(node) for node in nodes if node is not None)

    @cached_property
    def cost(self) -> Cost:
        """What the answer costs; see ``Cost``. ``must_follow`` waits for as many events as there are triggers."""
        if self.window != Window() or (self.since >= 0 and not self.since_joined and self.keeps == "all"):
            return "window"
        if self.verb == "must_follow":
            return "keys" if self.residual is None else "history"
        if self.keeps == "all":
            return "history"
        return "keys" if self.joins else "constant"


def plan_of(fold: Fold) -> Plan:
    """Plan the answer of a question whose parameters are known."""
    event_names = frozenset(PAST_NAMES[fold.past])
    parts = list(_conjuncts(fold.condition)) if fold.condition is not None else []
    filters, gates, joins, rest = [], [], [], []
    for part in parts:
        speaks = _speaks_of(part, event_names)
        if "present" not in speaks:
            filters.append(part)
        elif "event" not in speaks:
            gates.append(part)
        elif join := _join(part, event_names):
            joins.append(join)
        else:
            rest.append(part)
    return Plan(
        verb=fold.verb,
        past=fold.past,
        any_surface=fold.past != "message" and mentions(fold.condition, "call.surface"),
        filter=_all(filters),
        joins=tuple(joins),
        gates=tuple(gates),
        residual=_all(rest),
        value=fold.value,
        window=window_of(fold.within.value) if isinstance(fold.within, Constant) else Window(),
        since=fold.since.index if fold.since else -1,
        since_joined=fold.since is not None and bool(plan_of(fold.since).joins),
    )


def window_of(value: Any) -> Window:
    """Read the value of ``within=``: a whole number of steps, or a duration such as "90 s"; ValueError for another."""
    if type(value) is int and value > 0:
        return Window(steps=value)
    found = _DURATION.fullmatch(value) if type(value) is str else None
    if not found:
        raise ValueError(f"{value!r} is neither a number of steps nor a duration")
    amount, unit = found.groups()
    whole, _, part = amount.partition(".")
    ns = int(whole) * _NANOSECONDS[unit] + int(part or 0) * _NANOSECONDS[unit] // 10 ** len(part)
    return Window(ns=ns)


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.operator == "and":
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _all(parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Logic(parts[0].span, "and", tuple(parts))


def _join(part: Node, event_names: frozenset[str]) -> Join | None:
    if isinstance(part, Compare) and part.operators == ("==",):
        for one, other in (part.operands, part.operands[::-1]):
            if _speaks_of(one, event_names) == {"event"} and "event" not in _speaks_of(other, event_names):
                return Join(one, other)
    return None


def _speaks_of(node: Node, event_names: frozenset[str], bound: frozenset[str] = frozenset()) -> set[str]:
    """Tell whether a part of a condition speaks of the past event, of the present step, or of both.

    A name that is bound outside of the question belongs to the present step.
    """
    if isinstance(node, Name):
        if node.name in bound or node.name in ("params", "run"):
            return set()
        return {"event"} if node.name in event_names else {"present"}
    if isinstance(node, Each):
        inner = bound | {node.name}
        spoken = _speaks_of(node.over, event_names, bound) | _speaks_of(node.body, event_names, inner)
        return spoken.union(*(_speaks_of(one, event_names, inner) for one in node.conditions))
    return set().union(*(_speaks_of(child, event_names, bound) for child in children(node)))


def _speaks_of_outcome(node: Node) -> bool:
    return any(isinstance(part, Name) and part.name in ("result", "failed") for part in walk(node))
