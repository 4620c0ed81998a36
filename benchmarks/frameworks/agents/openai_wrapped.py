"""Examples that ship with openai-agents, imported as they are, their agents wrapped instead of the client.

Every agent that can be imported is; the one of ``input_guardrails`` is made inside of its function, so it is left out.
"""

from __future__ import annotations

from examples.agent_patterns import agents_as_tools, llm_as_a_judge, parallelization
from examples.customer_service import main as customer_service
from examples.research_bot.agents.planner_agent import planner_agent
from examples.research_bot.agents.search_agent import search_agent
from examples.research_bot.agents.writer_agent import writer_agent
from examples.research_bot.manager import ResearchManager

import harness

app = harness.Harness()
for agent in (
    planner_agent,
    search_agent,
    writer_agent,
    customer_service.triage_agent,
    parallelization.spanish_agent,
    parallelization.translation_picker,
    agents_as_tools.orchestrator_agent,
    agents_as_tools.synthesizer_agent,
    llm_as_a_judge.story_outline_generator,
    llm_as_a_judge.evaluator,
):
    app.wrap(agent)


@app.agent
async def research(question: str) -> None:
    """Plan, search in parallel taking results as they complete, and stream a report."""
    await ResearchManager().run(question)


@app.agent
async def airline(question: str) -> None:
    """Serve a customer: handoffs both ways, chance in a hook, a conversation named by a uuid."""
    await customer_service.main()


@app.agent
async def parallel(question: str) -> None:
    """Translate three times at once and pick the best."""
    await parallelization.main()


@app.agent
async def as_tools(question: str) -> None:
    """Translate with agents that are tools of another."""
    await agents_as_tools.main()


@app.agent
async def judged(question: str) -> None:
    """Write outlines until a judge is content."""
    await llm_as_a_judge.main()
