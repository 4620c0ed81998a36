"""The agents that are run, and the projects they belong to."""

from __future__ import annotations

from typing import Final, NamedTuple

QUESTION: Final = "Order W-77 arrived broken. Can I have 120.00 back?"


class Case(NamedTuple):
    """One agent: ``project`` is a distribution, ``entry`` and ``policy`` are names below this package.

    ``lines`` counts what harness asks of a program beside ``app = harness.Harness()``: the client or the
    agent that is wrapped, and the line above the entry.
    """

    project: str
    entry: str
    policy: str
    lines: int = 2

    @property
    def agent(self) -> str:
        """The entry in full."""
        return self.entry if self.entry.startswith("examples.") else f"benchmarks.frameworks.agents.{self.entry}"

    @property
    def script(self) -> str:
        """The policy of the scripted model in full."""
        return self.policy if self.policy.startswith("examples.") else f"benchmarks.frameworks.policies:{self.policy}"


CASES: Final = (
    Case("openai-agents", "framework_shop:openai_agents", "shop"),
    Case("langgraph", "framework_shop:langgraph", "shop"),
    Case("pydantic-ai-slim", "framework_shop:pydantic_ai", "shop"),
    Case("openai-agents", "openai_shipped:research", "research"),
    Case("openai-agents", "openai_shipped:airline", "airline"),
    Case("openai-agents", "openai_shipped:parallel", "translators"),
    Case("openai-agents", "openai_shipped:as_tools", "translators"),
    Case("openai-agents", "openai_shipped:guarded", "guarded"),
    Case("openai-agents", "openai_shipped:judged", "judge"),
    Case("openai-agents", "openai_wrapped:research", "research"),
    Case("openai-agents", "openai_wrapped:airline", "airline"),
    Case("openai-agents", "openai_wrapped:parallel", "translators"),
    Case("openai-agents", "openai_wrapped:as_tools", "translators"),
    Case("openai-agents", "openai_wrapped:judged", "judge"),
    Case("pydantic-ai-examples", "pydantic_shipped:roulette", "roulette"),
    Case("pydantic-ai-examples", "pydantic_shipped:bank", "bank"),
    Case("pydantic-ai-examples", "pydantic_shipped:times", "times"),
    Case("pydantic-ai-examples", "pydantic_wrapped:roulette", "roulette"),
    Case("pydantic-ai-examples", "pydantic_wrapped:bank", "bank"),
    Case("pydantic-ai-examples", "pydantic_wrapped:times", "times"),
    Case("smolagents", "smolagents_shop:calling", "calling"),
    Case("smolagents", "smolagents_shop:coding", "coding"),
    Case("langgraph-supervisor", "langgraph_supervisor:main", "team"),
    Case("langgraph-swarm", "langgraph_swarm:main", "team"),
    Case("autogen-agentchat", "autogen_team:main", "critic"),
    Case("agno", "agno_team:main", "team"),
    Case("haystack-ai", "haystack_agent:main", "shop"),
)
