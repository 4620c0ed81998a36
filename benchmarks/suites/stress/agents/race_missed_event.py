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


class Topic:
    """Tell those who have subscribed of an event, once."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """Give what will be set when it happens."""
        self._waiting.append(asyncio.Event())
        return self._waiting[-1]

    def happened(self) -> None:
        """Tell those who have subscribed by now."""
        for event in self._waiting:
            event.set()


async def run_job(job: str, topic: Topic) -> None:
    """Do the job, and tell of its end."""
    await copy_disk(job)
    await finish_job(job)
    topic.happened()


async def watch(job: str, topic: Topic, event: asyncio.Event | None) -> str:
    """Wait for the end of a job; ``event`` is there where that was subscribed to before."""
    if await read_status(job) == "ended":
        return "ended"
    try:
        await asyncio.wait_for((event or topic.subscribe()).wait(), LIMIT_S)
    except TimeoutError:
        return await give_up(job)
    return "ended"


async def night(*, first: bool) -> list[str]:
    """Run the backup and watch it; the watcher subscribes ``first`` if that is asked for."""
    topic = Topic()
    event = topic.subscribe() if first else None
    both = asyncio.gather(run_job("backup", topic), watch("backup", topic, event), return_exceptions=True)
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
