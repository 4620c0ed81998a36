"""Nine situations that the published scenarios leave out, each with what has to come of it, as it is stated.

A situation is a function of an empty folder; what it gives is what was seen, and has to equal ``Extra.expected``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final, NamedTuple

import harness
from harness.adapters.files import SUFFIX, open_trace
from harness.ports import Approval, Question

from .oracle import START, Case, Kind, Mood
from .routed import UNDO, declare, registry_of
from .world import World

_SECOND: Final = 1_000_000_000


class Extra(NamedTuple):
    """One situation: which of the nine it shows, what is done, and what has to be seen."""

    shows: str
    play: Callable[[Path], dict[str, Any]]
    expected: dict[str, Any]


def _case(kinds: Mapping[str, Kind], down: tuple[str, ...] = (), moods: Mapping[str, Any] | None = None) -> Case:
    """Give the case of a world; which tool leads where stands in the registry."""
    refused: dict[str, tuple[Mood, ...]] = dict.fromkeys(down, ("refused",))
    return Case(tuple((START, tool, 1) for tool in kinds), "", kinds, {**refused, **(moods or {})})


def _asked(app: harness.Harness, trace: Path, goal: str, **facts: Any) -> str:
    """Ask for a goal in a session of its own; give how it ended."""
    with app.session(trace=trace, seed=1) as session:
        try:
            session.route(goal, **(facts or {START: "begin"}))
        except harness.NoRoute as error:
            return "no route" if error.deadlock else "in doubt"
        except harness.Refused:
            return "refused"
    return "served"


def _played(registry: str, goal: str, case: Case, folder: Path) -> dict[str, Any]:
    """Ask for a goal once in a world on a disk; give how it ended, the calls, and what the ledger says."""
    with World(case, folder / "ledger.db") as world:
        app = harness.Harness(registry_of(registry), traces=folder)
        declare(app, case, world)
        end = _asked(app, folder / f"run{SUFFIX}", goal)
        return {"end": end, "calls": world.attempts, "undone": world.undone, "net": world.ledger.net()}


def _dead_end(charge: Kind) -> Callable[[Path], dict[str, Any]]:
    kinds: dict[str, Kind] = {"Stripe": charge, "Razorpay": charge, "Email": "final", "SMS": "final"}
    return lambda folder: _played("d1", "Complete", _case(kinds, ("Email",)), folder)


_SHOP: Final[dict[str, Kind]] = {
    "check": "read",
    "pay": "undoable",
    "reserve": "undoable",
    "reserve_elsewhere": "undoable",
    "ship": "final",
}


def _join(folder: Path) -> dict[str, Any]:
    return _played("d2", "shipped", _case(_SHOP, ("reserve",)), folder)


def _join_at_once(folder: Path) -> dict[str, Any]:
    """Do the same with all branches under way at once; give how many calls were under way when each one began, too."""
    with World(_case(_SHOP, ("reserve",))) as world:
        app = harness.Harness(registry_of("d2"), traces=folder)
        under_way: list[str] = []
        busy: list[int] = []
        for tool in world.case.tools:
            _at_once(app, tool, world, under_way, busy)
        asyncio.run(_ship(app, folder / f"run{SUFFIX}"))
        return {"calls": sorted(world.attempts), "busy": busy, "undone": world.undone, "net": world.ledger.net()}


def _at_once(app: harness.Harness, tool: str, world: World, under_way: list[str], busy: list[int]) -> None:
    async def function() -> Any:
        under_way.append(tool)
        busy.append(len(under_way))
        await asyncio.sleep(0.01)  # so that the others begin before this one ends
        under_way.remove(tool)
        return world.call(tool)

    kind = world.case.kinds[tool]
    undo = UNDO + tool if kind == "undoable" else None
    app.tool(name=tool, effect="read" if kind == "read" else "write", undo=undo)(function)
    if undo is not None:
        app.tool(name=undo, effect="write")(world.function(world.undo, tool))


async def _ship(app: harness.Harness, trace: Path) -> None:
    async with app.session(trace=trace) as session:
        await session.aroute("shipped", **{START: "begin"})


def _quorum(folder: Path) -> dict[str, Any]:
    """Ask for the goal under each of the 32 subsets of moderators that can be down."""
    moderators = [f"moderator{number}" for number in range(1, 6)]
    subsets = [down for size in range(6) for down in combinations(moderators, size)]
    kinds: dict[str, Kind] = dict.fromkeys(moderators, "read")
    ends = {}
    for number, down in enumerate(subsets):
        place = folder / str(number)
        place.mkdir()
        ends[down] = _played("d3", "moderated", _case(kinds, down), place)["end"]
    served = [down for down, end in ends.items() if end == "served"]
    return {"subsets": len(subsets), "served": len(served), "most_down_and_served": max(map(len, served))}


def _domain(folder: Path) -> dict[str, Any]:
    kinds: dict[str, Kind] = {"card": "final", "wallet": "final", "transfer": "final"}
    return _played("d4", "paid", _case(kinds, ("card",)), folder)


def _late(**declared: Any) -> Callable[[Path], dict[str, Any]]:
    moods = {"pay": ("late", "late", "ok") if "keyed" in declared else ("late",)}
    case = replace(_case({"pay": "final"}, moods=moods), **declared)
    return lambda folder: _played("d5", "paid", case, folder)


def _many(folder: Path) -> dict[str, Any]:
    kinds: dict[str, Kind] = dict.fromkeys(("email", "sms", "chat", "push", "call", "letter"), "final")
    return _played("d6", "told", _case(kinds, ("email", "sms", "chat", "push")), folder)


def _recovery(folder: Path) -> dict[str, Any]:
    """Ask six times while the near tool fails, cools, fails its probe, cools for longer, and is well again; twice."""
    first, second = (_asked_over_time(folder / again) for again in ("first", "second"))
    return {"calls": first[0], "again_the_same": first == second}


def _asked_over_time(folder: Path) -> tuple[list[list[str]], list[Any]]:
    """Give the calls of each session, and everything that the traces tell of routes."""
    now = 0
    case = _case({"near": "read", "far": "read"}, moods={"near": ("refused", "refused", "ok")})
    calls, told = [], []
    with World(case) as world:
        app = harness.Harness(registry_of("d7"), traces=folder, clock=lambda: now)
        declare(app, case, world)
        for number, seconds in enumerate((0, 1, 60, 60, 70, 1)):
            now += seconds * _SECOND
            before, trace = len(world.attempts), folder / f"run-{number}{SUFFIX}"
            _asked(app, trace, "looked")
            calls.append(world.attempts[before:])
            with open_trace(trace) as reader:
                told += [(event.at, event.body) for event in reader if event.kind in ("route", "read")]
    return calls, told


_RIGHT: Final[dict[str, Any]] = {
    "quote": {"price": 11},
    "quote_elsewhere": {"price": 12},
    "pay": {"state": "captured"},
    "pay_elsewhere": {"state": "captured"},
    "find_payment": None,
}


def _wrong(goal: str, tool: str, reply: Any) -> Callable[[Path], dict[str, Any]]:
    """Give the play in which one tool answers wrongly."""

    def play(folder: Path) -> dict[str, Any]:
        app = harness.Harness(registry_of("d8"), traces=folder)
        calls: list[str] = []
        for name, right in _RIGHT.items():
            _answering(app, name, reply if name == tool else right, calls)
        return {"end": _asked(app, folder / f"run{SUFFIX}", goal), "calls": calls}

    return play


def _answering(app: harness.Harness, tool: str, reply: Any, calls: list[str]) -> None:
    def function() -> Any:
        calls.append(tool)
        return reply

    app.tool(name=tool, effect="write" if tool.startswith("pay") else "read")(function)


def _gate(amount: int, *, allowed: bool) -> Callable[[Path], dict[str, Any]]:
    def play(folder: Path) -> dict[str, Any]:
        paid: list[float] = []
        asked: list[dict[str, Any]] = []

        def approver(question: Question) -> Approval:
            asked.append({"rule": question.rule, "args": question.args, "paid_before": list(paid)})
            return Approval(allowed, "Ann")

        app = harness.Harness(registry_of("d9"), traces=folder, approver=approver)

        @app.tool(effect="write")
        def pay(amount: float) -> str:
            paid.append(amount)
            return "paid"

        return {"end": _asked(app, folder / f"run{SUFFIX}", "paid", amount=amount), "asked": asked, "paid": paid}

    return play


_QUESTION: Final = {"rule": "PAY-LIMIT", "args": {"amount": 15_000}, "paid_before": []}
_SHIPPED: Final = {"pay": 1, "reserve_elsewhere": 1, "ship": 1}
_ELSEWHERE: Final = {"end": "served", "calls": ["quote", "quote_elsewhere"]}
_ONCE: Final = {"undone": [], "net": {"pay": 1}}

EXTRAS: Final[dict[str, Extra]] = {
    "D1 a dead end, with a refund": Extra(
        "D1",
        _dead_end("undoable"),
        {
            "end": "served",
            "calls": ["Stripe", "Email", "Razorpay", "SMS"],
            "undone": ["Stripe"],
            "net": {"Razorpay": 1, "SMS": 1},
        },
    ),
    "D1 a dead end, without a refund": Extra(
        "D1", _dead_end("final"), {"end": "no route", "calls": ["Stripe", "Email"], "undone": [], "net": {"Stripe": 1}}
    ),
    "D2 a join, one branch fails": Extra(
        "D2",
        _join,
        {
            "end": "served",
            "calls": ["check", "pay", "reserve", "reserve_elsewhere", "ship"],
            "undone": [],
            "net": _SHIPPED,
        },
    ),
    "D2 a join, all branches at once": Extra(
        "D2",
        _join_at_once,
        {
            "calls": ["check", "pay", "reserve", "reserve_elsewhere", "ship"],
            "busy": [1, 2, 3, 1, 1],
            "undone": [],
            "net": _SHIPPED,
        },
    ),
    "D3 a quorum of three of five": Extra("D3", _quorum, {"subsets": 32, "served": 16, "most_down_and_served": 2}),
    "D4 two tools of one domain": Extra(
        "D4", _domain, {"end": "served", "calls": ["card", "transfer"], "undone": [], "net": {"transfer": 1}}
    ),
    "D5 done and timed out, with a key": Extra(
        "D5", _late(keyed=frozenset({"pay"})), {"end": "served", "calls": ["pay", "pay", "pay"], **_ONCE}
    ),
    "D5 done and timed out, with a probe": Extra(
        "D5", _late(probed=frozenset({"pay"})), {"end": "served", "calls": ["pay"], **_ONCE}
    ),
    "D5 done and timed out, nobody can tell": Extra("D5", _late(), {"end": "in doubt", "calls": ["pay"], **_ONCE}),
    "D6 four of six alternatives down": Extra(
        "D6",
        _many,
        {"end": "served", "calls": ["email", "sms", "chat", "push", "call"], "undone": [], "net": {"call": 1}},
    ),
    "D7 a tool that recovers": Extra(
        "D7",
        _recovery,
        {
            # fails; is left alone; fails its probe; is left alone for longer; serves its probe; has its traffic back
            "calls": [["near", "far"], ["far"], ["near", "far"], ["far"], ["near"], ["near"]],
            "again_the_same": True,
        },
    ),
    "D8 a reply that breaks its schema": Extra("D8", _wrong("quoted", "quote", {"price": 0}), _ELSEWHERE),
    "D8 a reply that breaks a rule": Extra("D8", _wrong("quoted", "quote", {"price": 5_000_000}), _ELSEWHERE),
    "D8 a payment that was not captured": Extra(
        "D8",
        _wrong("paid", "pay", {"state": "open"}),
        {"end": "served", "calls": ["pay", "find_payment", "pay_elsewhere"]},
    ),
    "D9 a small payment": Extra("D9", _gate(9_000, allowed=False), {"end": "served", "asked": [], "paid": [9_000]}),
    "D9 a large payment, allowed": Extra(
        "D9", _gate(15_000, allowed=True), {"end": "served", "asked": [_QUESTION], "paid": [15_000]}
    ),
    "D9 a large payment, refused": Extra(
        "D9", _gate(15_000, allowed=False), {"end": "refused", "asked": [_QUESTION], "paid": []}
    ),
}
"""The situations by name."""
