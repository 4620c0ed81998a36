"""The law of routing: on random graphs with random failures the world ends as an oracle foretells, call for call.

The oracle (``benchmarks.fuzz.routes``) shares no line with the router; a campaign over 20,000 cases is
``python -m benchmarks.fuzz.routes.campaign``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.routes import graphs
from benchmarks.fuzz.routes.campaign import run
from benchmarks.fuzz.routes.case import Case, Need, Tool, Way

START: Need = (("s0",), 1)
KEPT, TAKEN_BACK, LOOK = Tool("write"), Tool("write", undo=("ok",)), Tool()


def case(*ways: Way, less: str = "a", tools: dict[str, Tool], **more: Any) -> Case:
    """Give a case whose goal is the fact g, or ``less`` where somebody asks for less."""
    return Case(("s0",), {"goal": ((("g",), 1),), "less": (((less,), 1),)}, "goal", ways, tools, retries=1)._replace(
        **more
    )


REMEMBERED = {
    "an undo that fails once is made again": case(
        Way("A", (START,), ("a",), 1),
        Way("G", ((("a",), 1),), ("g",), 1),
        tools={"A": Tool("write", undo=("refused", "ok")), "G": Tool(does=("declined",))},
    ),
    "a write that was undone has another key": case(
        Way("A", (START,), ("a",), 1),
        Way("G", ((("a",), 1),), ("g",), 1),
        Way("B", (START,), ("b",), 2),
        Way("H", ((("b",), 1),), ("g",), 1),
        tools={
            "A": Tool("write", "key", undo=("ok",)),
            "G": Tool(does=("declined",)),
            "B": TAKEN_BACK,
            "H": Tool(does=("declined",)),
        },
        choice="less",
    ),
    "a doubt outlives a clean failure": case(
        Way("G", (START,), ("g",), 1),
        Way("H", (START,), ("g",), 2),
        tools={"G": Tool("write", "key", does=("late", "refused")), "H": KEPT},
    ),
    "a doubt outlives an older refusal": case(
        Way("G", (START,), ("g",), 1),
        Way("H", (START,), ("g",), 2),
        tools={"G": KEPT, "H": Tool("write", does=("late",))},
        forbidden=("G",),
        refusal="reroute",
    ),
    "a plan goes where it says and no shorter way": case(
        Way("A", (START,), ("a",), 1),
        Way("G", ((("a",), 1),), ("g",), 1),
        Way("B", ((("a",), 1),), ("b",), 2),
        Way("H", ((("b", "s0"), 1),), ("g",), 5),
        tools={"A": KEPT, "G": Tool(does=("declined",)), "B": KEPT, "H": LOOK},
    ),
    "a retry after the deadline is not promised": case(
        Way("G", (START,), ("g",), 1),
        tools={"G": Tool("write", "key", probe="knows", does=("late",))},
        wait_ms=30,
        deadline_ms=25,
    ),
    "a rest is waited for": case(
        Way("G", (START,), ("g",), 1),
        tools={"G": Tool(does=("refused", "refused", "ok"))},
        choice="wait",
        cool_ms=20,
    ),
    "what was refused costs nothing": case(
        Way("A", (START,), ("a",), 1),
        Way("G", ((("a",), 1),), ("g",), 5),
        Way("H", ((("a",), 1),), ("g",), 6),
        tools={"A": KEPT, "G": LOOK, "H": LOOK},
        forbidden=("G",),
        refusal="reroute",
        cost_cap=7,
    ),
}
"""Cases in which the router was once wrong."""

randoms = st.randoms(use_true_random=False)


def law(examples: int) -> settings:
    """Say of how many cases a law is asked."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder for one trace and one ledger at a time."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.mark.parametrize("name", REMEMBERED)
def test_what_was_once_wrong(folder: Path, name: str) -> None:
    """Cases that a campaign has found go as foretold, and replay."""
    assert run("small", REMEMBERED[name], folder, replayed=True).wrong == []


def test_a_call_rests_on_what_it_was_made_with(folder: Path) -> None:
    """A write that ends while another call is under way is nothing that call rests on: less is not served."""
    beside = case(
        Way("A", (START,), ("x",), 1),
        Way("B", ((("s0", "x"), 1),), ("y",), 1),
        Way("G", ((("x",), 1), (("y",), 1)), ("g",), 1),
        less="y",
        tools={"A": Tool("write", "key"), "B": LOOK, "G": Tool(does=("declined",))},
        choice="less",
        parallel=2,
    )
    ran = run("parallel", beside, folder)
    assert ran.happened is not None
    ended = [event.body["action"] for event in ran.happened.events if event.kind == "observation"]
    made = {event.body["tool"]: event.seq for event in ran.happened.events if event.kind == "action"}
    assert made["B"] < made["A"]
    assert ended.index(made["A"]) < ended.index(made["B"])
    assert (ran.wrong, ran.happened.end) == ([], "no route")


@law(200)
@given(randoms)
def test_a_route_goes_as_foretold(folder: Path, random: Random) -> None:
    """Calls, plans and their costs, what becomes of each failure, and the net effects are those of the oracle."""
    ran = run("small", graphs.small(random), folder)
    assert not ran.wrong


@law(40)
@given(randoms)
def test_an_answer_that_was_lost_changes_nothing_twice(folder: Path, random: Random) -> None:
    """Writes that commit and then time out stand once in a SQLite ledger, or the route says that it does not know."""
    ran = run("answers", graphs.lost_answers(random), folder)
    assert not ran.wrong


@law(40)
@given(randoms, st.integers(2, 8))
def test_calls_at_once_leave_no_orphans(folder: Path, random: Random, parallel: int) -> None:
    """With several calls under way the goal still rests on every write that stands, and each failure has one end."""
    ran = run("parallel", graphs.small(random)._replace(parallel=parallel), folder)
    assert not ran.wrong


@law(20)
@given(randoms)
def test_a_route_replays(folder: Path, random: Random) -> None:
    """The router runs again over the record, calls nothing for real, and says the same."""
    ran = run("small", graphs.small(random), folder, replayed=True)
    assert not ran.wrong
