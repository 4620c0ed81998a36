"""One run under a schedule, in memory."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from harness import Harness, InDoubt, UsageError
from harness.adapters.virtual import BEGINS
from harness.door.app import app_of
from harness.door.replay import replay
from harness.door.trial import MOST_CALLS, Endless, trial

APP = Harness()
NOISE = Harness()
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


@NOISE.tool(effect="read")
def slow(seconds: float) -> float:
    """Sleep like a service that takes its time."""
    time.sleep(seconds)
    return seconds


@NOISE.agent
def noisy() -> list[Any]:
    """Read every clock, and every source of chance."""
    time.sleep(1000)
    slow(2000)
    moments = [time.time(), time.time_ns(), time.monotonic(), time.clock_gettime(0), list(time.gmtime()), time.ctime()]
    days = [datetime.now(), datetime.now(UTC), datetime.now(timezone(timedelta(hours=3))), date.today()]  # noqa: DTZ005, DTZ011
    chance = [random.random(), random.Random().random(), os.urandom(4), uuid.uuid4(), secrets.token_hex(8)]
    chance += [uuid.uuid1(), time.strftime("%H:%M:%S %f")]
    slow(1)
    return [*moments, *map(str, days), *map(str, chance)]


@NOISE.agent
def clerks() -> list[str]:
    """Let three threads wait for one another, for a while each, and for their calls."""
    said: list[str] = []
    lock = threading.Lock()

    def one(name: str) -> None:
        for _ in range(2):
            with lock:
                said.append(name)
            slow(3)
            time.sleep(1)

    workers = [threading.Thread(target=one, args=(name,)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=100)
    return said


@NOISE.agent
def endless() -> None:
    """Try for ever, whatever is raised."""
    while True:
        with suppress(Exception):
            slow(1)


def test_two_trials_write_the_same_lines() -> None:
    """Clocks, chance and waiting follow from the schedule; nothing of it takes time."""
    before = time.monotonic()
    one, two = trial(noisy), trial(noisy)
    assert one.lines == two.lines
    assert (one.result[0], one.result[2]) == (BEGINS.timestamp() + 3000, pytest.approx(3000))
    assert one.result[6:8] == ["2026-01-01 00:50:00", "2026-01-01 00:50:00+00:00"] or time.timezone
    assert trial(noisy, {"seed": 1}).result[-5:] != one.result[-5:]
    assert time.monotonic() - before < 20


def test_a_delay_of_a_fault_costs_nothing() -> None:
    """The outcome comes later by the clock of the run."""
    delay = {"inject": [{"fault": "delay", "tool": "slow", "nth": 1, "strength": {"delay_ms": 3_600_000}}]}
    before = time.monotonic()
    assert trial(noisy, delay).result[0] == BEGINS.timestamp() + 3000 + 3600
    assert time.monotonic() - before < 20


@pytest.mark.parametrize("agent", [clerks, looker, threads])
def test_every_turn_is_told_alike_and_replays(agent: Any, tmp_path: Path) -> None:
    """Under each turn two trials write the same lines, and a replay of them is equal."""
    widths = trial(agent).seen.widths
    turns = [[[place, choice]] for place, width in enumerate(widths) for choice in range(width)]
    assert len(turns) >= 4
    results = set()
    for turn in turns:
        one = trial(agent, {"turns": turn})
        assert one.lines == trial(agent, {"turns": turn}).lines
        (tmp_path / "one.mat.jsonl").write_bytes(b"".join(one.lines))
        assert replay(tmp_path / "one.mat.jsonl", entry=agent, app=app_of(agent)).equal
        results.add(str(one.result))
    assert len(results) > 1


def test_a_run_without_an_end_is_stopped() -> None:
    """After so many calls, also where the agent takes every exception."""
    one = trial(endless)
    assert isinstance(one.error, Endless)
    assert (one.seen.end, len(one.seen.calls)) == ("", MOST_CALLS)


def test_an_input_that_does_not_fit_is_told_before_anything_runs() -> None:
    """Also where it is a change that makes it so."""
    ran: list[int] = []
    with pytest.raises(UsageError, match="does not fit"):
        trial(payer, {"changes": [["/dollars", 5]]}, input={"cents": 5}, before=lambda: ran.append(1))
    assert ran == []


def test_a_fault_strikes_and_the_world_begins_anew() -> None:
    """What was done to the run is seen in its calls, and ``before`` puts the world back."""
    fault = {"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 1}]}
    one = trial(payer, fault, input={"cents": 5}, before=PAID.clear)
    assert (one.result, PAID) == (["paid"], [5, 5])
    assert [(made.tool, made.nth, made.came) for made in one.seen.calls] == [("pay", 1, "unknown"), ("pay", 2, "ok")]
    assert [(struck.kind, struck.effective) for struck in one.seen.struck] == [("commit_then_timeout", True)]
    assert one.seen.end == "returned"
    again = trial(payer, fault, input={"cents": 5}, before=PAID.clear)
    assert again.lines == one.lines
    assert PAID == [5, 5]


def test_the_input_is_changed() -> None:
    """A part of it, or another argument."""
    assert trial(payer, {"changes": [["/times", 2]]}, input={"cents": 5}).result == ["paid", "paid"]
    with pytest.raises(UsageError):
        trial(payer, {"changes": [["/cents/x", 2]]}, input={"cents": 5})


def test_a_key_of_the_input_may_end_in_a_dot() -> None:
    """What is changed is at the very pointer, not at another that is like it."""

    @APP.agent
    def told(sizes: dict[str, int]) -> dict[str, int]:
        pay(1)
        return sizes

    assert trial(told, {"changes": [["/sizes/no.", 5]]}, input={"sizes": {"no.": 1, "no": 2}}).result == {
        "no.": 5,
        "no": 2,
    }


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


@APP.agent
async def cancelled() -> str:
    """Cancel a call, and wait for it all the same."""
    call = asyncio.ensure_future(look("a", 1))
    call.cancel()
    return await call


@APP.agent
def leaving() -> None:
    """Leave the process after a call."""
    pay(1)
    raise SystemExit(3)


@pytest.mark.parametrize(("agent", "kind"), [(cancelled, asyncio.CancelledError), (leaving, SystemExit)])
def test_an_agent_that_ends_itself_ends_no_search(agent: Any, kind: type[BaseException]) -> None:
    """What it raises is no exception of the usual kind, and what came of the run all the same."""
    for seen in (trial(agent), trial(agent, {"turns": [[0, 1]]})):
        assert isinstance(seen.error, kind)


@APP.agent
def through(prices: dict[str, int]) -> list[str]:
    """Pay prices in the order they are in."""
    return [f"{name} {pay(cents)}" for name, cents in prices.items()]


def test_an_object_of_the_input_keeps_the_order_of_its_keys() -> None:
    """Each run gets its own, in the order it was given in."""
    given = {"prices": {"tram": 2, "ferry": 1}}
    one = trial(through, input=given, before=PAID.clear)
    assert one.result == ["tram paid", "ferry paid"]
    assert given == {"prices": {"tram": 2, "ferry": 1}}


@NOISE.tool(effect="write")
async def undo(order: str) -> str:
    """Undo an order, which takes a moment."""
    await asyncio.sleep(1)
    return "cancelled"


@NOISE.agent
async def undoing(orders: dict[str, int]) -> list[str]:
    """Undo orders in the order in which they are given."""
    return [f"{order} {await undo(order)}" for order in orders]


def test_a_result_is_not_taken_for_a_cancelled_call(tmp_path: Path) -> None:
    """Though it is the very word that stands for one."""
    one = trial(undoing, input={"orders": {"b": 1, "a": 2}})
    assert one.result == ["b cancelled", "a cancelled"]
    (tmp_path / "one.mat.jsonl").write_bytes(b"".join(one.lines))
    assert replay(tmp_path / "one.mat.jsonl", entry=undoing, app=NOISE).equal
