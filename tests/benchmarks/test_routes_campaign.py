"""The routing campaign itself: it runs, it sees what is wrong, and what it shows is small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.routes.campaign import draw, run
from benchmarks.fuzz.routes.case import Case, Tool, Way
from benchmarks.fuzz.routes.check import differences, least_cost
from benchmarks.fuzz.routes.oracle import foretell
from benchmarks.fuzz.routes.real import Happened, travel
from benchmarks.fuzz.routes.shrink import shrunk
from benchmarks.fuzz.routes.world import Ledger, Memory, Sqlite

ROOT = Path(__file__).parents[2]

CASE = Case(
    start=("s0",),
    goals={"goal": ((("b",), 1),)},
    goal="goal",
    ways=(
        Way("A", ((("s0",), 1),), ("a",), 100_000),
        Way("B", ((("a",), 1),), ("b",), 200_000),
        Way("C", ((("a",), 1),), ("b",), 300_000),
    ),
    tools={"A": Tool("write"), "B": Tool("read", does=("declined",)), "C": Tool("write")},
)


def test_a_short_campaign_finds_no_difference() -> None:
    """A hundred and twenty cases of every kind go as foretold, and they are about something."""
    command = [sys.executable, "-m", "benchmarks.fuzz.routes.campaign", "--count", "120", "--seed", "7", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    told = json.loads(done.stdout)
    assert (done.returncode, told["rows"]) == (0, []), done.stderr
    figures = {name: figure["value"] for name, figure in told["figures"].items()}
    assert (figures["cases"], figures["replayed"]) == (120, 6)
    assert [figures[f"cases_{kind}"] for kind in ("small", "answers", "parallel", "large")] == [102, 3, 9, 6]
    seen = [figures[f"failure_{does}"] for does in ("retry", "reroute", "settle", "escalate")]
    assert min(seen) > 5
    assert min(figures["end_served"], figures["end_no_route"], figures["end_in_doubt"]) > 0


@pytest.fixture
def happened(tmp_path: Path) -> Happened:
    """Give what happens in the case above: A, then B in vain, then C."""
    return travel(CASE, tmp_path / "case.jsonl")


def test_what_goes_as_foretold_has_no_difference(happened: Happened) -> None:
    """The case goes A, B, C, with one reroute, and the law and the course agree."""
    assert happened.world.calls == ["A", "B", "C"]
    assert differences(CASE, foretell(CASE), happened) == []


def test_every_kind_of_difference_is_seen(happened: Happened) -> None:
    """An effect too many, an orphan, a failure without an end or with two, another course: each is told."""

    def told(other: Happened) -> str:
        return "; ".join(differences(CASE, None, other))

    reroute = next(event for event in happened.events if event.body.get("does") == "reroute")
    without = [event for event in happened.events if event is not reroute]
    assert "ends as []" in told(happened._replace(events=without))
    assert "ends as ['reroute', 'reroute']" in told(happened._replace(events=[*happened.events, reroute]))
    other = foretell(CASE._replace(tools=CASE.tools | {"B": Tool("read")}))
    assert "calls: ['A', 'B'] expected" in "; ".join(differences(CASE, other, happened))
    happened.world.ledger.commit("C", None)
    assert "C stands 2 times" in told(happened)
    happened.world.ledger.revoke("C")
    happened.world.ledger.revoke("A")
    assert "['C'] stand, ['A', 'C'] should" in told(happened)


def test_a_plan_has_a_least_cost() -> None:
    """The bound is the dearest need of the goal, of alternatives the cheapest, of a quorum the last one needed."""
    assert least_cost(CASE) == 300_000
    assert least_cost(CASE._replace(goals={"goal": ((("s0", "a", "b"), 2),)})) == 100_000
    assert least_cost(CASE._replace(goals={"goal": ((("b", "nobody"), 2),)})) == float("inf")


def test_a_case_is_made_small() -> None:
    """What has nothing to do with a difference is taken out of the case that shows it."""
    _, case = draw(1, 4)
    case = case._replace(tools=case.tools | {"Z": Tool("write", does=("late", "ok"))})
    case = case._replace(ways=(*case.ways, Way("Z", ((("s0",), 1),), ("z",), 1)))
    small = shrunk(case, lambda one: any("late" in tool.does for tool in one.tools.values()))
    assert [way.tool for way in small.ways] == ["Z"]
    assert small.tools == {"Z": Tool("write", does=("late",))}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_ledger_takes_a_key_once(kind: str, tmp_path: Path) -> None:
    """What has a key happens once for it, what has none each time; undoing takes back one."""
    ledger: Ledger = Memory() if kind == "memory" else Sqlite(str(tmp_path / "ledger.db"))
    for key in ("k", "k", "l", None, None):
        ledger.commit("pay", key)
    assert ledger.net() == {"pay": 4}
    ledger.revoke("pay")
    assert ledger.net() == {"pay": 3}
    for _ in range(5):
        ledger.revoke("pay")
    assert ledger.net() == {}


def test_whatever_a_case_raises_is_a_difference(tmp_path: Path) -> None:
    """A case that cannot even be run is told, and leaves nothing behind in its folder."""
    ran = run("small", CASE._replace(goal="nowhere"), tmp_path)
    assert ran.wrong[0].startswith("raised")
    assert list(tmp_path.iterdir()) == []
