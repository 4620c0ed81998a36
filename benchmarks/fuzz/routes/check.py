"""Whether what happened is what had to happen: every difference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from benchmarks.fuzz.routes.case import Case, Need
from benchmarks.fuzz.routes.law import orphans
from benchmarks.fuzz.routes.oracle import Told
from benchmarks.fuzz.routes.real import Happened
from harness.trace.event import Event

_DISPOSES = ("retry", "reroute", "settle", "escalate")


def differences(case: Case, told: Told | None, happened: Happened) -> list[str]:
    """Give every difference; where nothing is ``told`` only from the law, which holds in any order of calls."""
    found = [*_of_law(case, happened), *_of_failures(happened)]
    if told is not None and not told.loose:
        found += _of_course(told, happened)
    return found


def failures(happened: Happened) -> list[tuple[str, str]]:
    """Give what became of each call that did not serve, in the order in which the trace has them."""
    after = _disposed(happened.events)
    failed = sorted(_refused(happened) | _failed(happened))
    return [(" and ".join(after.get(seq, ["nothing"])), tool) for seq, tool in failed]


def plans(happened: Happened) -> list[tuple[int, tuple[str, ...]]]:
    """Give the cost in millionths and the tools of every plan; a plan for several failures at once counts once."""
    found: list[tuple[int, tuple[str, ...]]] = []
    before = -1
    for event in happened.events:
        if event.kind == "route" and event.body["does"] in ("plan", "reroute"):
            plan = round(event.body["cost"] * 1_000_000), tuple(event.body["path"])
            if not found or found[-1] != plan or event.seq != before + 1:
                found.append(plan)
            before = event.seq
    return found


def least_cost(case: Case) -> float:
    """Give what the goal costs at least: what the dearest of its needs does, infinite where nothing leads to it."""
    costs: dict[str, float] = dict.fromkeys(case.start, 0)
    changed = True
    while changed:
        changed = False
        for way in case.ways:
            cost = _dearest(way.needs, costs) + way.cost
            for fact in way.gives:
                if cost < costs.get(fact, inf):
                    costs[fact], changed = cost, True
    return _dearest(case.goals[case.goal], costs)


def _dearest(needs: tuple[Need, ...], costs: dict[str, float]) -> float:
    return max((sorted(costs.get(fact, inf) for fact in of)[least - 1] for of, least in needs), default=0)


def _of_law(case: Case, happened: Happened) -> Iterator[str]:
    net = happened.world.ledger.net()
    for effect, count in net.items():
        if count != 1:
            yield f"{effect} stands {count} times"
    served = happened.world.served
    if happened.end != "in doubt" and {*net} != (standing := _standing(case, served)):
        yield f"{sorted(net)} stand, {sorted(standing)} should after {served}"
    if happened.end == "served" and (left := orphans(case, happened.goal, served)):
        yield f"served, and {left} stand without need after {served}"
    if happened.end == "no route" and (kept := [tool for tool in net if case.tools[tool].undo == ("ok",)]):
        yield f"stopped, and {kept} are not undone"
    first = next((event.body for event in happened.events if event.kind == "route"), None)
    if first is not None and "cost" in first and round(first["cost"] * 1_000_000) < least_cost(case):
        yield f"the first plan costs {first['cost']}, less than is possible"


def _standing(case: Case, served: list[str]) -> set[str]:
    standing: set[str] = set()
    for name in served:
        if name in case.tools and case.tools[name].effect == "write":
            standing.add(name)
        else:
            standing.discard(name.removeprefix("un_"))
    return standing


def _of_failures(happened: Happened) -> Iterator[str]:
    failed, after = _failed(happened), _disposed(happened.events)
    for seq, tool in sorted(failed | _refused(happened)):
        if len(after.get(seq, [])) != 1:
            yield f"the failure of {tool} at {seq} ends as {after.get(seq, [])}"
    for seq in after.keys() - {seq for seq, _ in failed | _refused(happened)}:
        yield f"{after[seq]} follows {seq}, which is no failure"
    told, known = sorted(tool for _, tool in failed), sorted(happened.world.failed)
    if told != known:
        yield f"the trace has failures of {told}, the world of {known}"


def _of_course(told: Told, happened: Happened) -> Iterator[str]:
    world = happened.world
    pairs = {
        "end": (told.end, happened.end),
        "goal": (told.goal if told.end == "served" else "", happened.goal),
        "calls": (told.calls, world.calls),
        "failures": (told.failures, failures(happened)),
        "plans": ([cost for cost, _ in told.plans], [cost for cost, _ in plans(happened)]),
        "net": (told.net, world.ledger.net()),
    }
    for what, (expected, got) in pairs.items():
        if expected != got:
            yield f"{what}: {expected} expected, {got} found"


def _failed(happened: Happened) -> set[tuple[int, str]]:
    """Give the number and the tool of every observation that says that a routed call did not serve."""
    calls = _calls(happened)
    return {
        (event.seq, calls[event.body["action"]])
        for event in happened.events
        if event.kind == "observation" and event.body["action"] in calls and event.body.get("ok", "?") == "?"
    }


def _refused(happened: Happened) -> set[tuple[int, str]]:
    """Give the number and the tool of the last decision about every routed call that was not made."""
    calls = _calls(happened)
    made = {event.body["action"] for event in happened.events if event.kind == "observation"}
    last = {event.body["action"]: event.seq for event in happened.events if event.kind == "decision"}
    return {(seq, calls[action]) for action, seq in last.items() if action in calls and action not in made}


def _calls(happened: Happened) -> dict[int, str]:
    goals = happened.world.case.goals
    actions = [event for event in happened.events if event.kind == "action" and event.body["surface"] == "tool"]
    return {event.seq: event.body["tool"] for event in actions if event.body["tool"] not in goals}


def _disposed(events: list[Event]) -> dict[int, list[str]]:
    after: dict[int, list[str]] = {}
    for event in events:
        if event.kind == "route" and "after" in event.body and event.body["does"] in _DISPOSES:
            after.setdefault(event.body["after"], []).append(event.body["does"])
    return after
