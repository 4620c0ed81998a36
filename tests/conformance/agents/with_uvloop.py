"""uvloop, chosen by the agent's own program."""

from __future__ import annotations

import asyncio
import warnings

from tests.conformance.catalogue import needs
from tests.conformance.world import app, fetch

NAMES = [f"n{number}" for number in range(5)]


async def _race() -> list[str]:
    seen: list[str] = []
    for done in asyncio.as_completed([fetch(name) for name in NAMES]):
        seen += [await done, await fetch("between")]
    return seen


@needs("uvloop")
@app.agent
def uvloop_policy() -> list[str]:
    """asyncio.run under uvloop's policy, installed by the agent."""
    import uvloop

    before = asyncio.get_event_loop_policy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        uvloop.install()
        try:
            return asyncio.run(_race())
        finally:
            asyncio.set_event_loop_policy(before)


@needs("uvloop")
@app.agent
def uvloop_run() -> list[str]:
    """uvloop.run in a synchronous agent."""
    import uvloop

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return uvloop.run(_race())
