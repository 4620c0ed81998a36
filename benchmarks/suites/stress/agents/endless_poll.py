"""A deployment is polled on and on, because the field that says how it is goes by another name.

Family: infinite tool loop
Planted: a state that is not understood counts as not yet ready; polling has to end, and somebody has to be told.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: deployments
version: 1.0.0
default: allow
unknown: allow
parameters:
  most_polls: {value: 5, source: "rules of the platform team, polling"}
invariants:
  - id: FEW-POLLS
    title: One deployment is polled a few times and not more
    on: action
    tool: status
    require: count(action, call.tool == "status") < params.most_polls
    severity: medium
    otherwise: observe
"""
APP = Harness(load(RULES, "endless_poll.yaml"))
POLLED: list[str] = []


def fresh() -> None:
    """Forget who has polled."""
    POLLED.clear()


@APP.tool(effect="write")
async def deploy(service: str) -> str:
    """Begin to roll a service out."""
    return f"rollout of {service}"


@APP.tool(effect="read")
async def status(rollout: str) -> dict[str, str]:
    """Tell how far a rollout is."""
    POLLED.append(rollout)
    return {"state": "live" if len(POLLED) > 2 else "rolling"}


@APP.tool(effect="write")
async def page(team: str, text: str) -> str:
    """Wake somebody."""
    return "paged"


@APP.agent
async def agent(service: str, patience_s: int) -> str:
    """Roll a service out and wait until it is live."""
    rollout = await deploy(service)
    for _ in range(patience_s // 10):
        if (await status(rollout)).get("state") == "live":
            return "live"
        await asyncio.sleep(10)
    return "gave up"


@APP.agent
async def mended(service: str, patience_s: int) -> str:
    """Roll a service out and wait until it is live, or call somebody after a few looks."""
    rollout = await deploy(service)
    for wait_s in (10, 20, 40, 50):
        if (await status(rollout)).get("state") == "live":
            return "live"
        await asyncio.sleep(min(wait_s, patience_s))
    await page("platform", f"{rollout} does not say that it is live")
    return "handed over"


INPUT = {"service": "web", "patience_s": 120}
RULE = "FEW-POLLS"
WITNESS = {"inject": [{"fault": "schema_mismatch", "tool": "status"}]}
CAUSE = {"tool": "status", "nth": 3}
