"""Routes of asynchronous agents, and agents in threads and in loops of others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.door.routes import Routed
from harness.door.session import Session
from harness.errors import NoRoute, UsageError
from tests.door.places import SHOP, TRIP, TRIP_TAKES, TRIP_TOOLS, shop, trip
from tests.door.town import DOWN, QUICK, Slow, Town, aroute, ended, played, present, registry_of, route

# --- asynchronous agents ----------------------------------------------------------------------------------------------


def test_independent_branches_run_at_once(tmp_path: Path) -> None:
    """Two tools that need nothing of each other are under way together."""
    story = played(trip(flight=[Slow(0.02)], hotel=[Slow(0.02)]), aroute("booked", day=1), tmp_path)
    assert story.result.value == "book"
    kinds = [one.body.get("tool", one.kind) for one in story.events if one.kind in ("action", "observation")]
    assert kinds[:5] == ["booked", "flight", "hotel", "observation", "observation"]


def test_only_the_branch_that_failed_runs_again(tmp_path: Path) -> None:
    """While the hotel is still looked for, the train takes the place of the flight."""
    story = played(trip(flight=[DOWN] * 2, hotel=[Slow(0.05)]), aroute("booked", day=1), tmp_path)
    assert sorted(story.town.called) == ["book", "flight", "flight", "hotel", "train"]
    assert set(story.result.path) == {"train", "hotel", "book"}


def test_a_coroutine_that_takes_too_long_is_a_failure(tmp_path: Path) -> None:
    """A read is tried again; a write under a key too, with the same key; another one is in doubt."""
    story = played(trip(flight=[Slow(0.5)], book=[Slow(0.5)]), aroute("booked", day=1), tmp_path)
    assert Counter(story.town.called) == {"flight": 2, "hotel": 1, "book": 2}
    assert len({args["key"] for name, args in story.town.calls if name == "book"}) == 1
    story = played(trip(blind=[Slow(0.5)]), aroute("blindly", day=1), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert story.result.in_doubt == ("blind",)
    assert story.town.called.count("blind") == 1


@pytest.mark.parametrize("later", [False, True])
def test_a_replay_does_not_wait(later: bool, tmp_path: Path) -> None:
    """What was waited for between two tries takes no time when it is told again."""
    policy = {"retries": 2, "wait_ms": 300, "factor": 1}
    if later:
        build, agent = trip(policy, flight=[DOWN] * 2), aroute("booked", day=1)
    else:
        build, agent = shop(graph=SHOP | {"policy": policy}, stripe=[DOWN] * 2), route("told", order=1)
    town, other = build(tmp_path), build(tmp_path)
    session = town.app.session()
    began = time.perf_counter()
    result = ended(session, town, agent)
    recorded = time.perf_counter()
    again = other.app.replaying(session.trace.path)
    assert ended(again, other, agent) == result
    assert time.perf_counter() - recorded < 0.3 < 0.6 <= recorded - began
    assert again.trace.digest == session.trace.digest


def test_an_asynchronous_callback_is_awaited(tmp_path: Path) -> None:
    """Whoever is asked may take his time; what he says is what the route does."""

    async def escalate(deadlock: dict[str, Any]) -> Any:
        await asyncio.sleep(0.01)
        return {"goal": "blindly"}

    def build(folder: Path) -> Town:
        graph = TRIP | {"policy": {**QUICK, "parallel": 4}}
        town = Town(registry_of(TRIP_TOOLS, graph), folder, escalate=escalate)
        return town.with_tools(TRIP_TAKES, {"book": [DOWN] * 2}, later=True)

    story = played(build, aroute("booked", day=1), tmp_path)
    assert (story.result.goal, story.town.called[-1]) == ("blindly", "blind")


@pytest.mark.parametrize("callback", ["function", "object"])
def test_an_asynchronous_callback_of_a_synchronous_agent(callback: str, tmp_path: Path) -> None:
    """Where it can be seen it is told before anything is called, else when it is asked; all is taken back."""

    async def escalate(deadlock: dict[str, Any]) -> Any:
        return {"stop": True}

    class Asked:
        def __call__(self, deadlock: dict[str, Any]) -> Any:
            return escalate(deadlock)

    asked = escalate if callback == "function" else Asked()
    town = shop({"escalate": asked}, email=[DOWN] * 2, sms=[DOWN] * 2)(tmp_path)
    with pytest.raises(UsageError if callback == "function" else NoRoute) as raised, town.app.session() as session:
        session.route("told", order="W-1")
    assert "asynchronous" in str(raised.value if callback == "function" else raised.value.__cause__)
    assert +town.net == {}


def test_a_tool_of_a_coroutine_agent_is_replaced(tmp_path: Path) -> None:
    """The flight is asked for by its own name, and the train takes its place."""

    async def agent(town: Town) -> Any:
        return await asyncio.gather(town.tools["flight"](1), town.tools["hotel"](1))

    story = played(trip(flight=[DOWN] * 2), agent, tmp_path)
    assert story.result == ["train", "hotel"]


def test_a_route_that_is_cancelled_is_closed(tmp_path: Path) -> None:
    """An agent that does not wait for the end leaves no call open in its trace."""

    async def agent(town: Town) -> Any:
        try:
            async with asyncio.timeout(0.05):
                await present().aroute("booked", day=1)
        except TimeoutError:
            return "too late"

    story = played(trip(hotel=[Slow(0.3)], flight=[Slow(0.01)]), agent, tmp_path)
    assert story.result == "too late"
    open_ = {one.seq for one in story.events if one.kind == "action"}
    assert open_ == {one.body["action"] for one in story.events if one.kind == "observation"}


def test_routes_side_by_side(tmp_path: Path) -> None:
    """Several goals of one agent do not get into each other's way."""

    async def agent(town: Town) -> Any:
        return await asyncio.gather(*(present().aroute(goal, day=1) for goal in ("booked", "blindly", "booked")))

    story = played(trip(flight=[DOWN, Slow(0.02)], hotel=[Slow(0.01), DOWN]), agent, tmp_path)
    assert [one.value for one in story.result] == ["book", "blind", "book"]
    assert story.town.net == {"book": 2, "blind": 1}


