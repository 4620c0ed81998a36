"""Calls that may have happened, and dead ends: what is found out, who is asked, and what his word is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.door.routes import Routed
from harness.errors import NoRoute
from tests.door.places import SHOP, blind, shop
from tests.door.town import DOWN, LOST, QUICK, Commit, played, route

# --- calls in doubt ---------------------------------------------------------------------------------------------------


def test_a_payment_that_went_through_is_not_made_twice(tmp_path: Path) -> None:
    """After a lost answer the same call is made again under the same key, and the provider has one payment."""
    story = played(shop(stripe=[Commit(TimeoutError("no answer"))]), route("told", order="W-1"), tmp_path)
    assert story.result.path == ("stripe", "email")
    keys = [args["key"] for name, args in story.town.calls if name == "stripe"]
    assert len(keys) == 2 and len(set(keys)) == 1
    assert story.town.net == {"stripe": 1}
    assert len(story.told("retry")) == 1


def test_nobody_to_ask(tmp_path: Path) -> None:
    """A wire in doubt ends the route: it is not repeated, not gone around, and nothing is taken back."""
    story = played(blind(wire=[Commit(LOST)]), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert story.result.in_doubt == ("wire",)
    assert story.result.left == ("hold",)
    assert story.town.called == ["look", "hold", "wire"]
    assert [told["does"] for told in story.told()] == ["plan", "settle", "escalate", "end"]


@pytest.mark.parametrize(
    ("found", "called", "path"),
    [
        ({"happened": True, "result": "w"}, ["wire", "find", "email"], ("look", "hold", "wire", "email")),
        ({"happened": False}, ["wire", "find", "wire", "email"], ("look", "hold", "wire", "email")),
        (None, ["wire", "find", "wire", "email"], ("look", "hold", "wire", "email")),
    ],
)
def test_a_probe_tells(found: Any, called: list[str], path: tuple[str, ...], tmp_path: Path) -> None:
    """What the probe found is the result; what it did not find is done again."""
    wired = [Commit(LOST)] if found and found["happened"] else [LOST]
    story = played(blind(probe=True, wire=wired, find=[lambda **_: found]), route("told", order="W-1"), tmp_path)
    assert story.town.called == ["look", "hold", *called]
    assert story.result.path == path
    assert story.town.net["wire"] == 1


@pytest.mark.parametrize("found", [{"happened": "perhaps"}, DOWN, {"happened": True, "result": "w", "more": 1}])
def test_a_probe_that_cannot_tell_is_no_answer(found: Any, tmp_path: Path) -> None:
    """A probe that fails, or speaks unclearly, leaves the wire in doubt; with nobody to ask the route ends."""
    said = found if isinstance(found, Exception) else lambda **_: found
    story = played(blind(probe=True, wire=[Commit(LOST)], find=[said]), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute), story.result
    assert story.result.in_doubt == ("wire",)
    assert story.town.called == ["look", "hold", "wire", "find"]


@pytest.mark.parametrize(
    ("answer", "called", "net"),
    [
        ({"happened": True, "result": "w"}, ["email"], 1),
        ({"happened": True}, ["email"], 1),
        ({"happened": False}, ["wire", "email"], 2),
        ({"again": True}, ["wire", "email"], 2),
    ],
)
def test_a_person_tells(answer: Any, called: list[str], net: int, tmp_path: Path) -> None:
    """Whoever is asked knows what became of the wire; what he answers is in the trace."""
    asked: list[Any] = []

    def escalate(question: dict[str, Any]) -> Any:
        asked.append(question)
        return answer

    story = played(blind({"escalate": escalate}, wire=[Commit(LOST)]), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, Routed), story.result
    assert story.town.called == ["look", "hold", "wire", *called]
    assert story.town.net["wire"] == net
    assert asked[0]["in_doubt"]["tool"] == "wire"
    assert [told["choice"] for told in story.told("answer")] == [answer]


@pytest.mark.parametrize(
    "answer", [{"stop": True}, {"happened": "yes"}, "no idea", 7, object(), {"happened": object()}]
)
def test_a_person_who_does_not_tell(answer: Any, tmp_path: Path) -> None:
    """Whatever else is answered leaves the wire in doubt."""
    build = blind({"escalate": lambda question: answer}, wire=[Commit(LOST)])
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute), story.result
    assert story.result.in_doubt == ("wire",)
    assert story.town.called == ["look", "hold", "wire"]


# --- a dead end is asked about, once ----------------------------------------------------------------------------------


def test_another_goal_may_be_chosen(tmp_path: Path) -> None:
    """No message can be sent; whoever is asked settles for the payment, which is kept."""
    asked: list[Any] = []

    def escalate(deadlock: dict[str, Any]) -> Any:
        asked.append(deadlock)
        return {"goal": "paid"}

    build = shop({"escalate": escalate}, email=[DOWN] * 2, sms=[DOWN] * 2)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert (story.result.goal, story.result.value, story.result.path) == ("paid", "stripe", ("stripe",))
    assert story.town.net == {"stripe": 1}
    assert len(asked) == 1
    assert [one["goal"] for one in asked[0]["goals"]] == ["paid"]
    assert asked[0]["blocked"].keys() == {"email", "sms"}
    assert story.result.reroutes == 1


def test_waiting_may_be_chosen(tmp_path: Path) -> None:
    """The route rests until a tool may be up again; a replay does not."""
    graph = SHOP | {"policy": QUICK | {"cool_ms": 40}}
    build = shop({"escalate": lambda deadlock: {"wait": True}}, graph, email=[DOWN] * 2, sms=[DOWN] * 2)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert story.result.path == ("stripe", "email")
    assert story.town.called == ["stripe", "email", "email", "sms", "sms", "email"]


@pytest.mark.parametrize(
    "answer",
    [
        {"stop": True},
        None,
        "stop",
        {"goal": "rich"},
        {"goal": "told"},
        {"goal": ["paid"]},
        {"goal": object()},
        object(),
    ],
)
def test_a_dead_end_may_be_left(answer: Any, tmp_path: Path) -> None:
    """To stop, to say nothing, and to say what cannot be done: all is taken back, and the error tells why."""
    build = shop({"escalate": lambda deadlock: answer}, email=[DOWN] * 2, sms=[DOWN] * 2)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute), story.result
    assert (story.result.left, +story.town.net) == ((), {})
    assert story.town.called[-1] == "refund"


def test_a_dead_end_is_asked_about_once(tmp_path: Path) -> None:
    """Whoever waits for a tool that stays down is not asked again."""
    asked: list[Any] = []

    def escalate(deadlock: dict[str, Any]) -> Any:
        asked.append(deadlock)
        return {"wait": True}

    graph = SHOP | {"policy": QUICK | {"cool_ms": 20}}
    build = shop({"escalate": escalate}, graph, email=[DOWN] * 9, sms=[DOWN] * 9)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert len(asked) == 1
    assert +story.town.net == {}


def test_an_error_of_whoever_is_asked_takes_nothing_away(tmp_path: Path) -> None:
    """Where asking fails, what was done is taken back all the same, and the error says what failed."""

    def escalate(deadlock: dict[str, Any]) -> Any:
        raise ValueError("the line is dead")

    build = shop({"escalate": escalate}, email=[DOWN] * 2, sms=[DOWN] * 2)
    story = played(build, route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute), story.result
    assert isinstance(story.result.__cause__, ValueError)
    assert +story.town.net == {}
