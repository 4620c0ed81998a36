"""A route that monitors stop: what it still does, and how it goes on when whoever is asked says so."""

from __future__ import annotations

from typing import Any

import pytest

from harness.routing.binding import Bindings
from harness.routing.graph import Graph
from harness.routing.health.monitors import Signal
from harness.routing.orders import Ask, Begin, Came, Chosen, End, Input, Invoke, Look, Looked, Order, Tell, Woke
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.trace.outcome import Ok, Outcome
from tests.routing.test_router import DOWN, PAY, REFUND, arc, graph

SPENT = Signal("budget", 1.0, "calls", "2 of 2 calls are spent")
SERVED = Ok(0)
STALLED = Signal("progress", 0.5, "potential", "nothing gets less")


class Play:
    """A route whose calls are answered by hand while monitors speak against it."""

    def __init__(self, known: Graph, *against: Signal, width: int = 1) -> None:
        planner, bindings = Planner(known), Bindings(known)
        self.router = Router(known, known.goals["goal"], {"s": 0}, planner=planner, bindings=bindings, width=width)
        self.now = 0
        self.against = against
        self.orders: list[Order] = []
        self.take(Begin(0, {}))

    def take(self, said: Input) -> list[str]:
        """Tell the router something; give the tools that are called next."""
        found = self.router.step(said, self.against)
        self.orders += found
        if any(isinstance(one, Look) for one in found):
            return self.take(Looked(self.now, {}))
        return [one.tool for one in found if isinstance(one, Invoke)]

    def came(self, tool: str, outcome: Outcome = SERVED, *against: Signal) -> list[str]:
        """End a call of a tool, the latest, while monitors say something."""
        self.against, self.now = against, self.now + 1
        number = [one.call for one in self.orders if isinstance(one, Invoke) and one.tool == tool][-1]
        return self.take(Came(self.now, number, self.now, outcome))

    def chosen(self, choice: dict[str, Any] | None) -> list[str]:
        """Answer what was asked."""
        return self.take(Chosen(self.now, choice))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was asked."""
        return [one.deadlock for one in self.orders if isinstance(one, Ask)]

    @property
    def end(self) -> End:
        """How the route has ended."""
        last = self.orders[-1]
        assert isinstance(last, End)
        return last


def two() -> Graph:
    """Give a graph with a write that can be undone, and two ways to go on from it."""
    return graph(
        arc("pay", "s", "a"),
        arc("mail", "a", "goal"),
        arc("ring", "a", "goal", cost=2),
        arc("note", "a", "less", cost=3),
        tools=(PAY, REFUND),
        goals="goal less",
    )


def beside() -> Graph:
    """Give a graph in which one call has to be made after one of two that are made at once."""
    return graph(arc("a", "s", "x"), arc("b", "s", "y"), arc("c", "x", "z"), arc(None, "y z", "goal", cost=0))


def test_nothing_further_is_called() -> None:
    """What is said is asked about, with the signals, and nobody to ask ends the route with all taken back."""
    play = Play(two())
    assert play.came("pay", SERVED, SPENT) == []
    assert play.asked[0]["why"] == "2 of 2 calls are spent"
    assert play.asked[0]["signals"] == [SPENT._asdict()]
    assert play.chosen(None) == ["refund"]
    play.came("refund", SERVED, SPENT)
    assert (play.end.served, play.end.why, play.end.left) == (False, "2 of 2 calls are spent", ())


def test_a_route_is_not_begun() -> None:
    """Where a signal holds from the start the first call is not made either."""
    play = Play(two(), SPENT)
    assert not any(isinstance(one, Invoke) for one in play.orders)
    assert play.chosen({"go_on": True}) == ["pay"]


def test_what_is_reached_is_reached() -> None:
    """A signal that comes with the last call takes nothing away."""
    play = Play(two())
    play.came("pay")
    play.came("mail", SERVED, SPENT)
    assert play.end.served


@pytest.mark.parametrize(("choice", "next_"), [({"go_on": True}, "mail"), ({"goal": "less"}, "note")])
def test_whoever_goes_on_overrules_the_signal(choice: dict[str, Any], next_: str) -> None:
    """For the rest of the route, also where it grows; another signal stops it, and nobody is asked twice."""
    play = Play(two())
    play.came("pay", SERVED, SPENT)
    assert play.chosen(choice) == [next_]
    assert [one.body["choice"] for one in play.orders if isinstance(one, Tell) and one.body["does"] == "answer"] == [
        choice
    ]
    worse = SPENT._replace(says="3 of 2 calls are spent")
    assert play.came(next_, DOWN, worse) == []  # it waits, to try again
    play.now += 10**9
    assert play.take(Woke(play.now)) == [next_]
    play.came(next_, SERVED, worse)
    assert play.end.served


def test_another_signal_stops_for_good() -> None:
    """Only those that were asked about are overruled, and what stands behind them is not hidden by them."""
    play = Play(two())
    play.came("pay", SERVED, SPENT)
    assert play.chosen({"go_on": True}) == ["mail"]
    assert play.came("mail", DOWN, SPENT, STALLED) == ["refund"]
    assert len(play.asked) == 1
    play.came("refund", SERVED, SPENT, STALLED)
    assert (play.end.served, play.end.why) == (False, "nothing gets less")


def test_a_signal_that_has_gone_stops_nothing() -> None:
    """What counts is what is said when the next call is due."""
    play = Play(beside(), width=2)
    assert play.came("a", SERVED, STALLED) == []
    assert play.came("b") == ["c"]
    assert play.asked == []


def test_calls_under_way_come_first() -> None:
    """Nobody is asked while something is under way, and nothing is begun beside it."""
    play = Play(beside(), width=2)
    assert play.came("a", SERVED, SPENT) == []
    assert play.asked == []
    play.came("b", SERVED, SPENT)
    assert len(play.asked) == 1


def test_only_a_signal_can_be_overruled() -> None:
    """Where there is no route there is nothing to go on with."""
    known = graph(arc("a", "s", "goal"), retries=0)
    play = Play(known)
    play.came("a", DOWN)
    assert "signals" not in play.asked[0]
    play.chosen({"go_on": True})
    assert not play.end.served
    (answer,) = [one.body for one in play.orders if isinstance(one, Tell) and one.body["does"] == "answer"]
    assert answer["why"] == "there is nothing to go on with"
