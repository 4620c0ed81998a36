"""An urgent order goes out unchecked when the check takes longer than the agent is willing to wait.

Family: missing verification before a write
Planted: an urgent order goes out while the check still runs, to be called back if need be; it has to wait for the
check, or for a person.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: chemicals-export
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: EXPORT-CHECKED
    title: Nothing is exported before the check has said that it may be
    on: action
    tool: export
    require: >-
      happened(result, call.tool == "check_export" and call.args.country == now.call.args.country
      and result == "allowed")
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "check_timed_out.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def check_export(substance: str, country: str) -> str:
    """Ask the authority whether a substance may be exported."""
    await asyncio.sleep(0.4)
    return "allowed"


@APP.tool(effect="write")
async def export(substance: str, country: str) -> str:
    """Hand a substance to the carrier."""
    return f"{substance} to {country}"


@APP.tool(effect="write")
async def ask_officer(question: str) -> str:
    """Ask the officer for export control."""
    return "asked"


@APP.tool(effect="write")
async def call_back(substance: str, country: str) -> str:
    """Call a substance back that was handed over."""
    return "called back"


@APP.agent
async def agent(substance: str, country: str, urgent: bool) -> str:
    """Export a substance if it may be exported."""
    check = asyncio.create_task(check_export(substance, country))
    await asyncio.wait({check}, timeout=1.0 if urgent else None)
    if check.done() and check.result() != "allowed":
        return await ask_officer(f"{substance} to {country}?")
    said = await export(substance, country)
    return said if await check == "allowed" else await call_back(substance, country)


@APP.agent
async def mended(substance: str, country: str, urgent: bool) -> str:
    """Export a substance if it is known that it may be exported."""
    check = asyncio.create_task(check_export(substance, country))
    await asyncio.wait({check}, timeout=1.0 if urgent else None)
    if not check.done():
        await ask_officer(f"{substance} to {country}, before the check is back?")
    return await export(substance, country) if await check == "allowed" else "not exported"


INPUT = {"substance": "acetone", "country": "NO", "urgent": False}
VARY = {"/urgent": [True]}
RULE = "EXPORT-CHECKED"
WITNESS = {"inject": [{"fault": "delay", "tool": "check_export", "nth": 1}], "changes": [["/urgent", True]]}
CAUSE = {"tool": "check_export", "nth": 1}
