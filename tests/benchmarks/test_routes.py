"""The oracle of the routing campaign: the published table, a naive enumeration, and cases worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, permutations
from random import Random
from typing import TypeVar

import pytest

from benchmarks.fuzz.routes.best import Support, best_route
from benchmarks.fuzz.routes.case import Case, Need, Tool, Way
from benchmarks.fuzz.routes.graphs import small
from benchmarks.fuzz.routes.law import orphans
from benchmarks.fuzz.routes.oracle import Told, foretell

Edges = list[tuple[str, str, int]]
T = TypeVar("T")

CS: Edges = [
    ("Start", "CRM", 1),
    *(("CRM", "Stripe", 3), ("CRM", "Razorpay", 5), ("Stripe", "Email", 3), ("Stripe", "SMS", 4)),
    *(("Razorpay", "Email", 3), ("Razorpay", "SMS", 4), ("Email", "Complete", 1), ("SMS", "Complete", 1)),
]
TB: Edges = [
    *(("Start", "Flight", 3), ("Start", "Train", 5), ("Flight", "Hotel", 3), ("Flight", "Hostel", 4)),
    *(("Train", "Hotel", 3), ("Train", "Hostel", 4), ("Hotel", "Car", 3), ("Hotel", "Bus", 4)),
    *(("Hostel", "Car", 4), ("Hostel", "Bus", 3), ("Car", "Payment", 2), ("Bus", "Payment", 2)),
    ("Payment", "Confirm", 1),
]
CM: Edges = [
    *(("Start", "Text", 2), ("Start", "Image", 3), ("Start", "Video", 5), ("Text", "Toxicity", 2)),
    *(("Image", "Toxicity", 3), ("Video", "Toxicity", 4), ("Toxicity", "Human", 5), ("Toxicity", "Auto", 2)),
    *(("Human", "Complete", 1), ("Auto", "Complete", 1)),
]
UNDOABLE = {"Stripe", "Razorpay", "Flight", "Train", "Hotel", "Hostel", "Car", "Bus"}
FINAL = {"Email", "SMS", "Payment"}

TABLE = [
    (CS, "", "CRM Stripe Email", 3, 0, 0),
    (CS, "Stripe", "CRM Razorpay Email", 4, 1, 1),
    (CS, "Email", "CRM Stripe SMS", 4, 1, 1),
    (CS, "Stripe Email", "CRM Razorpay SMS", 5, 2, 2),
    (CS, "Stripe Razorpay", None, 3, 2, 1),
    (CS, "Email SMS", None, 4, 2, 1),
    (CS, "CRM", None, 1, 1, 0),
    (TB, "", "Flight Hotel Car Payment", 4, 0, 0),
    (TB, "Flight", "Train Hotel Car Payment", 5, 1, 1),
    (TB, "Hotel Car", "Flight Hostel Bus Payment", 5, 1, 1),
    (TB, "Flight Train", None, 2, 2, 1),
    (TB, "Flight Hotel Car", "Train Hostel Bus Payment", 6, 2, 2),
    (TB, "Payment", None, 4, 1, 0),
    (CM, "", "Text Toxicity Auto", 3, 0, 0),
    (CM, "Text", "Image Toxicity Auto", 4, 1, 1),
    (CM, "Auto", "Text Toxicity Human", 4, 1, 1),
    (CM, "Text Auto", "Image Toxicity Human", 5, 2, 2),
    (CM, "Text Image Video", None, 3, 3, 2),
    (CM, "Toxicity", None, 2, 1, 0),
]


def plain(edges: Edges, down: str = "") -> Case:
    """Give a case of a plain graph, some of whose tools are down."""
    goal = edges[-1][1]
    ways = tuple(
        Way(None if end == goal else end, (((begin,), 1),), (end,), cost * 100_000) for begin, end, cost in edges
    )
    tools = {
        way.tool: Tool(
            "write" if way.tool in UNDOABLE | FINAL else "read",
            undo=("ok",) if way.tool in UNDOABLE else (),
            does=("refused",) if way.tool in down.split() else ("ok",),
        )
        for way in ways
        if way.tool
    }
    return Case(("Start",), {"goal": (((goal,), 1),)}, "goal", ways, tools, retries=0)


def attempts(told: Told) -> list[str]:
    """Give the calls that are no undoing."""
    return [name for name in told.calls if not name.startswith("un_")]


@pytest.mark.parametrize(("edges", "down", "served", "calls", "found", "reroutes"), TABLE)
def test_the_published_scenarios(
    edges: Edges, down: str, served: str | None, calls: int, found: int, reroutes: int
) -> None:
    """The oracle foretells what the published table derives for each of the 19 scenarios."""
    told = foretell(plain(edges, down))
    ended = [does for does, _ in told.failures]
    assert (len(attempts(told)), len(ended), ended.count("reroute")) == (calls, found, reroutes)
    assert (told.end == "served", ended.count("escalate")) == (served is not None, int(served is None))
    if served is not None:
        assert [name for name in told.calls if name not in down.split()] == served.split()
        assert told.net == dict.fromkeys(sorted(set(served.split()) & (UNDOABLE | FINAL)), 1)
    else:
        assert told.net == {}


@pytest.mark.parametrize(
    ("edges", "sums"), [(CS, (32, 9, 74, 37, 14)), (TB, (128, 27, 498, 249, 148)), (CM, (64, 21, 210, 105, 62))]
)
def test_the_published_sums(edges: Edges, sums: tuple[int, ...]) -> None:
    """Over every set of failed tools the oracle's sums are the published ones."""
    tools = list(plain(edges).tools)
    subsets = [" ".join(some) for count in range(len(tools) + 1) for some in combinations(tools, count)]
    told = [foretell(plain(edges, down)) for down in subsets]
    served = sum(one.end == "served" for one in told)
    calls = sum(len(attempts(one)) for one in told)
    ended = [does for one in told for does, _ in one.failures]
    assert (len(told), served, calls, len(ended), ended.count("reroute")) == sums


