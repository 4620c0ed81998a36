"""The earliest event whose repair flips a verdict."""

from __future__ import annotations

import asyncio
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Harness, RecordedError
from harness.door.blame import blame_trial
from harness.door.trial import Trial, Trials
from harness.registry.load import load
from harness.stress.causes.blame import blame
from harness.stress.causes.repair import LeftOut, Spared, mended, repairs_of, strikes_of
from harness.stress.schedule import schedule_of

RULES = """
registry: looks
version: 1.0.0
default: allow
invariants:
  - {id: GOOD, title: What is told is good, on: action, tool: tell, require: not call.args.bad, severity: high,
     otherwise: observe}
  - {id: SEEN, title: Stock is sold once, on: action, tool: sell, severity: high, otherwise: observe,
     require: 'not happened(action, call.tool == "sell" and call.args.item == now.call.args.item)'}
"""
APP = Harness(load(RULES, "looks.yaml"))
STOCK: list[str] = []


@APP.tool(effect="read")
def look(place: int) -> int:
    """Look at a place."""
    return place


@APP.tool(effect="write")
def tell(bad: bool) -> str:
    """Tell what came of it."""
    return "told"


@APP.agent
def looker(table: list[bool], places: int) -> str:
    """Look at some places; whether that is bad is what a table says of those that could not be seen."""
    failed = 0
    for place in range(places):
        try:
            look(place)
        except RecordedError:
            failed |= 1 << place
    return tell(bad=table[failed])


@APP.tool(effect="read")
async def first() -> str | None:
    """Give the first item there is."""
    return STOCK[0] if STOCK else None


@APP.tool(effect="read")
async def greet(name: str) -> str:
    """Say hello."""
    return f"hello {name}"


@APP.tool(effect="write")
async def sell(item: str) -> str:
    """Sell an item."""
    STOCK.remove(item) if item in STOCK else None
    return item


@APP.agent
async def market(polite: bool = True) -> list[Any]:
    """Let two sellers sell what is there first; one of them greets before."""

    async def one(name: str, greets: bool) -> None:
        if greets:
            await greet(name)
        item = await first()
        if item is not None:
            await sell(item)

    return list(await asyncio.gather(one("ann", False), one("bob", polite)))


def _stock() -> None:
    STOCK[:] = ["mug", "tea"]


LOOKS = Trials(APP, looker)
MARKET = Trials(APP, market, before=_stock)


def _struck(places: set[int], whole: int, table: list[bool]) -> tuple[Trial, dict[str, Any]]:
    given = {"table": table, "places": whole}
    inject = [{"fault": "error", "tool": "look", "nth": [place + 1 for place in sorted(places)]}] if places else []
    return LOOKS.run(schedule_of({"inject": inject}), given), given


def _expected(places: set[int], table: list[bool]) -> tuple[int, ...]:
    """Find by brute force the places whose repair flips the verdict: the earliest one, or else the first pair."""

    def bad(without: tuple[int, ...]) -> bool:
        return table[sum(1 << place for place in places if place not in without)]

    tries = [*((one,) for one in sorted(places)), *combinations(sorted(places), 2)]
    return next((one for one in tries if not bad(one)), ())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_blame_is_what_brute_force_finds(data: st.DataObject) -> None:
    """Whatever a run makes of its faults: the earliest single strike that flips the verdict, else the first pair."""
    whole = data.draw(st.integers(1, 4))
    places = data.draw(st.sets(st.integers(0, whole - 1), min_size=1))
    table = data.draw(st.lists(st.booleans(), min_size=1 << whole, max_size=1 << whole))
    table[sum(1 << place for place in places)] = True
    run, given = _struck(places, whole, table)
    found = blame_trial(LOOKS, run, input=given)
    causes = (found, *found.together) if found.found else ()
    assert tuple(one.nth - 1 for one in causes) == _expected(places, table)
    assert {one.tool for one in causes} <= {"look"}
    assert found.rule == "GOOD"


