"""langgraph-supervisor: a supervisor hands over to two prebuilt agents with synchronous tools; the graph is wrapped."""

from __future__ import annotations

from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from langgraph_supervisor import create_supervisor

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = ChatOpenAI(model="gpt-4o")
researcher = create_react_agent(model, [get_order, search_policy], name="researcher", prompt="Look things up.")
payer = create_react_agent(model, [refund], name="payer", prompt="Pay money back.")
graph = app.wrap(create_supervisor([researcher, payer], model=model, prompt="Lead a team.").compile())


@app.agent
async def main(question: str) -> str:
    """Answer a customer."""
    state = await graph.ainvoke({"messages": [("user", question)]})
    return str(state["messages"][-1].content)
