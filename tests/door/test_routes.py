"""Goals and tools of a graph in real sessions: what serves, what is taken back, what sessions learn of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.door.routes import Routed
from harness.errors import NoRoute
from tests.door.places import apart, shop
from tests.door.town import DOWN, LOST, QUICK, Clock, Commit, Town, ended, played, registry_of, route


def test_a_goal_is_served(tmp_path: Path) -> None:
    """The cheapest way, what it cost, and no word too many."""
    story = played(shop(), route("told", order="W-1"), tmp_path)
    assert story.result == Routed("email", "told", ("stripe", "email"), 2, 0, "")
    assert [told["does"] for told in story.told()] == ["plan", "end"]


def test_a_failed_tool_is_gone_around(tmp_path: Path) -> None:
    """Another one serves, and a sentence says so."""
    story = played(shop(stripe=[DOWN] * 2), route("told", order="W-1"), tmp_path)
    assert story.town.called == ["stripe", "stripe", "paypal", "email"]
    assert (story.result.path, story.result.reroutes, story.result.cost) == (("paypal", "email"), 1, 5)
    assert story.result.note.startswith("served by paypal, email, around stripe (ConnectionRefusedError")


def test_a_dead_end_is_taken_back(tmp_path: Path) -> None:
    """What was paid for a message that cannot be sent is refunded, and another provider leads to another message."""
    story = played(apart(email=[DOWN] * 2), route("told", order="W-1"), tmp_path)
    assert story.town.called == ["stripe", "email", "email", "refund", "paypal", "sms"]
    assert +story.town.net == {"paypal": 1}
    assert story.result.path == ("paypal", "sms")
    assert [told["undo"] for told in story.told("undo")] == [["stripe"]]


def test_a_dead_end_that_cannot_be_taken_back_ends_the_route(tmp_path: Path) -> None:
    """Without a compensator nothing is paid twice: the charge stays, and the error names it."""
    story = played(apart(undo=None, email=[DOWN] * 2), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert story.result.left == ("stripe",)
    assert story.town.net == {"stripe": 1}
    assert "email" in story.result.deadlock["blocked"]


def test_an_undo_that_fails_is_told(tmp_path: Path) -> None:
    """A refund that is refused for ever leaves the charge, which the error names; nothing else is paid."""
    story = played(apart(email=[DOWN] * 2, refund=[DOWN] * 4), route("told", order="W-1"), tmp_path)
    assert isinstance(story.result, NoRoute)
    assert (story.result.left, +story.town.net) == (("stripe",), {"stripe": 1})
    assert "paypal" not in story.town.called


CAPPED_TOOLS = {
    "pay": {"effect": "write", "undo": "refund", "probe": "find"},
    "refund": {"effect": "write", "idempotent": True},
    "find": {"effect": "read"},
    "tell": {"effect": "read"},
}
CAPPED = {
    "start": ["order", "cents"],
    "goals": {"told": ["message"]},
    "tools": {
        "pay": {"needs": ["order", "cents"], "gives": ["payment"]},
        "tell": {"needs": ["payment"], "gives": ["message"]},
    },
    "policy": QUICK,
}
CAP = {
    "id": "CAP",
    "on": "action",
    "tool": "pay",
    "require": "call.args.cents <= 100",
    "otherwise": "rewrite",
    "rewrite": {"args.cents": "100"},
}


@pytest.mark.parametrize(
    ("plans", "called"),
    [
        ({"tell": [DOWN] * 2}, ["pay", "tell", "tell", "refund"]),
        ({"pay": [Commit(LOST)], "find": [{"happened": True, "result": "paid"}]}, ["pay", "find", "tell"]),
    ],
    ids=["taken back", "in doubt"],
)
def test_what_a_rule_has_put_in_the_place_of_a_call_is_what_was_done(
    plans: dict[str, Any], called: list[str], tmp_path: Path
) -> None:
    """It is undone, and asked about, with the arguments that it was made with: what was not charged is not refunded."""
    takes = {"pay": "order cents", "refund": "order cents", "find": "order cents", "tell": "payment"}

    def build(folder: Path) -> Town:
        return Town(registry_of(CAPPED_TOOLS, CAPPED, [CAP]), folder).with_tools(takes, plans, refund="pay")

    story = played(build, route("told", order="W-1", cents=500), tmp_path)
    assert story.town.called == called
    assert [args["cents"] for _, args in story.town.calls if "cents" in args] == [100, 100]


# --- tools that are asked for by their own names ----------------------------------------------------------------------


def test_a_tool_gives_its_own_object(tmp_path: Path) -> None:
    """A tool that serves itself gives the very object it made."""
    made = {"number": 7}
    story = played(shop(stripe=[lambda **_: made]), lambda town: town.tools["stripe"]("W-1", None), tmp_path)
    assert story.result == made
    assert [told["why"] for told in story.told("plan")] == ["stripe is asked for"]


def test_a_tool_that_is_down_is_served_by_another(tmp_path: Path) -> None:
    """The agent asks for stripe and gets what paypal gives, because the graph says that it is the same."""
    story = played(shop(stripe=[DOWN] * 2), lambda town: town.tools["stripe"]("W-1", None), tmp_path)
    assert story.result == "paypal"
    assert story.town.called == ["stripe", "stripe", "paypal"]


def test_a_tool_that_nothing_replaces_raises_its_own_error(tmp_path: Path) -> None:
    """Where the others are down too the agent gets what the tool that it called has raised."""
    story = played(shop(stripe=[DOWN] * 2, paypal=[DOWN] * 2), lambda town: town.tools["stripe"]("W-1", None), tmp_path)
    assert isinstance(story.result, ConnectionRefusedError)


def test_a_tool_gets_all_that_it_was_called_with(tmp_path: Path) -> None:
    """Arguments of which the graph says nothing are handed on, such as a key that the agent has chosen."""
    story = played(shop(), lambda town: town.tools["stripe"]("W-1", "mine"), tmp_path)
    assert story.town.calls == [("stripe", {"order": "W-1", "key": "mine"})]


# --- the breaker ------------------------------------------------------------------------------------------------------


def test_a_session_learns_from_another(tmp_path: Path) -> None:
    """What one session gave up the next one does not call; both replay in an app that knows of neither."""
    towns: list[Town] = []

    def build(folder: Path) -> Town:
        towns.append(shop(stripe=[DOWN] * 2)(folder))
        return towns[-1]

    played(build, route("told", order="W-1"), tmp_path)
    town = towns[0]
    town.calls.clear()
    session, other = town.app.session(), shop()(tmp_path)
    assert ended(session, town, route("told", order="W-2")).path == ("paypal", "email")
    assert town.called == ["paypal", "email"]
    again = other.app.replaying(session.trace.path)
    ended(again, other, route("told", order="W-2"))
    assert (again.trace.digest, other.calls) == (session.trace.digest, [])


def test_a_tool_is_tried_again_after_a_rest(tmp_path: Path) -> None:
    """While it rests it is not called; afterwards one call probes it, and is not retried; then all is as before."""
    clock = Clock()
    town = shop({"clock": clock}, stripe=[DOWN] * 3)(tmp_path)

    def paid() -> tuple[str, ...]:
        town.calls.clear()
        session, other = town.app.session(), shop()(tmp_path)
        path: tuple[str, ...] = ended(session, town, route("paid", order="W-1")).path
        again = other.app.replaying(session.trace.path)
        ended(again, other, route("paid", order="W-1"))
        assert (again.trace.digest, other.calls) == (session.trace.digest, [])
        return path

    assert (paid(), town.called) == (("paypal",), ["stripe", "stripe", "paypal"])
    clock.rest(29)
    assert (paid(), town.called) == (("paypal",), ["paypal"])
    clock.rest(2)
    assert (paid(), town.called) == (("paypal",), ["stripe", "paypal"])
    clock.rest(31)
    assert (paid(), town.called) == (("paypal",), ["paypal"])
    clock.rest(31)
    assert (paid(), town.called) == (("stripe",), ["stripe"])
