"""Routines in real sessions: tools are called through the door, with what earlier steps have given."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.converge.routine.routine import Routine, Step
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.planning import apursue, pursue
from harness.errors import PlanError, UsageError
from harness.trace.event import Event

ROUTINE = """\
routine: refund_order
given: {question: {type: string}}
steps:
  - {step: found, tool: search, args: {q: $question}}
  - {step: order, tool: get_order, args: {order_id: "$found.ids[0]"}}
  - {step: rates, tool: get_rates}
  - {step: back, tool: refund, args: {order_id: $order.id, euros: $order.total, note: $$5 off}}
results: [back, rates]
"""


@dataclass
class Order:
    """What an order is in code."""

    id: str
    total: float


class Shop:
    """An app whose tools keep count; ``fails`` lists how often each fails first."""

    def __init__(self, folder: Path, *, later: bool = False, **fails: int) -> None:
        self.app = Harness(traces=folder / "runs")
        self.calls: Counter[str] = Counter()
        self.refunds: list[tuple[str, float, str]] = []
        self.fails = fails
        self.file = folder / "refund.yaml"
        self.file.write_text(ROUTINE, encoding="utf-8")
        self.tools(later=later)

    def count(self, tool: str) -> None:
        """Count a call, and let it fail if it is to."""
        self.calls[tool] += 1
        if self.calls[tool] <= self.fails.get(tool, 0):
            raise ConnectionError("down")

    def tools(self, *, later: bool) -> None:
        """Declare the tools, two of them as coroutine functions where that is wanted."""

        def search(q: str) -> dict[str, Any]:
            self.count("search")
            return {"ids": [f"order for {q}", "another"]}

        def get_rates() -> float:
            self.count("get_rates")
            return 1.1

        async def asearch(q: str) -> dict[str, Any]:
            await asyncio.sleep(0.001)
            return search(q)

        async def aget_rates() -> float:
            return get_rates()

        self.app.tool(name="search", effect="read")(asearch if later else search)
        self.app.tool(name="get_rates", effect="read")(aget_rates if later else get_rates)

        @self.app.tool(effect="read")
        def get_order(order_id: str) -> Order:
            self.count("get_order")
            return Order(order_id, 9.5)

        @self.app.tool(effect="write")
        def refund(order_id: str, euros: float, note: str) -> str:
            self.count("refund")
            self.refunds.append((order_id, euros, note))
            return "done"

    def pursue(self, *, later: bool = False) -> tuple[Any, list[Event]]:
        """Let the routine be done, replay it, and give what came of it with the events."""

        def agent() -> Any:
            return pursue(session_var.get(), self.file, None, {"question": "x"})[:3]  # type: ignore[arg-type]

        async def aagent() -> Any:
            return (await apursue(session_var.get(), self.file, None, {"question": "x"}))[:3]  # type: ignore[arg-type]

        session, entry = self.app.session(), aagent if later else agent
        result = session.run(entry)
        calls = self.calls.copy()
        again = self.app.replaying(session.trace.path)
        assert again.run(entry) == result
        assert (again.trace.digest, self.calls) == (session.trace.digest, calls)
        with open_trace(session.trace.path) as reader:
            return result, list(reader)


@pytest.mark.parametrize("later", [False, True])
def test_a_routine_calls_its_tools(later: bool, tmp_path: Path) -> None:
    """Each step is one call under its own name, with parts of what came before; fields of objects are such parts."""
    shop = Shop(tmp_path, later=later)
    result, events = shop.pursue(later=later)
    assert result == ("done", {"back": "done", "rates": 1.1}, {})
    assert shop.refunds == [("order for x", 9.5, "$5 off")]
    made = [(one.agent, one.body["tool"], one.body["args"]) for one in events if one.kind == "action"]
    assert sorted(made, key=lambda one: one[0]) == [
        ("back", "refund", {"order_id": "order for x", "euros": 9.5, "note": "$5 off"}),
        ("found", "search", {"q": "x"}),
        ("order", "get_order", {"order_id": "order for x"}),
        ("rates", "get_rates", {}),
    ]
    assert made[-1][0] == "back"


def test_a_read_is_tried_again_and_a_write_is_not(tmp_path: Path) -> None:
    """Two failures of a read are gone over; one of a write without a key ends the routine, and is told."""
    assert Shop(tmp_path, search=2).pursue()[0][0] == "done"
    shop = Shop(tmp_path, refund=1)
    result, _ = shop.pursue()
    assert result == ("stuck", {"rates": 1.1}, {"back": "1 tries, the last: ConnectionError: down"})
    assert shop.calls["refund"] == 1


def test_a_routine_is_linted_by_the_tools_of_the_app(tmp_path: Path) -> None:
    """A wrong name is told before anything is called, with its line; a declared tool without a function too."""
    shop = Shop(tmp_path)
    shop.file.write_text(ROUTINE.replace('order_id: "$found', 'ordr_id: "$found'), encoding="utf-8")
    with shop.app.session() as session:
        with pytest.raises(PlanError, match=r"refund\.yaml:5:43  get_order has no argument 'ordr_id'"):
            pursue(session, shop.file, None, {"question": "x"})
        with pytest.raises(PlanError, match="no tool is called 'serch'"):
            pursue(session, Routine("r", (Step("a", "serch"),)), None, {})
        assert not session.begun
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "registry: r\nversion: 1\ndefault: allow\ntools: {look: {effect: read}}\n"
        "invariants: [{id: A, on: end, require: step < 9}]\n",
        encoding="utf-8",
    )
    with Harness(rules).session() as session, pytest.raises(UsageError, match="look has no function here"):
        pursue(session, Routine("r", (Step("a", "look"),)), None, {})


def test_a_tool_that_takes_anything_is_called_with_anything(tmp_path: Path) -> None:
    """What a function takes by ``**`` is no unknown argument."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read")
    def look(**what: Any) -> list[str]:
        return sorted(what)

    with app.session() as session:
        done = pursue(session, Routine("r", (Step("a", "look", {"x": 1, "y": 2}),)), None, {})
    assert done.results == {"a": ["x", "y"]}


def test_a_step_can_be_done_by_something_else(tmp_path: Path) -> None:
    """A worker that is named takes the place of the call."""
    shop = Shop(tmp_path)
    with shop.app.session() as session:
        done = pursue(session, shop.file, {"rates": lambda view: {"rates": 2.0}}, {"question": "x"})
    assert (done.results["rates"], shop.calls["get_rates"]) == (2.0, 0)
