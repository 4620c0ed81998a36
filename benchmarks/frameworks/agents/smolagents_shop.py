"""smolagents: a ToolCallingAgent runs the tools of one turn in threads, a CodeAgent the Python that is written."""

from __future__ import annotations

from openai import OpenAI
from smolagents import CodeAgent, LogLevel, OpenAIModel, ToolCallingAgent, tool

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = OpenAIModel("gpt-4o", api_key="none-needed")
model.client = app.wrap(OpenAI())
tools = [tool(get_order), tool(search_policy), tool(refund)]


@app.agent
def calling(question: str) -> str:
    """Answer a customer with tool calls."""
    return str(ToolCallingAgent(tools, model, verbosity_level=LogLevel.OFF).run(question))


@app.agent
def coding(question: str) -> str:
    """Answer a customer with code."""
    agent = CodeAgent(tools, model, additional_authorized_imports=["random", "time"], verbosity_level=LogLevel.OFF)
    return str(agent.run(question))
