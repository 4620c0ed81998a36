"""Workers of a swarm look for an open task and put their names on it, and two of them take the same one.

Family: check then act
Reported: https://github.com/anthropics/claude-code/issues/22239 -- listing tasks and updating one are two calls without
an atomic claim: two of three workers saw the same task open, both claimed it and both did it. This reproduces the
mechanism, not the app's code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: swarm
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: DONE-BY-ONE
    title: A task is done by one worker
    on: action
    tool: work
    require: not happened(action, call.tool == "work" and call.args.task == now.call.args.task)
    severity: high
    otherwise: observe
    says: "{call.args.task} is being done."
"""
APP = Harness(load(RULES, "swarm.yaml"))
OWNERS: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    OWNERS.update({"task 1": "", "task 2": ""})


@APP.tool(effect="read")
async def read_brief(worker: str) -> str:
    """Read what a worker has to know."""
    return "Search the web, and write a summary."


@APP.tool(effect="read")
async def open_tasks() -> list[str]:
    """List the tasks that nobody has taken."""
    return [task for task, owner in OWNERS.items() if not owner]


@APP.tool(effect="write")
async def update_task(task: str, owner: str) -> str:
    """Put a name on a task."""
    OWNERS[task] = owner
    return "updated"


@APP.tool(effect="write")
async def claim_task(task: str, worker: str) -> dict[str, str]:
    """Put a name on a task that nobody has taken, and say whose it is."""
    OWNERS[task] = OWNERS.get(task) or worker
    return {"task": task, "owner": OWNERS[task]}


@APP.tool(effect="write")
async def work(task: str, worker: str) -> str:
    """Do a task."""
    return f"{worker} has done {task}"


async def take(task: str, worker: str) -> bool:
    """Take a task that was open."""
    await update_task(task, worker)
    return True


async def claim(task: str, worker: str) -> bool:
    """Take a task if it is still open."""
    return await claim_task(task, worker) == {"task": task, "owner": worker}


async def swarm(taken: Callable[[str, str], Awaitable[bool]]) -> list[str]:
    """Let two workers do a task each; the second one has to read its brief first."""

    async def worker(name: str, *, new: bool) -> str:
        if new:
            await read_brief(name)
        for task in await open_tasks():
            if await taken(task, name):
                return await work(task, name)
        return f"{name} has nothing to do"

    done = await asyncio.gather(worker("alpha", new=False), worker("beta", new=True), return_exceptions=True)
    return [str(one) for one in done]


@APP.agent
async def agent() -> list[str]:
    """Have the tasks done."""
    return await swarm(take)


@APP.agent
async def mended() -> list[str]:
    """Have the tasks done by those who claim them."""
    return await swarm(claim)


INPUT: dict[str, object] = {}
RULE = "DONE-BY-ONE"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "open_tasks", "nth": 2}
