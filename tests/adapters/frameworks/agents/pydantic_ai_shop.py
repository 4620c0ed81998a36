"""The shop of the scenario on pydantic-ai: the program, and the same program under harness."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

from pydantic_ai import Agent, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel

import harness
from tests.adapters.frameworks.scenario.ledger import (
    QUESTION,
    REGISTRY,
    charge,
    check_stock,
    find_order,
    note,
    refund,
)


async def streamed(ctx: Any, events: AsyncIterable[Any]) -> None:
    """Read the events of a run, so that models are asked for streams."""
    async for _ in events:
        pass


def shop() -> tuple[Agent[None, str], Agent[None, str]]:
    """Give the agents ``triage`` and ``billing``; the first hands over to the second."""
    model = OpenAIChatModel("gpt-4o")
    billing = Agent(model, name="billing", instructions="Charge.", tools=[charge])

    async def transfer_to_billing() -> str:
        """Hand over to billing."""
        return (await billing.run(QUESTION, event_stream_handler=streamed)).output

    triage: Agent[None, str] = Agent(
        model,
        name="triage",
        instructions="Help the customer.",
        output_type=[str, ToolOutput(transfer_to_billing, name="transfer_to_billing")],
        tools=[find_order, check_stock, note, refund],
    )
    return triage, billing


app = harness.Harness(REGISTRY)


async def alone() -> str:
    """Answer the customer without harness."""
    triage, _ = shop()
    return (await triage.run(QUESTION, event_stream_handler=streamed)).output


@app.agent
async def main() -> str:
    """Answer the customer."""
    triage, billing = shop()
    app.wrap(billing)
    return (
        await app.wrap(triage, delegates=["transfer_to_billing"]).run(QUESTION, event_stream_handler=streamed)
    ).output