def naive(case: Case, held: dict[str, Support], required: Support) -> list[tuple[int, int, int, tuple[str, ...]]]:
    """Give cost, calls, arcs and sorted names of every route, by looking at all subsets of arcs and of held facts."""
    goal = case.goals[case.goal]

    def met(needs: tuple[Need, ...], facts: set[str]) -> bool:
        return all(len(facts & set(of)) >= least for of, least in needs)

    def serve(some: Iterable[Way], leaves: Iterable[str]) -> bool:
        facts, ways = set(leaves), list(some)
        for _ in ways:
            facts |= {fact for way in ways if met(way.needs, facts) for fact in way.gives if fact not in held}
        return met(goal, facts)

    return [
        (sum(way.cost for way in some), sum(way.tool is not None for way in some), len(some), names(some))
        for some in subsets(case.ways)
        if serve(some, held)
        for leaves in subsets(held)
        if required <= Support().union(*(held[leaf] for leaf in leaves)) and serve(some, leaves)
        if not any(serve([way for way in some if way is not left], leaves) for left in some)
        if not any(serve(some, set(leaves) - {left}) for left in leaves)
    ]


def subsets(things: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Give all subsets."""
    listed = list(things)
    return (some for count in range(len(listed) + 1) for some in combinations(listed, count))


def names(ways: Iterable[Way]) -> tuple[str, ...]:
    """Give the names of some arcs, sorted."""
    return tuple(sorted(way.name for way in ways))


def test_the_best_route_is_the_best_of_all_subsets() -> None:
    """The search in the order of cost finds the least of all routes, also where some writes have to be kept."""
    found = kept = 0
    for number in range(400):
        random = Random(f"subsets:{number}")
        case = small(random)
        if len(case.ways) > 7:
            continue
        facts = sorted({fact for way in case.ways for fact in way.gives})
        held = {"s0": Support(), **{fact: Support({at}) for at, fact in enumerate(random.sample(facts, 2))}}
        required = Support(random.sample((0, 1), random.randint(0, 2)))
        best = best_route(case.ways, range(len(case.ways)), held, case.goals["goal"], required)
        routes = naive(case, held, required)
        assert (best and best[:4]) == min(routes, default=None), case
        found += best is not None
        kept += best is not None and bool(required)
    assert found > 60
    assert kept > 10


def test_what_a_route_rests_on() -> None:
    """A need uses as many facts as it asks for and no more: two writes do not both bear one of two alternatives."""
    held = {"a": Support({0}), "b": Support({1}), "c": Support()}
    either, two = (("a", "b"), 1), (("a", "b", "c"), 2)

    def rests(required: set[int], *goal: Need) -> bool:
        return best_route((), (), held, goal, Support(required)) is not None

    assert rests({0}, either)
    assert rests({1}, either)
    assert not rests({0, 1}, either)
    assert rests({0, 1}, two)
    assert rests({0, 1}, either, (("c",), 1)) is False
    assert rests({1}, either, (("b",), 1))
    assert not rests({0}, either, (("b",), 1))  # b serves for both


def chain(**tools: Tool) -> Case:
    """Give a case with the two ways s0-A-x-B and s0-C-y-D to the goal, the first one cheaper."""
    ways = (
        Way("A", ((("s0",), 1),), ("x",), 1),
        Way("B", ((("x",), 1),), ("b",), 1),
        Way("C", ((("s0",), 1),), ("y",), 2),
        Way("D", ((("y",), 1),), ("d",), 2),
    )
    known = {name: Tool("write") for name in "ABCD"} | tools
    return Case(("s0",), {"goal": ((("b", "d"), 1),)}, "goal", ways, known, retries=1)


def test_a_dead_end_is_undone_or_kept() -> None:
    """What was done on the way to a dead end is undone before another way is gone, and where it cannot be, none is."""
    told = foretell(chain(A=Tool("write", undo=("ok",)), B=Tool("write", does=("refused",))))
    assert (told.end, told.net) == ("served", {"C": 1, "D": 1})
    assert told.calls == ["A", "B", "B", "un_A", "C", "D"]
    told = foretell(chain(B=Tool("write", does=("refused",))))
    assert (told.end, told.net, told.calls) == ("no route", {"A": 1}, ["A", "B", "B"])


def test_a_doubt_is_never_gone_past() -> None:
    """A write that may have happened is settled or ends the route, also where a later attempt failed cleanly."""
    told = foretell(chain(A=Tool("write", does=("late",))))
    assert (told.end, told.calls) == ("in doubt", ["A"])
    told = foretell(chain(A=Tool("write", "key", does=("late", "refused"))))
    assert (told.end, told.failures) == ("in doubt", [("retry", "A"), ("settle", "A")])
    told = foretell(chain(A=Tool("write", probe="knows", does=("late",))))
    assert (told.end, told.net, told.calls) == ("served", {"A": 1, "B": 1}, ["A", "find_A", "B"])
    told = foretell(chain(A=Tool("write", "key", does=("late", "ok"))))
    assert (told.end, told.net, told.calls) == ("served", {"A": 1, "B": 1}, ["A", "A", "B"])


def test_orphans_are_found_whatever_the_order() -> None:
    """A write on which the goal does not rest is an orphan; one of two alternatives is one, both of a join are none."""
    case = chain()
    assert orphans(case, "goal", ["A", "B"]) == []
    assert orphans(case, "goal", ["A", "C", "D"]) == ["A"]
    assert orphans(case, "goal", ["A", "un_A", "C", "D"]) == []
    assert orphans(case, "goal", ["A"]) == ["A"]
    for served in permutations("ABCD"):
        left = orphans(case, "goal", served)
        assert left, served
    join = case._replace(goals={"goal": ((("b",), 1), (("d",), 1))})
    assert orphans(join, "goal", "ACBD") == []
