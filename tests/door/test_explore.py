"""Other orders that could have been."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import Harness, UsageError
from harness.door.explore import explore_orders

RULES = """
registry: stock
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: A-SHIPS-FIRST
    on: action
    tool: ship
    when: call.args.shelf == "b"
    require: happened(action, call.tool == "ship" and call.args.shelf == "a")
    severity: high
    otherwise: observe
    says: shelf b is shipped after shelf a
"""


def _app(tmp_path: Path) -> Harness:
    return Harness(traces=tmp_path)


def _racing(app: Harness) -> Callable[..., Any]:
    @app.tool(effect="read")
    async def look(shelf: str) -> int:
        await asyncio.sleep({"a": 0.001, "b": 0.02}[shelf])
        return 1

    @app.tool(effect="write")
    async def ship(shelf: str) -> str:
        return shelf

    @app.agent
    async def race() -> list[str]:
        shipped: list[str] = []

        async def one(shelf: str) -> None:
            await look(shelf)
            shipped.append(await ship(shelf))

        await asyncio.gather(one("a"), one("b"))
        return shipped

    return race


def test_an_order_that_was_not_recorded_is_found(tmp_path: Path) -> None:
    """Two tasks race; the record has one order, exploring finds the other, with another result."""
    app = _app(tmp_path)
    agent = _racing(app)
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    assert session.run(agent) == ["a", "b"]
    found = explore_orders(tmp_path / "a.mat.jsonl", 20, entry=agent, app=app)
    assert len(found.ended) == 20
    assert found.orders > 1
    assert found.results == 2


def test_an_invariant_that_hangs_on_the_order_is_named(tmp_path: Path) -> None:
    """A rule that held in the record is violated in some orders, and those are told."""
    (tmp_path / "stock.yaml").write_text(RULES, encoding="utf-8")
    app = Harness(tmp_path / "stock.yaml", traces=tmp_path)
    agent = _racing(app)
    session = app.session(trace=tmp_path / "a.mat.jsonl")
    session.run(agent)
    assert session.verdict == "holds"
    found = explore_orders(tmp_path / "a.mat.jsonl", 20, entry=agent, app=app)
    assert list(found.dependent) == ["A-SHIPS-FIRST"]
    assert 0 < len(found.dependent["A-SHIPS-FIRST"]) < 20
    assert -1 not in found.dependent["A-SHIPS-FIRST"]


def test_a_seed_gives_the_same_schedules_again(tmp_path: Path) -> None:
    """Schedules follow from the seed and their number; other seeds give others."""
    app = _app(tmp_path)
    agent = _racing(app)
    app.session(trace=tmp_path / "a.mat.jsonl").run(agent)

    def orders(seed: int) -> list[str]:
        explored = explore_orders(tmp_path / "a.mat.jsonl", 12, seed=seed, entry=agent, app=app)
        return [one.order for one in explored.schedules]

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)


def test_threads_are_explored_too(tmp_path: Path) -> None:
    """A check and an act in two threads: some orders let both act."""
    app = _app(tmp_path)

    @app.tool(effect="read")
    def seats() -> int:
        return 1

    @app.tool(effect="write")
    def sell(to: str) -> str:
        return to

    @app.agent
    def two_clerks() -> list[str]:
        sold: list[str] = []

        def clerk(name: str) -> None:
            if len(sold) < seats():
                sold.append(sell(name))

        clerks = [threading.Thread(target=clerk, args=(name,)) for name in ("ann", "bob")]
        for thread in clerks:
            thread.start()
        for thread in clerks:
            thread.join()
        return sold

    app.session(trace=tmp_path / "a.mat.jsonl").run(two_clerks)
    found = explore_orders(tmp_path / "a.mat.jsonl", 30, entry=two_clerks, app=app)
    assert found.results > 1


def test_a_run_without_concurrency_has_one_order(tmp_path: Path) -> None:
    """Where nothing can come in another order, nothing does."""
    app = _app(tmp_path)

    @app.tool(effect="read")
    def look(name: str) -> str:
        return name

    @app.agent
    def plain() -> str:
        return look("a") + look("b")

    app.session(trace=tmp_path / "a.mat.jsonl").run(plain)
    found = explore_orders(tmp_path / "a.mat.jsonl", 5, entry=plain, app=app)
    assert (found.orders, found.results, found.dependent) == (1, 1, {})


def test_no_orders_cannot_be_explored(tmp_path: Path) -> None:
    """A count below one is told."""
    with pytest.raises(UsageError, match="cannot be explored"):
        explore_orders(tmp_path / "a.mat.jsonl", 0)


def test_a_call_that_was_cancelled_is_cancelled_again(tmp_path: Path) -> None:
    """A timeout that fired does not keep other orders from being run to their end."""
    app = _app(tmp_path)

    @app.tool(effect="read")
    async def look(shelf: str) -> str:
        await asyncio.sleep({"a": 0.001, "b": 0.002, "late": 60.0}[shelf])
        return shelf

    @app.agent
    async def hurry() -> list[str]:
        seen: list[str] = []

        async def one(shelf: str) -> None:
            try:
                seen.append(await asyncio.wait_for(look(shelf), 0.05))
            except TimeoutError:
                seen.append(f"no {shelf}")

        await asyncio.gather(one("a"), one("b"), one("late"))
        return seen

    assert app.session(trace=tmp_path / "a.mat.jsonl").run(hurry) == ["a", "b", "no late"]
    found = explore_orders(tmp_path / "a.mat.jsonl", 20, entry=hurry, app=app)
    assert len(found.ended) == 20
    assert found.results > 1
