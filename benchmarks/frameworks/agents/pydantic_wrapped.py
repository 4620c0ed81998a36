"""Agents of the package pydantic-ai-examples, imported as they are, wrapped instead of the client of their model."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from pydantic_ai.models.openai import OpenAIResponsesModel

import harness

os.environ.setdefault("GROQ_API_KEY", "none-needed")  # the roulette wheel names a provider of its own when imported
from pydantic_ai_examples import bank_support, roulette_wheel
from pydantic_ai_examples.evals.agent import TimeRangeDeps, time_range_agent

app = harness.Harness()
model = OpenAIResponsesModel("gpt-5.2")
for agent in (roulette_wheel.roulette_agent, bank_support.support_agent, time_range_agent):
    app.wrap(agent)
roulette_wheel.roulette_agent.model = model
bank_support.cur = sqlite3.connect(":memory:", check_same_thread=False).cursor()  # as the example's own last lines do
bank_support.cur.execute("CREATE TABLE customers(id, name, balance)")
bank_support.cur.execute("INSERT INTO customers VALUES (123, 'John', 123.45)")


@app.agent
async def roulette(question: str) -> None:
    """Place two bets in streamed runs; the questions are the example's own."""
    await roulette_wheel.main()


@app.agent
async def bank(question: str) -> Any:
    """Advise a customer in a structured answer."""
    deps = bank_support.SupportDependencies(123, bank_support.DatabaseConn(bank_support.cur.connection))
    return (await bank_support.support_agent.run(question, deps=deps, model=model)).output.model_dump()


@app.agent
async def times(question: str) -> Any:
    """Say which time is meant, by a tool that reads the clock."""
    return (await time_range_agent.run(question, deps=TimeRangeDeps(), model=model)).output.model_dump(mode="json")
