"""openai-agents, LangGraph and pydantic-ai by themselves: synchronous tools that the harness does not know of."""

from __future__ import annotations

from agents import Agent, Runner, function_tool, set_default_openai_client
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from openai import AsyncOpenAI
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
client = app.wrap(AsyncOpenAI())
set_default_openai_client(client)
model = ChatOpenAI(model="gpt-4o", async_client=client.chat.completions, root_async_client=client)
tools = [get_order, search_policy, refund]

desk = Agent(name="desk", instructions="Look things up.", tools=[function_tool(tool) for tool in tools])
graph = create_react_agent(model, tools, prompt="Look things up.")
clerk = PydanticAgent(OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=client)), tools=tools)


@app.agent
async def openai_agents(question: str) -> str:
    """Answer a customer."""
    return str((await Runner.run(desk, question)).final_output)


@app.agent
async def langgraph(question: str) -> str:
    """Answer a customer."""
    return str((await graph.ainvoke({"messages": [("user", question)]}))["messages"][-1].content)


@app.agent
async def pydantic_ai(question: str) -> str:
    """Answer a customer."""
    return str((await clerk.run(question)).output)
