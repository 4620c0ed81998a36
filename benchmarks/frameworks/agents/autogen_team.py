"""autogen-agentchat: a round robin of a clerk with tools and a critic, on autogen's own in-process runtime."""

from __future__ import annotations

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient
from openai import AsyncOpenAI

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = OpenAIChatCompletionClient(model="gpt-4o", api_key="none-needed")
model._client = app.wrap(AsyncOpenAI())


@app.agent
async def main(question: str) -> str:
    """Answer a customer."""
    tools = [get_order, search_policy, refund]
    clerk = AssistantAgent("clerk", model, tools=tools, reflect_on_tool_use=True, max_tool_iterations=3)
    critic = AssistantAgent("critic", model, system_message="Say APPROVE when the customer was helped.")
    ended = TextMentionTermination("APPROVE") | MaxMessageTermination(12)
    result = await RoundRobinGroupChat([clerk, critic], termination_condition=ended).run(task=question)
    return "\n".join(message.to_text() for message in result.messages)
