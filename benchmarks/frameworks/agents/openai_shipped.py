"""Examples that ship with openai-agents, imported as they are; ``examples`` is the folder of its source distribution.

They ask the user nothing where ``EXAMPLES_INTERACTIVE_MODE`` is ``auto``, so their questions are their own.
"""

from __future__ import annotations

from agents import set_default_openai_client
from examples.agent_patterns import agents_as_tools, input_guardrails, llm_as_a_judge, parallelization
from examples.customer_service import main as customer_service
from examples.research_bot.manager import ResearchManager
from openai import AsyncOpenAI

import harness

app = harness.Harness()
set_default_openai_client(app.wrap(AsyncOpenAI()))


@app.agent
async def research(question: str) -> None:
    """Plan, search in parallel taking results as they complete, and stream a report."""
    await ResearchManager().run(question)


@app.agent
async def airline(question: str) -> None:
    """Serve a customer: handoffs, chance in a hook, a conversation named by a uuid."""
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
async def guarded(question: str) -> None:
    """Answer while a guardrail, an agent itself, runs beside and at last trips."""
    await input_guardrails.main()


@app.agent
async def judged(question: str) -> None:
    """Write outlines until a judge is content."""
    await llm_as_a_judge.main()
