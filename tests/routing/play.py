"""A route that is answered by hand, and graphs for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.routing.binding import Bindings
from harness.routing.graph import UNIT, Arc, Goal, Graph, Need, Policy, Source
from harness.routing.orders import (
    Ask,
    Begin,
    Came,
    Chosen,
    End,
    Invoke,
    Look,
    Looked,
    Order,
    Seen,
    Settle,
    Settled,
    Tell,
    Wait,
    Woke,
)
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.tool import ToolSpec
from harness.trace.outcome import Failed, Ok, Outcome, Unknown

MS = 1_000_000
DOWN = Failed({"type": "builtins:ConnectionRefusedError", "message": "down"})
BROKEN = Failed({"type": "m:Broken", "message": "", "happened": False})
LOST = Unknown("lost")
ANSWERS = ("retry", "reroute", "settle", "escalate")


def read(name: str, **more: Any) -> ToolSpec:
    """Declare a tool that reads."""
    return ToolSpec(name, effect="read", **more)


def arc(tool: str | None, needs: str, gives: str, cost: int = 1, **more: Any) -> Arc:
    """Give an arc whose arguments are the facts it needs."""
    args = tuple((fact, Source(fact)) for fact in needs.split())
    return Arc(tool, tuple(Need((fact,)) for fact in needs.split()), tuple(gives.split()), cost * UNIT, args, **more)


def graph(*arcs: Arc, tools: tuple[ToolSpec, ...] = (), goals: str = "goal", **policy: Any) -> Graph:
    """Give a graph whose goals are facts; tools that are not declared read."""
    declared = {spec.name: spec for spec in tools}
    known = {one.tool: declared.get(one.tool, read(one.tool)) for one in arcs if one.tool}
    wanted = {name: Goal(name, (Need((name,)),)) for name in goals.split()}
    return Graph("g", arcs, ("s",), wanted, known | declared, Policy(**{"retries": 1, "wait_ms": 10, **policy}))


class Play:
    """A route whose calls are answered by hand; every order is checked against what must be so at any time."""

    def __init__(self, known: Graph, goal: str = "goal", **options: Any) -> None:
        self.router = Router(
            known, known.goals[goal], {"s": 0}, planner=Planner(known), bindings=Bindings(known), **options
        )
        self.now = 0
        self.told: list[dict[str, Any]] = []
        self.calls: dict[int, Invoke] = {}
        self.going: dict[int, Invoke | Settle] = {}
        self.failed: list[int] = []
        self.seen: list[tuple[str, str]] = []
        self.last: list[Order] = []
        self.asked: Mapping[str, Any] | None = None
        self.end: End | None = None
        self._seq = 100
        self.take(self.router.step(Begin(self.now, {})))

    def take(self, orders: list[Order]) -> list[str]:
        """Take orders in; give the tools that are to be called."""
        self.last = [one for one in orders if not isinstance(one, Tell | Seen)]
        for one in orders:
            assert self.end is None, "nothing is ordered after the end"
            match one:
                case Tell(body):
                    self.told.append(body)
                case Seen(tool, how):
                    self.seen.append((tool, how))
                case Invoke() | Settle():
                    assert one.call not in self.going, "a call is under way once"
                    self.going[one.call] = one
                    if isinstance(one, Invoke):
                        assert one.call not in self.calls, "every call has a number of its own"
                        self.calls[one.call] = one
                case Ask(deadlock):
                    assert not self.going, "nobody is asked while something is under way"
                    self.asked = deadlock
                case End():
                    assert not self.going, "a route does not end while something is under way"
                    self.end = one
                    self.check_answers()
                case Look():
                    return self.take(self.router.step(Looked(self.now, {})))
        return [one.tool for one in orders if isinstance(one, Invoke)]

    def number(self, tool: str) -> int:
        """Give the call of a tool that is under way."""
        return next(number for number, one in self.going.items() if one.tool == tool)

    def came(self, tool: str, outcome: Outcome | None = None, refused: str = "", value: Any = None) -> list[str]:
        """End a call; give what is called next."""
        number, self._seq = self.number(tool), self._seq + 1
        del self.going[number]
        said = Ok(tool if value is None else value) if outcome is None and not refused else outcome
        if said is None or refused or not isinstance(said, Ok):
            self.failed.append(self._seq)
        return self.take(self.router.step(Came(self.now, number, self._seq, said, refused)))

    def settled(self, tool: str, decided: Any, **more: Any) -> list[str]:
        """Say what became of a call in doubt."""
        number = self.number(tool)
        assert isinstance(self.going.pop(number), Settle)
        return self.take(self.router.step(Settled(self.now, number, decided, "looked", **more)))

    def woke(self) -> list[str]:
        """Let the time come that is waited for."""
        self.now = max(self.now, *(one.until for one in self.last if isinstance(one, Wait)))
        return self.take(self.router.step(Woke(self.now)))

    def chosen(self, choice: dict[str, Any] | None) -> list[str]:
        """Answer what was asked."""
        assert self.asked is not None
        self.asked = None
        return self.take(self.router.step(Chosen(self.now, choice)))

    def does(self) -> list[str]:
        """Give what was told, in words."""
        return [body["does"] for body in self.told]

    def check_answers(self) -> None:
        """Check that every call that did not serve has one answer, and no other event has."""
        answered = [body["after"] for body in self.told if body["does"] in ANSWERS and "after" in body]
        assert sorted(answered) == sorted(self.failed)


PAY = ToolSpec("pay", undo="refund")
REFUND = ToolSpec("refund", idempotent=True)
SEND = ToolSpec("send")
