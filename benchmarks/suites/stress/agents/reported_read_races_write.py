"""A call that reads what another call of the same turn writes runs beside it, and may be there first.

Family: out-of-order completion
Reported: https://github.com/google-gemini/gemini-cli/pull/10287 -- calls that change something and calls that read are
performed in parallel where a model asks for them in one turn: a read may overtake the write before it and see the old
state. This reproduces the mechanism, not the app's code.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: plans
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: READ-WHAT-WAS-WRITTEN
    title: What is to be written in a turn is there before it is read
    on: action
    tool: read_file
    require: happened(result, call.tool == "write_file" and call.args.path == now.call.args.path)
    severity: high
    otherwise: observe
    says: "{call.args.path} is not written yet."
"""
APP = Harness(load(RULES, "plans.yaml"))
FILES: dict[str, str] = {}
TURN = [
    {"tool": "write_file", "path": "plan.md", "content": "1. Measure. 2. Cut."},
    {"tool": "read_file", "path": "plan.md"},
]


def fresh() -> None:
    """Put the world back."""
    FILES.clear()


@APP.tool(effect="read")
async def may(tool: str) -> dict[str, bool]:
    """Look up whether the user lets a tool be used."""
    return {"allowed": True}


@APP.tool(effect="write")
async def write_file(path: str, content: str) -> str:
    """Write a file."""
    FILES[path] = content
    return "written"


@APP.tool(effect="read")
async def read_file(path: str) -> str:
    """Read a file, as it is."""
    return FILES.get(path, "")


@APP.tool(effect="read")
async def find_root(path: str) -> str:
    """Find the folder that a relative path is meant from."""
    return "/project"


async def perform(call: dict[str, Any]) -> str:
    """Perform one call of a turn, if the user lets it; paths that are read are looked for first."""
    if (await may(call["tool"])).get("allowed") is not True:
        return "not allowed"
    if call["tool"] == "write_file":
        return await write_file(call["path"], call["content"])
    await find_root(call["path"])
    return await read_file(call["path"])


@APP.agent
async def agent() -> list[str]:
    """Perform what the model asks for in a turn, all at once."""
    return await asyncio.gather(*map(perform, TURN))


@APP.agent
async def mended() -> list[str]:
    """Perform what the model asks for in a turn, one after the other where something changes."""
    done = [await perform(TURN[0])]
    return [*done, await perform(TURN[1])] if done == ["written"] else done


INPUT: dict[str, object] = {}
RULE = "READ-WHAT-WAS-WRITTEN"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "write_file", "nth": 1}
