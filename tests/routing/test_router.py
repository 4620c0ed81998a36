"""The machine of a route by itself: what it orders, in which order, what is tried again, what is in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from harness.routing.graph import Arc, Goal, Graph, Need, Policy
from harness.routing.orders import Settle
from harness.tool import ToolSpec
from harness.trace.outcome import Ok
from tests.routing.play import BROKEN, DOWN, LOST, MS, PAY, REFUND, SEND, Play, arc, graph, read


def risky(**policy: Any) -> Graph:
    """Give a graph of a read, a write that can be undone, and a final one, all of which the goal needs."""
    return graph(
        arc("look", "s", "a"),
        arc("pay", "s", "b"),
        arc("send", "s", "c"),
        arc("join", "a b c", "goal"),
        tools=(PAY, REFUND, SEND),
        **policy,
    )


def test_harmless_calls_come_first() -> None:
    """One at a time: the read, what can be undone, what is final."""
    play = Play(risky())
    order = [[one.tool for one in play.calls.values()][-1]]
    while play.end is None:
        order += play.came(order[-1])
    assert order == ["look", "pay", "send", "join"]
    assert play.end.served
    assert play.end.path == ("look", "pay", "send", "join")


def test_what_is_final_waits_for_the_others() -> None:
    """Even where several may be under way a final write is begun when nothing else is outstanding."""
    play = Play(risky(), width=4)
    assert [one.tool for one in play.calls.values()] == ["look", "pay"]
    assert play.came("look") == []
    assert play.came("pay") == ["send"]


def test_no_more_calls_than_allowed() -> None:
    """Of many that could be made as many are under way as may be."""
    known = graph(*(arc(f"t{n}", "s", f"f{n}") for n in range(5)), arc("join", "f0 f1 f2 f3 f4", "goal"))
    play = Play(known, width=2)
    while play.end is None:
        assert len(play.going) <= 2
        play.came(play.going[min(play.going)].tool)
    assert len(play.calls) == 6


def test_a_call_that_is_retried_keeps_its_arguments() -> None:
    """The wait grows with each try; the key does not change."""
    known = graph(arc("put", "s", "goal"), tools=(ToolSpec("put", idempotency_key="key"),), retries=2, factor=3)
    play = Play(known, nonce="n")
    waits = []
    for _ in range(2):
        began = play.now
        play.came("put", LOST)
        play.woke()
        waits.append((play.now - began) // MS)
    assert waits == [10, 30]
    assert len({one.args["key"] for one in play.calls.values()}) == 1
    play.came("put")
    assert play.does() == ["plan", "retry", "retry", "end"]


def test_a_wait_has_a_longest() -> None:
    """However often it was tried."""
    known = graph(arc("look", "s", "goal"), retries=40, longest_ms=25)
    play = Play(known)
    for _ in range(40):
        began = play.now
        play.came("look", DOWN)
        play.woke()
        assert play.now - began <= 25 * MS
    play.came("look", DOWN)
    assert play.does()[-1] == "escalate"


def test_a_tool_that_stays_down_takes_its_domain_with_it() -> None:
    """After the retries, all tools of the domain are out of the question; a clean refusal is of one tool only."""
    tools = (read("a", domain="d"), read("b", domain="d"), read("c"))
    known = graph(arc("a", "s", "goal"), arc("b", "s", "goal", 2), arc("c", "s", "goal", 3), tools=tools, retries=0)
    assert Play(known).came("a", DOWN) == ["c"]
    assert Play(known).came("a", BROKEN) == ["b"]


def test_a_call_in_doubt_holds_the_route() -> None:
    """While it is not known whether a final write happened nothing else is begun for it; found, it counts."""
    known = graph(
        arc("send", "s", "a"),
        arc("look", "s", "b"),
        arc("other", "s", "a", 9),
        arc("join", "a b", "goal"),
        tools=(SEND,),
    )
    play = Play(known)
    play.came("look")
    assert play.came("send", LOST) == []
    assert [type(one) for one in play.last] == [Settle]
    assert play.settled("send", "found", outcome=Ok(1)) == ["join"]
    play.came("join")
    assert play.end is not None and play.end.path == ("look", "send", "join")
    assert "reroute" not in play.does()


@pytest.mark.parametrize("how", ["found", "absent", "again", "left"])
def test_every_settlement(how: str) -> None:
    """Found it serves, absent it is tried again, again it is made at once; left nothing more is done."""
    known = graph(arc("send", "s", "goal"), arc("other", "s", "goal", 5), tools=(SEND,), retries=1)
    play = Play(known)
    play.came("send", LOST)
    if how == "left":
        assert play.settled("send", "left") == []
        assert play.end is not None and (play.end.served, play.end.in_doubt) == (False, ("send",))
        return
    assert play.settled("send", how, outcome=Ok("x") if how == "found" else None) == (
        ["send"] if how == "again" else []
    )
    if how == "absent":
        assert play.woke() == ["send"]
    if how != "found":
        play.came("send", value="x")
    assert play.end is not None and play.end.served and play.end.facts["goal"] == "x"


def test_an_absent_call_may_be_given_up() -> None:
    """Without a retry left it is gone around."""
    known = graph(arc("send", "s", "goal"), arc("other", "s", "goal", 5), tools=(SEND,), retries=0)
    play = Play(known)
    play.came("send", LOST)
    assert play.settled("send", "absent") == ["other"]


def test_another_branch_fails_beside_a_call_in_doubt() -> None:
    """The new route goes by the call in doubt, or waits until it is known: never past it."""
    known = graph(
        arc("send", "s", "a"),
        arc("other", "s", "a", 9),
        arc("look", "s", "b"),
        arc("look2", "s", "b", 5),
        arc("join", "a b", "goal"),
        arc("whole", "s", "goal", 20),
        tools=(ToolSpec("send", idempotent=True),),
        retries=1,
    )
    play = Play(known, width=3)
    play.came("send", LOST)
    assert play.came("look", BROKEN) == ["look2"]
    assert play.came("look2", BROKEN) == []
    assert "whole" not in [one.tool for one in play.calls.values()]
    assert play.woke() == ["send"]
    play.came("send")
    assert play.asked is not None, "what was sent is final, and no route goes with it"
    play.chosen(None)
    assert play.end is not None and play.end.left == ("send",)


def test_a_retry_does_not_outlive_its_facts() -> None:
    """A call that waits to be made again is bound anew where the fact it was made with is taken back."""
    known = graph(
        arc("pay", "s", "a"),
        arc("sent", "s", "f"),
        arc("use", "a", "c"),
        arc("last", "f", "d"),
        arc("join", "c d", "goal"),
        arc("pay2", "f", "a", 9),
        arc("solo", "c", "goal", 50),
        tools=(PAY, REFUND, ToolSpec("sent", idempotent=True)),
    )
    play = Play(known, width=3)
    play.came("pay", value="old")
    play.came("sent")
    play.came("use", DOWN)
    assert play.came("last", BROKEN) == ["refund"], "what was sent is final, so the other has to go"
    play.now = 10 * MS
    assert play.came("refund") == ["pay2"]
    play.came("pay2", value="new")
    play.came("use")
    play.came("solo")
    assert play.end is not None and play.end.path == ("sent", "pay2", "use", "solo")
    assert [one.args["a"] for one in play.calls.values() if one.tool == "use"] == ["old", "new"]


def test_a_call_rests_on_what_it_was_made_with() -> None:
    """A fact that another call gives while one is under way is none of those that it used."""
    known = Graph(
        "g",
        (
            arc("one", "s", "a"),
            arc("pay", "s", "p"),
            Arc("use", (Need(("s", "p")),), ("u",)),
            arc("join", "a p u", "goal"),
        ),
        ("s",),
        {"goal": Goal("goal", (Need(("goal",)),)), "less": Goal("less", (Need(("u",)),))},
        {"one": read("one"), "pay": PAY, "refund": REFUND, "use": read("use"), "join": read("join")},
        Policy(retries=0),
    )
    play = Play(known, width=3)
    assert {one.tool for one in play.going.values()} == {"one", "pay", "use"}
    play.came("pay")
    play.came("use")
    play.came("one", BROKEN)
    assert play.asked is not None
    assert play.asked["goals"] == [{"cost": 0, "goal": "less", "path": [], "undo": ["pay"]}]
