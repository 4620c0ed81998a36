"""A command that takes too long is left running, and the agent begins it again beside itself.

Family: work that goes on after its timeout
Reported: https://github.com/anthropics/claude-code/issues/87439 -- the timeout of a command does not stop it: it goes
on in the background, and with more of them at once the disk of a machine was busy for hours. This reproduces the
mechanism, not the app's code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: builds
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONE-BUILD
    title: A build begins only where none is under way
    on: action
    tool: build
    require: count(action, call.tool == "build") == count(result, call.tool == "build")
    severity: high
    otherwise: observe
    says: Another build has not ended yet.
"""
APP = Harness(load(RULES, "builds.yaml"))
LIMIT_S = 2.5
DONE: list[str] = []


def fresh() -> None:
    """Put the world back."""
    DONE.clear()


@APP.tool(effect="write")
async def build(target: str) -> str:
    """Build something, in two seconds."""
    await asyncio.sleep(2)
    DONE.append(target)
    return f"{target} is built"


Again = Callable[[str, "asyncio.Future[str]"], Awaitable[str]]


async def make(targets: list[str], again: Again) -> list[str]:
    """Build targets one after the other; ``again`` deals with one that takes too long."""
    said = []
    for target in targets:
        running = asyncio.ensure_future(build(target))
        running.add_done_callback(lambda one: one.cancelled() or one.exception())  # nobody may wait for it
        try:
            said.append(await asyncio.wait_for(asyncio.shield(running), LIMIT_S))
        except TimeoutError:
            said.append(await again(target, running))
    return said


@APP.agent
async def agent(targets: list[str]) -> list[str]:
    """Build targets, with a second try for those that time out."""
    return await make(targets, lambda target, running: build(target))


@APP.agent
async def mended(targets: list[str]) -> list[str]:
    """Build targets, and wait for those that take longer."""
    return await make(targets, lambda target, running: running)


INPUT = {"targets": ["library", "pages"]}
RULE = "ONE-BUILD"
WITNESS = {"inject": [{"fault": "delay", "tool": "build", "nth": 2}]}
CAUSE = {"tool": "build", "nth": 2}
