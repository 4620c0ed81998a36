"""An urgent order goes out unchecked when the check takes longer than the agent is willing to wait.

Family: missing verification before a write
Planted: for urgent orders a slow check counts as a passed one; it has to be waited for, or a person asked.
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


@APP.agent
async def agent(substance: str, country: str, urgent: bool) -> str:
    """Export a substance if it may be exported."""
    try:
        said = await asyncio.wait_for(check_export(substance, country), 1.0 if urgent else None)
    except TimeoutError:
        said = "allowed"  # told later, if it should be otherwise
    if said != "allowed":
        return await ask_officer(f"{substance} to {country}?")
    return await export(substance, country)


@APP.agent
async def mended(substance: str, country: str, urgent: bool) -> str:
    """Export a substance if it is known that it may be exported."""
    try:
        said = await asyncio.wait_for(check_export(substance, country), 1.0 if urgent else None)
    except TimeoutError:
        said = "not known"
    if said != "allowed":
        return await ask_officer(f"{substance} to {country}?")
    return await export(substance, country)


INPUT = {"substance": "acetone", "country": "NO", "urgent": False}
VARY = {"/urgent": [True]}
RULE = "EXPORT-CHECKED"
WITNESS = {"inject": [{"fault": "delay", "tool": "check_export", "nth": 1}], "changes": [["/urgent", True]]}
CAUSE = {"tool": "check_export", "nth": 1}
