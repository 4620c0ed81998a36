"""The machine of a route by itself: dead ends, stops, questions, and limits."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import HarnessError
from harness.routing.binding import Bindings
from harness.routing.graph import UNIT, Arc, Need, Source
from harness.routing.orders import Begin, Came, Gone, Invoke, Looked, Tell, Wait, Woke
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.tool import ToolSpec
from tests.routing.play import BROKEN, DOWN, LOST, MS, PAY, REFUND, SEND, Play, arc, graph


def test_a_dead_end_is_given_up_in_reverse() -> None:
    """Two payments lead nowhere: the second is refunded first, each told, and another way is gone."""
    known = graph(
        arc("one", "s", "a"),
        arc("two", "a", "b"),
        arc("last", "b", "goal"),
        arc("whole", "s", "goal", 30),
        tools=(ToolSpec("one", undo="un1"), ToolSpec("two", undo="un2"), ToolSpec("un1"), ToolSpec("un2")),
    )
    play = Play(known)
    play.came("one")
    play.came("two")
    assert play.came("last", BROKEN) == ["un2"]
    assert play.came("un2") == ["un1"]
    assert play.came("un1") == ["whole"]
    play.came("whole")
    assert play.end is not None and play.end.path == ("whole",)
    assert [body["undo"] for body in play.told if body["does"] == "undo"] == [["two"], ["one"]]


def test_an_undo_that_fails_is_tried_again_and_then_told() -> None:
    """It is retried like any call; when it is given up the write stays, and no route may leave it over."""
    known = graph(
        arc("pay", "s", "a"), arc("last", "a", "goal"), arc("whole", "s", "goal", 30), tools=(PAY, REFUND), retries=1
    )
    play = Play(known)
    play.came("pay")
    assert play.came("last", BROKEN) == ["refund"]
    play.came("refund", DOWN)
    assert play.woke() == ["refund"]
    play.came("refund", DOWN)
    assert play.asked is not None
    play.chosen(None)
    assert play.end is not None and play.end.left == ("pay",)
    assert "whole" not in [one.tool for one in play.calls.values()]


def test_an_undo_in_doubt_is_settled() -> None:
    """Nobody knows whether it was given back: that is said, and no other way is gone."""
    known = graph(
        arc("pay", "s", "a"), arc("last", "a", "goal"), arc("whole", "s", "goal", 30), tools=(PAY, ToolSpec("refund"))
    )
    play = Play(known)
    play.came("pay")
    play.came("last", BROKEN)
    play.came("refund", LOST)
    play.settled("refund", "left")
    assert play.end is not None and (play.end.in_doubt, play.end.left) == (("refund",), ("pay",))


def test_stopping_waits_for_calls_under_way() -> None:
    """A refusal stops the route; a payment that is still under way is waited for, and taken back."""
    known = graph(arc("look", "s", "a"), arc("pay", "s", "b"), arc("join", "a b", "goal"), tools=(PAY, REFUND))
    play = Play(known, width=2)
    assert play.came("look", refused="a rule says no") == []
    assert play.came("pay") == ["refund"]
    play.came("refund")
    assert play.end is not None and (play.end.served, play.end.why, play.end.left) == (False, "a rule says no", ())


def test_a_doubt_outweighs_a_refusal() -> None:
    """While it is not known what happened nothing is taken back, whatever else ends the route."""
    known = graph(
        arc("pay", "s", "a"), arc("send", "s", "b"), arc("look", "a", "c"), arc("join", "b c", "goal"),
        tools=(PAY, REFUND, ToolSpec("send", idempotent=True)), retries=0,
    )  # fmt: skip
    play = Play(known, width=3)
    play.came("pay")
    play.came("send", LOST)
    play.settled("send", "left")
    assert play.came("look", refused="a rule says no") == []
    assert play.end is not None
    assert (play.end.in_doubt, play.end.left) == (("send",), ("pay",))
    assert "send is in doubt" in play.end.why


def test_a_refusal_may_be_gone_around() -> None:
    """Where the policy says so it bars the tool, and no more."""
    known = graph(arc("look", "s", "goal"), arc("other", "s", "goal", 5), refusal="reroute")
    assert Play(known).came("look", refused="no") == ["other"]


def test_the_menu_is_what_can_be_had() -> None:
    """Other goals with their cost, their path and what would be taken back; an answer that is not on it is none."""
    known = graph(
        arc("pay", "s", "a"), arc("last", "a", "goal"), arc("look", "a", "less", 3), arc("far", "s", "apart", 4),
        arc("never", "nothing", "no"), tools=(PAY, REFUND), goals="goal less apart no",
    )  # fmt: skip
    play = Play(known)
    play.came("pay")
    play.came("last", BROKEN)
    assert play.asked is not None
    assert play.asked["goals"] == [
        {"cost": 3, "goal": "less", "path": ["look"], "undo": []},
        {"cost": 4, "goal": "apart", "path": ["far"], "undo": ["pay"]},
    ]
    assert play.chosen({"goal": "apart"}) == ["refund"]
    assert play.came("refund") == ["far"]
    play.came("far")
    assert play.end is not None and (play.end.goal, play.end.served) == ("apart", True)


@pytest.mark.parametrize(
    "choice", [{"goal": "no"}, {"goal": "goal"}, {"goal": ["less"]}, {}, {"wait": True}, {"stop": 1}]
)
def test_an_answer_that_cannot_be_followed_stops(choice: dict[str, Any]) -> None:
    """It is told why; nobody is asked again."""
    known = graph(arc("last", "s", "goal"), arc("look", "s", "less"), goals="goal less no", tools=())
    play = Play(known)
    play.came("last", BROKEN)
    play.chosen(choice)
    assert play.end is not None and not play.end.served
    refused = next(body["why"] for body in play.told if body["does"] == "answer")
    assert refused.startswith("no tool is expected" if choice == {"wait": True} else "the answer is none of")


def test_waiting_is_until_the_first_tool_is_up() -> None:
    """Then it is planned again; a route that still finds nothing does not ask a second time."""
    known = graph(arc("look", "s", "goal"), retries=0, cool_ms=500)
    play = Play(known)
    play.now = 7 * MS
    play.came("look", DOWN)
    assert play.chosen({"wait": True}) == []
    assert [one for one in play.last if isinstance(one, Wait)] == [Wait(507 * MS)]
    assert play.take(play.router.step(Woke(400 * MS))) == []
    assert play.woke() == ["look"]
    play.came("look", DOWN)
    assert play.end is not None and not play.end.served
    assert play.does().count("answer") == 1


def test_health_decides_who_is_called() -> None:
    """A tool that is down is not called, a slow one costs more, a probe is not retried."""
    known = graph(arc("a", "s", "goal"), arc("b", "s", "goal", 2), arc("c", "s", "goal", 3))

    def begun() -> Router:
        return Router(known, known.goals["goal"], {"s": 0}, planner=Planner(known), bindings=Bindings(known))

    def first(health: dict[str, Any]) -> list[str]:
        return [one.tool for one in begun().step(Begin(0, health)) if isinstance(one, Invoke)]

    assert first({}) == ["a"]
    assert first({"a": {"down_ns": 5}}) == ["b"]
    assert first({"a": {"factor": 2500}}) == ["b"]
    assert first({"unknown": {"down_ns": 5}}) == ["a"]
    router = begun()
    router.step(Begin(0, {"a": {"probe": True}}))
    assert [one.body["does"] for one in router.step(Came(1, 1, 1, DOWN)) if isinstance(one, Tell)] == []
    orders = router.step(Looked(1, {}))
    assert [one.tool for one in orders if isinstance(one, Invoke)] == ["b"]


def test_a_tool_that_is_asked_for_comes_first() -> None:
    """Whatever it costs, with its own arguments; where it is barred the best other one is called, and told why."""
    known = graph(arc("a", "s", "goal"), arc("b", "s", "goal", 5))
    play = Play(known, first=1, first_args={"s": "mine"})
    assert [(one.tool, one.args) for one in play.calls.values()] == [("b", {"s": "mine"})]
    assert play.came("b", BROKEN) == ["a"]
    assert play.calls[2].args == {"s": 0}
    barred = Play(known, first=1, forbidden={"b": "not today"})
    assert [one.tool for one in barred.calls.values()] == ["a"]
    assert "not today" in barred.told[0]["why"]


def test_the_cost_cap_counts_what_was_spent() -> None:
    """A way around that would exceed it does not exist."""
    known = graph(arc("a", "s", "goal", 2), arc("b", "s", "goal", 3), retries=0, cost_cap=5 * UNIT)
    assert Play(known).came("a", DOWN) == ["b"]
    known = graph(arc("a", "s", "goal", 2), arc("b", "s", "goal", 4), retries=0, cost_cap=5 * UNIT)
    assert Play(known).came("a", DOWN) == []


def test_after_the_deadline_nothing_is_begun() -> None:
    """What is under way is waited for, and then the route asks."""
    known = graph(arc("a", "s", "x"), arc("b", "x", "goal"), deadline_ms=100)
    play = Play(known)
    play.now = 101 * MS
    assert play.came("a") == []
    assert play.asked is not None and "deadline" in play.asked["why"]


def test_a_call_that_cannot_be_bound_is_gone_around() -> None:
    """A fact without the part that is needed bars the tool; no call was made, so no event is answered."""
    odd = Arc("odd", (Need(("s",)),), ("goal",), UNIT, (("x", Source("s", ("part",))),))
    play = Play(graph(odd, arc("other", "s", "goal", 5)))
    assert [one.tool for one in play.calls.values()] == ["other"]
    assert [body.get("tool") for body in play.told] == [None, "odd"]


def test_whoever_has_gone_is_not_gone_on_for() -> None:
    """A route that is cancelled ends with what is left of it."""
    known = graph(arc("pay", "s", "a"), arc("send", "a", "goal"), tools=(PAY, REFUND, SEND))
    play = Play(known)
    play.came("pay")
    play.going.clear()
    play.take(play.router.step(Gone(0)))
    assert play.end is not None
    assert (play.end.in_doubt, play.end.left, play.end.why) == (
        ("send",), ("pay",), "cancelled, not taken back: send, pay",
    )  # fmt: skip


def test_an_ended_route_takes_nothing_in() -> None:
    """Whoever goes on all the same is told."""
    play = Play(graph(arc("a", "s", "goal")))
    play.came("a")
    with pytest.raises(HarnessError, match="has ended"):
        play.router.step(Woke(1))
