"""Why there is no route, exactly: what cannot be had, which tools are down until when, and what can be had instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from harness.routing.graph import Arc, Goal, Graph, Need


class Barred(NamedTuple):
    """Why a tool is not called, and until when (nanoseconds on the session's clock; None: for the whole route)."""

    why: str
    until: int | None = None


def closure(arcs: Iterable[Arc], held: Iterable[str], barred: Mapping[str, Barred]) -> set[str]:
    """Give every fact that can be had from the facts held without a barred tool. O(arcs × depth)."""
    facts, left = set(held), [arc for arc in arcs if arc.tool not in barred]
    while True:
        able = [arc for arc in left if met(arc.needs, facts)]
        if not able:
            return facts
        facts.update(fact for arc in able for fact in arc.gives)
        left = [arc for arc in left if arc not in able]


def met(needs: Iterable[Need], facts: set[str]) -> bool:
    """Tell whether needs are met by facts."""
    return all(sum(fact in facts for fact in need.of) >= need.least for need in needs)


def deadlock(
    graph: Graph, goal: Goal, held: Iterable[str], barred: Mapping[str, Barred], committed: Iterable[str], why: str
) -> dict[str, Any]:
    """Give a deadlock as JSON data.

    ``unreachable`` are the facts of the goal that cannot be had, ``blocked`` the tools that could be called now, would
    bring new facts, and are barred: each with the reason, and ``until`` where it may be up again.
    """
    held = set(held)
    reach = closure(graph.arcs, held, barred)
    missing = [fact for need in goal.needs if not met([need], reach) for fact in need.of if fact not in reach]
    blocked = {
        arc.tool
        for arc in graph.arcs
        if arc.tool in barred and met(arc.needs, reach) and not reach.issuperset(arc.gives)
    }
    return {
        "blocked": {tool: _barred(barred[tool]) for tool in sorted(filter(None, blocked))},
        "committed": list(committed),
        "goal": goal.name,
        "held": sorted(held),
        "unreachable": sorted(set(missing)),
        "why": why,
    }


def refusal_of(
    choice: Mapping[str, Any], menu: Iterable[Mapping[str, Any]], next_up: int | None, signals: Collection[Any]
) -> str:
    """Say why an answer to a deadlock is not taken; empty where it is.

    ``menu`` are the goals that can be had, ``next_up`` when the first tool may be up again, ``signals`` those that the
    deadlock was made of, if it was.
    """
    goals = [one["goal"] for one in menu]
    match dict(choice):
        case {"stop": True, **rest} if not rest:
            return ""
        case {"wait": True, **rest} if not rest:
            return "" if next_up is not None else "no tool is expected to be up again"
        case {"go_on": True, **rest} if not rest:
            return "" if signals else "there is nothing to go on with"
        case {"goal": goal, **rest} if not rest and goal in goals:
            return ""
    words = "stop, go_on, wait" if signals else "stop, wait"
    known = ", ".join(goals) or "none"
    return f"the answer is none of: {words}, a goal that can be reached (which are: {known})"


def _barred(barred: Barred) -> dict[str, Any]:
    return {"why": barred.why} if barred.until is None else {"until": barred.until, "why": barred.why}
