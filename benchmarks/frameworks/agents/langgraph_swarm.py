"""langgraph-swarm over LangChain's ``create_agent``: two agents that hand over to each other, with a checkpointer."""

from __future__ import annotations

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph_swarm import create_handoff_tool, create_swarm

import harness
from benchmarks.frameworks.shop import get_order, refund, search_policy

app = harness.Harness()
model = ChatOpenAI(model="gpt-4o")
clerk = create_agent(
    model,
    [get_order, search_policy, create_handoff_tool(agent_name="payer")],
    system_prompt="Look things up.",
    name="clerk",
)
payer = create_agent(model, [refund, create_handoff_tool(agent_name="clerk")], system_prompt="Pay.", name="payer")


@app.agent
async def main(question: str) -> str:
    """Answer a customer."""
    graph = app.wrap(create_swarm([clerk, payer], default_active_agent="clerk").compile(checkpointer=InMemorySaver()))
    turn = {"messages": [{"role": "user", "content": question}]}
    state = await graph.ainvoke(turn, {"configurable": {"thread_id": "1"}})
    return str(state["messages"][-1].content)
