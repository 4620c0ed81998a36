"""Two short drivers, one sync and one async, that carry out a session's effects through its world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import RLock
from typing import Any, NamedTuple

from harness.determinism.address import Node, here, inside
from harness.errors import Refused
from harness.ports import World
from harness.run.session import (
    Answer,
    Ask,
    Close,
    Complete,
    Effect,
    Input,
    Place,
    Propose,
    Refuse,
    Say,
    SessionMachine,
)
from harness.tool import ToolSpec
from harness.trace.event import Kind, Surface
from harness.trace.outcome import Outcome, Unknown


class Run(NamedTuple):
    """A machine and the world it lives in; the lock lets a session's threads take turns."""

    machine: SessionMachine
    world: World
    lock: RLock


class Call(NamedTuple):
    """What an agent wants: a surface, the tool's name, JSON arguments, and the tool's declaration."""

    surface: Surface
    tool: str
    args: dict[str, Any]
    spec: ToolSpec
    id: str | None = None


def call(run: Run, wanted: Call, effect: Callable[[], Outcome]) -> Outcome:
    """Propose, perform and complete one action; Refused where a rule or a person says no."""
    action = begin(run, wanted)
    recorded = run.world.recorded(action)
    if recorded is not None:
        assert recorded.outcome is not None
        return finish(run, action, recorded.outcome)
    with inside(action):
        outcome = effect()
    return finish(run, action, outcome)


async def acall(run: Run, wanted: Call, effect: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Do what ``call`` does for an asynchronous effect; a cancelled one ends as ``unknown``."""
    action = await abegin(run, wanted)
    try:
        outcome = await _outcome(run.world, action, effect)
    except asyncio.CancelledError:
        abandon(run, action)
        raise
    return finish(run, action, outcome)


def begin(run: Run, wanted: Call) -> int:
    """Bring an action to the point where its effect may happen, and give its number."""
    last = _propose(run, wanted)
    if type(last) is Ask:
        last = _step(run, Answer, last.action, run.world.ask(last.action, last.question))
    return _allowed(last)


async def abegin(run: Run, wanted: Call) -> int:
    """Do what ``begin`` does where the approver may be asynchronous, when it is this call's turn."""
    await run.world.turn_to_call(wanted.tool, wanted.args)
    last = _propose(run, wanted)
    if type(last) is Ask:
        last = _step(run, Answer, last.action, await run.world.aask(last.action, last.question))
    return _allowed(last)


def finish(run: Run, action: int, outcome: Outcome) -> Outcome:
    """Write what came back and give what the agent may see of it."""
    last = _step(run, Complete, action, outcome)
    if type(last) is Refuse:
        raise last.refused
    return outcome


def abandon(run: Run, action: int) -> None:
    """Write that an effect was cancelled while it was under way: it may have happened."""
    try:
        finish(run, action, Unknown("cancelled"))
    except Refused:
        pass  # the agent has gone; there is nobody left to tell


def say(run: Run, kind: Kind, body: dict[str, Any]) -> None:
    """Keep a message or a note."""
    _step(run, Say, kind, body, _place(here()))


def close(run: Run) -> None:
    """Seal the trace."""
    _step(run, Close)


async def _outcome(world: World, action: int, effect: Callable[[], Awaitable[Outcome]]) -> Outcome:
    recorded = world.recorded(action)
    if recorded is not None:
        await world.turn_to_end(action, recorded.at)
        assert recorded.outcome is not None
        return recorded.outcome
    with inside(action):
        outcome = await effect()
    await world.arrived(None, recorded=False)
    return outcome


def _propose(run: Run, wanted: Call) -> Effect:
    node = here()
    surface, tool, args, spec, call_id = wanted
    last = _step(run, Propose, surface, tool, args, spec, _place(node), call_id)
    node.last = last.action  # type: ignore[union-attr]
    return last


def _place(node: Node) -> Place:
    return Place("main", node.address, (node.last,) if node.last >= 0 else ())


def _allowed(last: Effect) -> int:
    if type(last) is Refuse:
        raise last.refused
    return last.action  # type: ignore[union-attr]


def _step(run: Run, kind: Callable[..., Input], *fields: Any) -> Effect:
    """Give the machine one input at the world's time, have its lines written, and give what is left to do."""
    machine, world, lock = run
    with lock:
        for entry in world.carried(machine.seq):
            machine.adopt(entry)
        effects = machine.step(kind(world.now(machine.seq), *fields))
        lines, barrier, disk = effects[0]  # type: ignore[misc]
        world.write(lines, barrier=barrier, disk=disk)
        return effects[-1]
