"""A watcher reads that a job is running and then subscribes to its end, which has come in between.

Family: event missed between reading and subscribing
Planted: the subscription comes after the look; the mended watcher subscribes first, and then looks.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: jobs
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: GIVEN-UP-TOO-EARLY
    title: No job is given up that has ended
    on: action
    tool: give_up
    require: not happened(result, call.tool == "finish_job" and call.args.job == now.call.args.job)
    severity: high
    otherwise: observe
    says: "{call.args.job} has ended."
"""
APP = Harness(load(RULES, "jobs.yaml"))
LIMIT_S = 60
STATUS: dict[str, str] = {}


def fresh() -> None:
    """Put the world back."""
    STATUS["backup"] = "running"


@APP.tool(effect="read")
async def copy_disk(job: str) -> str:
    """Copy a disk."""
    await asyncio.sleep(0.5)
    return "copied"


@APP.tool(effect="write")
async def finish_job(job: str) -> str:
    """Note that a job has ended."""
    STATUS[job] = "ended"
    return "noted"


@APP.tool(effect="read")
async def read_status(job: str) -> str:
    """Read how a job is; the answer takes its time."""
    status = STATUS[job]
    await asyncio.sleep(0.1)
    return status


@APP.tool(effect="write")
async def give_up(job: str) -> str:
    """Give a job up, and begin it anew tomorrow."""
    return "given up"


async def run_job(job: str, waiting: list[asyncio.Event]) -> None:
    """Do the job, and tell those of its end who have subscribed by then."""
    await copy_disk(job)
    await finish_job(job)
    for event in waiting:
        event.set()


def subscribed(waiting: list[asyncio.Event]) -> asyncio.Event:
    """Give what will be set when the job has ended."""
    waiting.append(asyncio.Event())
    return waiting[-1]


async def watch(job: str, waiting: list[asyncio.Event], *, first: bool) -> str:
    """Wait for the end of a job; subscribe to it ``first`` if that is asked for."""
    event = subscribed(waiting) if first else None
    if await read_status(job) == "ended":
        return "ended"
    try:
        await asyncio.wait_for((event or subscribed(waiting)).wait(), LIMIT_S)
    except TimeoutError:
        return await give_up(job)
    return "ended"


async def night(*, first: bool) -> list[str]:
    """Run the backup and watch it."""
    waiting: list[asyncio.Event] = []
    both = asyncio.gather(run_job("backup", waiting), watch("backup", waiting, first=first), return_exceptions=True)
    return [str(one) for one in await both]


@APP.agent
async def agent() -> list[str]:
    """Have a backup made."""
    return await night(first=False)


@APP.agent
async def mended() -> list[str]:
    """Have a backup made, and miss no event."""
    return await night(first=True)


INPUT: dict[str, object] = {}
RULE = "GIVEN-UP-TOO-EARLY"
WITNESS = {"inject": [{"fault": "delay", "tool": "read_status", "nth": 1}]}
CAUSE = {"tool": "read_status", "nth": 1}
