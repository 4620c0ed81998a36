"""Calls and what is told of them by their number."""

from __future__ import annotations

from harness.routing.binding import Bindings
from harness.routing.calls import Failure
from harness.routing.orders import Begin, Came, Invoke, Seen, Settle, Settled, Woke
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.tool import ToolSpec
from harness.trace.outcome import Unknown
from tests.routing.test_router import DOWN, MS, arc, graph


def test_what_is_given_up_is_told_after_its_last_attempt() -> None:
    """So that whoever keeps health counts the call first, and then opens the breaker."""
    known = graph(arc("a", "s", "goal"))
    router = Router(known, known.goals["goal"], {"s": 0}, planner=Planner(known), bindings=Bindings(known))
    (first,) = [one.call for one in router.step(Begin(0, {})) if isinstance(one, Invoke)]
    router.step(Came(5, first, 1, DOWN))
    (second,) = [one.call for one in router.step(Woke(10 * MS + 5)) if isinstance(one, Invoke)]
    orders = router.step(Came(10 * MS + 9, second, 2, DOWN))
    assert [one for one in orders if isinstance(one, Seen)] == [
        Seen("a", "transient"),
        Seen("a", "down"),
    ]


def test_a_call_in_doubt_keeps_its_number() -> None:
    """It is settled by the number under which it was made, and given up by it where it did not happen."""
    known = graph(arc("put", "s", "goal"), tools=(ToolSpec("put"),), retries=0)
    router = Router(known, known.goals["goal"], {"s": 0}, planner=Planner(known), bindings=Bindings(known))
    (number,) = [one.call for one in router.step(Begin(0, {})) if isinstance(one, Invoke)]
    orders = router.step(Came(5, number, 1, Unknown("lost")))
    assert [one.call for one in orders if isinstance(one, Settle)] == [number]
    orders = router.step(Settled(6, number, "absent", "looked"))
    assert Seen("put", "down") in orders


def test_a_call_that_was_never_made_has_no_event() -> None:
    """What is told of it names the tool and the reason only."""
    assert Failure(-1, "a", "why").told == {"tool": "a", "why": "why"}
    assert Failure(3, "", "").told == {"after": 3}
