"""One of several parallel calls fails, the results of the others are thrown away, and the whole step is done again.

Family: duplicate side effect after a partial failure
Reported: https://github.com/huggingface/smolagents/issues/2457 -- of tool calls that run in parallel one raises: what
the others have brought is lost, and the agent repeats the step, calls that had succeeded included. This reproduces the
mechanism, not the framework's code.
"""

from __future__ import annotations

import asyncio

from harness import Harness, RecordedError
from harness.registry.load import load

RULES = """
registry: alarms
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CALLED-ONCE
    title: Nobody who was reached is called again
    on: action
    tool: call_out
    require: not happened(result, call.tool == "call_out" and call.args.who == now.call.args.who)
    severity: medium
    otherwise: observe
    says: "{call.args.who} was reached before."
"""
APP = Harness(load(RULES, "alarms.yaml"))
ON_CALL = ["ann", "bob", "cid"]
RANG: list[str] = []


def fresh() -> None:
    """Put the world back."""
    RANG.clear()


@APP.tool(effect="read")
async def on_call() -> list[str]:
    """Say who is on call tonight."""
    return ON_CALL


@APP.tool(effect="write")
async def call_out(who: str) -> str:
    """Ring somebody up."""
    await asyncio.sleep(1)
    RANG.append(who)
    return f"{who} is coming"


async def reached(people: list[str]) -> list[str]:
    """Call people out side by side, and say who could be asked to come, or may have been."""
    said = await asyncio.gather(*map(call_out, people), return_exceptions=True)
    nothing_happened = (RecordedError, ConnectionError)
    return [who for who, one in zip(people, said, strict=True) if not isinstance(one, nothing_happened)]


@APP.agent
async def agent() -> list[str]:
    """Call everybody out, with a second try where one of them could not be reached."""
    people = list(dict.fromkeys(await on_call()))
    came = await reached(people)
    return came if len(came) == len(people) else await reached(people)


@APP.agent
async def mended() -> list[str]:
    """Call everybody out, with a second try for those who could not be reached."""
    people = list(dict.fromkeys(await on_call()))
    came = await reached(people)
    return came + await reached([who for who in people if who not in came])


INPUT: dict[str, object] = {}
RULE = "CALLED-ONCE"
WITNESS = {"inject": [{"fault": "error", "tool": "call_out", "nth": 2}]}
CAUSE = {"tool": "call_out", "nth": 2}
