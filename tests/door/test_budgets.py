"""Budgets of calls that are under way at the same time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.errors import Refused
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.run.drive import acall
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.outcome import Failed, Ok, Outcome

TEXT = """
registry: shop
version: 1
default: allow
tools: {{pay: {{effect: write, cost: 10, arguments: {{properties: {{cents: {{type: integer}}}}}}}}}}
agents: {{main: {{budget: {budget}}}}}
"""
COMMON = Path(__file__).parents[2] / "registries"
CHAT = ToolSpec("openai:chat/completions", effect="read")


def app_of(folder: Path, budget: str) -> harness.Harness:
    """Make an app under one budget."""
    return harness.Harness(load(TEXT.format(budget=budget), "shop.yaml"), traces=folder)


@pytest.mark.parametrize("budget", ["{calls: 5}", "{cents: 50}", "{calls: 5, tool: pay, within: 1 h}"])
def test_calls_that_wait_for_each_other_count_before_they_have_happened(tmp_path: Path, budget: str) -> None:
    """Of ten parallel calls five pass, of coroutines as of threads."""
    app = app_of(tmp_path, budget)
    paid: list[int] = []

    @app.tool(effect="write")
    async def pay(cents: int) -> int:
        await asyncio.sleep(0.01)
        paid.append(cents)
        return cents

    @app.tool(effect="write", name="pay_now")
    def pay_now(cents: int) -> int:
        paid.append(cents)
        return cents

    async def agent() -> list[Any]:
        return await asyncio.gather(*(pay(10) for _ in range(10)), return_exceptions=True)

    with app.session() as session:
        said = session.run(agent)
    assert sum(isinstance(one, Refused) for one in said) == 5
    assert paid == [10] * 5
    if "tool" in budget:
        return
    paid.clear()
    with app.session(), ThreadPoolExecutor(10) as threads:
        futures = [threads.submit(copy_context().run, pay_now, 10) for _ in range(10)]
        errors = [future.exception() for future in futures]
    assert sum(isinstance(one, Refused) for one in errors) == 5
    assert paid == [10] * 5


def common(limit: str) -> Registry:
    """Load the common budgets with one limit of their own."""
    text = "registry: shop\nversion: 1\ndefault: allow\nextends: [common/budgets]\n"
    text += f"parameters: {{{limit}, override: true}}}}\ntools: {{pay: {{effect: write, cost: 10}}}}\n"
    text += "invariants: [{id: NOTHING, on: end, require: 'True'}]\n"
    return load(text, "shop.yaml", read=lambda name: (COMMON / f"{name}.yaml").read_text())


@pytest.mark.parametrize("limit", ["max_calls: {value: 5", "max_writes: {value: 5", "max_cost: {value: 50"])
def test_so_do_those_of_the_common_budgets(tmp_path: Path, limit: str) -> None:
    """Calls, writes and what they cost are counted from the proposal on."""
    app = harness.Harness(common(limit), traces=tmp_path)

    @app.tool(effect="write", cost=10)
    async def pay() -> None:
        await asyncio.sleep(0.01)

    async def agent() -> list[Any]:
        return await asyncio.gather(*(pay() for _ in range(10)), return_exceptions=True)

    with app.session() as session:
        assert refused(session.run(agent)) == 5


def test_the_tokens_of_a_run_are_reserved_too(tmp_path: Path) -> None:
    """By the rule of the common budgets, for all agents together."""

    async def agent() -> int:
        return refused(await asking([{"max_tokens": 100}] * 10, answered(100))(session.started()))

    with harness.Harness(common("max_tokens: {value: 500"), traces=tmp_path).session() as session:
        assert session.run(agent) == 5


def asking(limits: list[dict[str, Any]], answer: Outcome) -> Any:
    """Give an agent that asks a model several times at once, each request with its own bound."""

    async def effect(_: Any) -> Outcome:
        await asyncio.sleep(0.01)
        return answer

    async def ask(run: Any, limit: dict[str, Any]) -> Outcome:
        return await acall(run, Call("model", CHAT.name, {"messages": [], **limit}, CHAT), effect)

    async def agent(run: Any) -> list[Any]:
        return await asyncio.gather(*(ask(run, limit) for limit in limits), return_exceptions=True)

    return agent


def refused(said: list[Any]) -> int:
    """Count the refusals."""
    return sum(isinstance(one, Refused) for one in said)


def answered(tokens: int) -> Ok:
    """Give an answer of a model that took so many tokens."""
    return Ok({"body": {"choices": [], "usage": {"total_tokens": tokens}}})


@pytest.mark.parametrize("bound", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_tokens_are_reserved_before_and_settled_after(tmp_path: Path, bound: str) -> None:
    """Ten requests for 100 tokens each do not all pass a budget of 500; what they did not take is free again."""
    app = app_of(tmp_path, "{tokens: 500}")

    async def agent() -> list[int]:
        run = app_session.started()
        counts = [refused(await asking([{bound: 100}] * 10, answered(20))(run))]  # five pass, and take 100
        counts.append(refused(await asking([{bound: 100}] * 10, answered(100))(run)))  # four pass, and take 400
        counts.append(refused(await asking([{}], answered(1))(run)))
        return counts

    with app.session() as app_session:
        assert app_session.run(agent) == [5, 6, 1]


def test_a_request_that_goes_on_with_a_conversation_reserves_as_much(tmp_path: Path) -> None:
    """A trace keeps its bound once; the rules know it of each request, at the door and offline."""
    app = app_of(tmp_path, "{tokens: 210}")
    said = [{"role": "user", "content": "hello"}]
    first, second = ({"messages": said * times, "max_tokens": 200} for times in (1, 2))

    async def agent() -> list[int]:
        run = app_session.started()
        return [refused(await asking([request], answered(20))(run)) for request in (first, second)]

    with app.session() as app_session:
        assert app_session.run(agent) == [0, 1]
    report = harness.check(app_session.trace.path, registry=app.registry)
    assert [one.verdict.rule for one in report.findings] == ["AGENT-main-TOKENS"]


def test_a_request_that_failed_gives_back_what_it_reserved(tmp_path: Path) -> None:
    """An answer that does not say what it took counts as what was reserved."""
    app = app_of(tmp_path, "{tokens: 300}")

    async def agent() -> list[int]:
        run, silent = app_session.started(), Ok({"chunks": []})
        counts = [refused(await asking([{"max_tokens": 300}], Failed({"message": "busy"}))(run))]
        counts.append(refused(await asking([{"max_tokens": 100}] * 4, silent)(run)))
        counts.append(refused(await asking([{"max_tokens": 1}], silent)(run)))
        return counts

    with app.session() as app_session:
        assert app_session.run(agent) == [0, 1, 1]


def test_what_a_request_does_not_bound_may_go_beyond_once(tmp_path: Path) -> None:
    """Requests without a bound pass together until an answer has told what they took; that is said on the page."""
    app = app_of(tmp_path, "{tokens: 50}")

    async def agent() -> list[int]:
        run = app_session.started()
        return [refused(await asking([{}] * times, answered(30))(run)) for times in (3, 1)]

    with app.session() as app_session:
        assert app_session.run(agent) == [0, 1]
