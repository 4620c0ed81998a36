"""The shop of the scenario on openai-agents, under harness."""

from __future__ import annotations

import harness
from tests.adapters.frameworks.agents.openai_agents_shop import answer, triage
from tests.adapters.frameworks.scenario.ledger import REGISTRY

app = harness.Harness(REGISTRY)
app.wrap(triage)


@app.agent
async def main() -> str:
    """Answer the customer."""
    return await answer()
