"""agno: a team whose leader delegates to two members, streamed and stored in memory."""

from __future__ import annotations

from agno.agent import Agent
from agno.models.openai import OpenAIChat
from agno.team import Team
from openai import AsyncOpenAI

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = OpenAIChat(id="gpt-4o", async_client=app.wrap(AsyncOpenAI()))


@app.agent
async def main(question: str) -> str:
    """Answer a customer."""
    clerk = Agent(name="clerk", id="clerk", model=model, tools=[get_order, search_policy], telemetry=False)
    payer = Agent(name="payer", id="payer", model=model, tools=[refund], telemetry=False)
    team = Team(members=[clerk, payer], model=model, telemetry=False, add_datetime_to_context=True)
    return str((await team.arun(question)).content)
