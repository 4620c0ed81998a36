"""A file is written under a lease that has run out meanwhile, because building it took longer than usual.

Family: authorization checked once and used later
Planted: the lease is taken once and trusted for good; its age has to be looked at before writing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: shared-config
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LEASE-HELD
    title: What is written is written under a lease of at most two seconds
    on: action
    tool: write_config
    require: happened(result, call.tool == "take_lease", within="2 s")
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "lease_run_out.yaml"))
LEASE_S = 2.0


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", idempotent=True)
async def take_lease(path: str) -> str:
    """Get the right to write a file, for two seconds; who holds it may take it again."""
    return f"lease of {path}"


@APP.tool(effect="read")
async def read_config(path: str) -> dict[str, Any]:
    """Read a file."""
    await asyncio.sleep(0.3)
    return {"replicas": 3}


@APP.tool(effect="read")
async def wanted_replicas(service: str) -> int:
    """Work out how many replicas a service needs."""
    await asyncio.sleep(0.9)
    return 5


@APP.tool(effect="write")
async def write_config(path: str, replicas: int) -> str:
    """Write a file."""
    return f"{path}: {replicas}"


@APP.agent
async def agent(path: str, service: str) -> str:
    """Set the number of replicas, alone."""
    await take_lease(path)
    await read_config(path)
    wanted = await wanted_replicas(service)
    return await write_config(path, wanted)


@APP.agent
async def mended(path: str, service: str) -> str:
    """Set the number of replicas, alone, under a lease that still holds."""
    loop = asyncio.get_running_loop()
    await take_lease(path)
    await read_config(path)
    wanted = await wanted_replicas(service)
    asked = loop.time()
    await take_lease(path)
    if loop.time() - asked > LEASE_S / 2:
        return "nothing is written: the lease came too late"
    return await write_config(path, wanted)


INPUT = {"path": "web.yaml", "service": "web"}
RULE = "LEASE-HELD"
WITNESS = {"inject": [{"fault": "delay", "tool": "wanted_replicas", "nth": 1}]}
CAUSE = {"tool": "wanted_replicas", "nth": 1}