def test_only_one_strike_is_taken_away() -> None:
    """A fault that strikes every call is blamed where it matters, and strikes the others all the same."""
    table = [mask & 0b100 != 0 for mask in range(8)]
    given = {"table": table, "places": 3}
    run = LOOKS.run(schedule_of({"inject": [{"fault": "error", "tool": "look"}]}), given)
    found = blame_trial(LOOKS, run, rule="GOOD")
    assert (found.tool, found.nth, found.step, found.runs) == ("look", 3, 2, 3)
    assert [(link.tool, link.nth) for link in found.chain] == [("look", 3), ("tell", 1)]
    assert found.chain[0].how == "failed; without it ok"


def test_runs_are_counted_against_the_budget() -> None:
    """No more runs are made than allowed, and then nothing is blamed."""
    run, _ = _struck({0, 1, 2, 3}, 4, [True] * 16)
    found = blame_trial(LOOKS, run, budget=5)
    assert (found.found, found.runs, found.tool, found.chain) == (False, 5, "", ())


def test_an_inert_strike_is_not_tried() -> None:
    """What made no difference cannot be a cause."""
    run = LOOKS.run(
        schedule_of({"inject": [{"fault": "shuffle", "tool": "look"}, {"fault": "error", "tool": "look", "nth": 2}]}),
        {"table": [False, False, True, True], "places": 2},
    )
    assert [(one.kind, one.nth) for one in repairs_of(run.schedule, run) if isinstance(one, Spared)] == [("error", 2)]


def test_a_turn_is_blamed_at_the_first_call_that_saw_something_else() -> None:
    """The read that comes too early is named, and not whose answer happened to be there first."""
    run = MARKET.run(schedule_of({"turns": [[0, 1]]}))
    assert run.seen.rules == {"SEEN"}
    found = blame_trial(MARKET, run)
    assert (found.tool, found.nth, found.rule) == ("first", 2, "SEEN")
    assert "somebody else goes on" in found.how
    assert [link.tool for link in found.chain][-1] == "sell"


def test_the_input_is_blamed_where_no_event_is() -> None:
    """A change of the input is named by the first call that it makes another one; a fault beside it comes first."""
    given = {"table": [False, False, False, True], "places": 1}
    schedule = {"changes": [["/places", 2]], "inject": [{"fault": "error", "tool": "look"}]}
    run = LOOKS.run(schedule_of(schedule), given)
    found = blame_trial(LOOKS, run, input=given)
    assert (found.tool, found.nth, found.how) == ("look", 1, "struck by error (error-1)")
    run = LOOKS.run(schedule_of({"changes": [["/table/0", True]]}), given)
    found = blame_trial(LOOKS, run, input=given)
    assert (found.tool, found.how) == ("tell", "the input has True at /table/0")


def test_a_run_that_holds_has_no_blame() -> None:
    """There is nothing to look for."""
    run, _ = _struck({0}, 1, [False, False])
    with pytest.raises(ValueError, match="does not violate GOOD"):
        blame(run, lambda _: run, (), "GOOD")


@given(st.integers(0, 50), st.floats(0.1, 1))
@settings(max_examples=25, deadline=None)
def test_strikes_are_found_again_in_the_trace(seed: int, chance: float) -> None:
    """Which of the calls that fit were struck follows from the calls alone, chance and conditions included."""
    inject = [
        {"fault": "error", "tool": "look", "chance": chance},
        {"name": "odd", "fault": "corrupt", "tool": "look", "when": "call.args.place > 1"},
    ]
    schedule = schedule_of({"inject": inject, "seed": seed})
    run = LOOKS.run(schedule, {"table": [False] * 32, "places": 5})
    assert schedule.plan is not None
    assert set(strikes_of(schedule.plan, run.events)) == {(one.action, one.fault) for one in run.seen.struck}


def test_a_mended_schedule_says_so() -> None:
    """What is spared, and what is left out, can be read from the schedule, which anybody can run."""
    schedule = schedule_of({"inject": [{"fault": "error", "tool": "look"}], "turns": [[0, 1]], "changes": [["/x", 1]]})
    better = mended(schedule, (Spared(3, "error-1", "error", 2), LeftOut(1, schedule.turns[0])))
    assert better.stated() == {
        "inject": [{"name": "error-1", "fault": "error", "tool": ["look"], "spare": [2]}],
        "changes": [["/x", 1]],
    }
    assert mended(schedule, ()) == schedule
