"""One run under a schedule, in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from harness import Harness, InDoubt, UsageError
from harness.door.trial import trial

APP = Harness()
PAID: list[int] = []


@APP.tool(effect="write")
def pay(cents: int) -> str:
    """Pay."""
    PAID.append(cents)
    return "paid"


@APP.tool(effect="read")
async def look(name: str, seconds: float) -> str:
    """Take some time to look."""
    await asyncio.sleep(seconds)
    return name


@APP.agent
def payer(cents: int, times: int = 1) -> list[str]:
    """Pay, and pay again where nobody knows."""
    said = []
    for _ in range(times):
        try:
            said.append(pay(cents))
        except InDoubt:
            said.append(pay(cents))
    return said


@APP.agent
async def looker() -> list[str]:
    """Tell in which order three looks come back."""
    came: list[str] = []

    async def one(name: str, seconds: float) -> None:
        came.append(await look(name, seconds))

    await asyncio.gather(one("slow", 60), one("quick", 30), one("equal", 30))
    return came


@APP.agent
def threads() -> list[str]:
    """Tell in which order two threads come to say their names."""
    said: list[str] = []

    def one(name: str) -> None:
        pay(1)
        said.append(name)

    workers = [threading.Thread(target=one, args=(name,)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return said


def test_a_fault_strikes_and_the_world_begins_anew() -> None:
    """What was done to the run is seen in its calls, and ``before`` puts the world back."""
    fault = {"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 1}]}
    one = trial(payer, fault, input={"cents": 5}, before=PAID.clear)
    assert (one.result, PAID) == (["paid"], [5, 5])
    assert [(made.tool, made.nth, made.came) for made in one.seen.calls] == [("pay", 1, "unknown"), ("pay", 2, "ok")]
    assert [(struck.kind, struck.effective) for struck in one.seen.struck] == [("commit_then_timeout", True)]
    assert one.seen.end == "returned"
    again = trial(payer, fault, input={"cents": 5}, before=PAID.clear)
    assert [(event.kind, event.body) for event in again.events] == [(event.kind, event.body) for event in one.events]
    assert PAID == [5, 5]


def test_the_input_is_changed() -> None:
    """A part of it, or another argument."""
    assert trial(payer, {"changes": [["/times", 2]]}, input={"cents": 5}).result == ["paid", "paid"]
    with pytest.raises(UsageError):
        trial(payer, {"changes": [["/cents/x", 2]]}, input={"cents": 5})


def test_virtual_time_costs_nothing_and_keeps_the_order() -> None:
    """A minute of sleep passes at once; among outcomes that come at one time, a turn chooses another one."""
    before = time.monotonic()
    plain = trial(looker)
    assert plain.result == ["quick", "equal", "slow"]
    assert time.monotonic() - before < 10
    orders = {tuple(trial(looker, {"turns": [[place, 1]]}).result) for place in range(len(plain.seen.widths))}
    assert ("equal", "quick", "slow") in orders


def test_turns_reach_threads() -> None:
    """Which of two threads goes on first is a place of the order."""
    plain = trial(threads)
    turned: set[Any] = {
        tuple(trial(threads, {"turns": [[place, 1]]}).result) for place in range(len(plain.seen.widths))
    }
    assert {("a", "b"), ("b", "a")} <= turned | {tuple(plain.result)}


def test_what_the_agent_raises_is_seen() -> None:
    """An exception is what came of the run."""
    one = trial(payer, {"inject": [{"fault": "reset", "tool": "pay"}]}, input={"cents": 5})
    assert isinstance(one.error, ConnectionResetError)
    assert one.seen.end.startswith("raised")