def test_a_route_in_the_loop_of_another(tmp_path: Path) -> None:
    """In a loop that somebody else runs the order is not ours to choose; it is recorded, and the replay follows it."""

    async def agent(town: Town) -> Any:
        return await asyncio.gather(*(present().aroute(goal, day=1) for goal in ("booked", "blindly")))

    async def main(town: Town, session: Session) -> Any:
        async with session:
            return await agent(town)

    build = trip(flight=[DOWN, Slow(0.02), Slow(0.01)], hotel=[Slow(0.01), DOWN])
    town, other = build(tmp_path), build(tmp_path)
    session = town.app.session()
    result = asyncio.run(main(town, session))
    again = other.app.replaying(session.trace.path)
    assert asyncio.run(main(other, again)) == result
    assert (again.trace.digest, other.calls) == (session.trace.digest, [])


def test_routes_in_threads(tmp_path: Path) -> None:
    """Each of several jobs leads a goal to its end; together they are one trace, which replays."""

    def agent(town: Town) -> Any:
        session = present()
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(session.route, "told", order=f"W-{number}") for number in range(5)]
            jobs.append(pool.submit(town.tools["stripe"], "W-9", None))
            return [job.result() for job in jobs]

    story = played(shop(stripe=[DOWN, "stripe", DOWN, DOWN], email=[DOWN] * 3), agent, tmp_path)
    assert all(isinstance(one, Routed) for one in story.result[:5])
    paid = story.town.net["stripe"] + story.town.net["paypal"]
    assert paid == 6
