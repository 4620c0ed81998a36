"""The shop of the scenario on openai-agents, without harness."""

from __future__ import annotations

from agents import Agent, Runner, function_tool

from tests.adapters.frameworks.scenario.ledger import QUESTION, charge, check_stock, find_order, note, refund

billing = Agent(name="billing", instructions="Charge.", tools=[function_tool(charge)])
triage = Agent(
    name="triage",
    instructions="Help the customer.",
    tools=[function_tool(tool) for tool in (find_order, check_stock, note, refund)],
    handoffs=[billing],
)


async def answer() -> str:
    """Answer the customer, and stream what is said."""
    result = Runner.run_streamed(triage, QUESTION)
    async for _ in result.stream_events():
        pass
    return str(result.final_output)
