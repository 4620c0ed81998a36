"""Haystack's Agent component, synchronous: its ToolInvoker runs the tools of one turn in a thread pool."""

from __future__ import annotations

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from openai import OpenAI

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = OpenAIChatGenerator(model="gpt-4o")
model.client = app.wrap(OpenAI())
tools = [create_tool_from_function(function) for function in (get_order, search_policy, refund)]
agent = Agent(chat_generator=model, tools=tools, system_prompt="Look things up before you pay.")


@app.agent
def main(question: str) -> str:
    """Answer a customer."""
    return str(agent.run(messages=[ChatMessage.from_user(question)])["last_message"].text)
