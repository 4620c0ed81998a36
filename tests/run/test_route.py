"""The drivers of a route: what is written when, how long is waited, and what is told of the tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.routing.health.store import Health, Seen
from harness.run.journey import HEALTH
from tests.door.places import SHOP, shop, trip
from tests.door.town import BROKEN, DOWN, Agent, Build, Clock, Slow, aroute, ended, played, route

MS = 1_000_000
RUNS: dict[str, tuple[Build, Agent]] = {
    "one by one": (shop(stripe=[DOWN] * 2, email=[DOWN, BROKEN]), route("told", order="W-1")),
    "at once": (
        trip(flight=[DOWN, Slow(0.01), DOWN], hotel=[Slow(0.01), DOWN], book=[DOWN]),
        aroute("booked", day=1),
    ),
}


@pytest.mark.parametrize("run", RUNS)
def test_an_answer_follows_its_failure_at_once(run: str, tmp_path: Path) -> None:
    """Whatever else is under way, the line after a failure says what becomes of it."""
    story = played(*RUNS[run], tmp_path)
    answers = [one for one in story.events if one.kind == "route" and "after" in one.body]
    assert len(answers) >= 3
    for one in answers:
        between = [other.kind for other in story.events[one.body["after"] + 1 : one.seq]]
        assert set(between) <= {"read"}, "nothing but a look at the tools' health"


@pytest.mark.parametrize("run", RUNS)
def test_calls_say_which_goal_they_serve(run: str, tmp_path: Path) -> None:
    """Every call of a route names the call that asked for the goal, and so does every route event."""
    story = played(*RUNS[run], tmp_path)
    asked, *calls = [one for one in story.events if one.kind == "action"]
    assert {one.body["serves"] for one in calls} == {asked.seq}
    assert {one.body["action"] for one in story.events if one.kind == "route"} == {asked.seq}


def test_a_plan_is_made_after_a_look(tmp_path: Path) -> None:
    """Each plan comes after a read of the time and of how the tools stand; the times are those of the trace."""
    story = played(shop(stripe=[DOWN] * 2), route("told", order="W-1"), tmp_path)
    looks = [value for one in story.events for source, value in one.body.get("reads", ()) if source == HEALTH]
    assert len(looks) == 2
    assert looks[0]["tools"] == {}
    assert looks[0]["at"] <= looks[1]["at"] <= story.events[-1].at
    assert looks[1]["tools"]["stripe"]["down_ns"] > 0


class Told(Health):
    """A health store that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Seen] = []

    def came(self, seen: Seen) -> None:
        self.told.append(seen)
        super().came(seen)


def test_health_is_told_how_long_calls_took(tmp_path: Path) -> None:
    """Each call once, with its own duration; a tool that is given up with that of its last try."""
    clock = Clock()

    def slow(**args: Any) -> Any:
        clock.rest(0.5)
        raise DOWN

    town = shop({"clock": clock}, stripe=[slow, slow])(tmp_path)
    town.app.health = told = Told()
    ended(town.app.session(), town, route("paid", order="W-1"))
    assert [(one.tool, one.how) for one in told.told] == [
        ("stripe", "transient"),
        ("stripe", "transient"),
        ("stripe", "down"),
        ("paypal", "ok"),
    ]
    lasted = [(one.ended_ns - one.began_ns) // MS for one in told.told]
    assert lasted == [500, 500, 500, 0]


@pytest.mark.parametrize("later", [False, True])
def test_nothing_is_tried_again_before_its_time(later: bool, tmp_path: Path) -> None:
    """The next call of the tool comes at the time that was told, and not much later."""
    policy = {"retries": 2, "wait_ms": 20}
    if later:
        story = played(trip(policy, flight=[DOWN] * 2), aroute("booked", day=1), tmp_path)
    else:
        story = played(shop(graph=SHOP | {"policy": policy}, stripe=[DOWN] * 2), route("paid", order=1), tmp_path)
    told = [one for one in story.events if one.kind == "route" and one.body["does"] == "retry"]
    assert len(told) == 2
    for one in told:
        calls = [other for other in story.events[one.seq :] if other.kind == "action"]
        again = next(call for call in calls if call.body["tool"] == one.body["tool"])
        assert 0 <= again.at - one.body["until"] < 500 * MS
