"""Two short drivers, one sync and one async, that carry out a session's effects through its world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.determinism.address import Node, acting, here, inside
from harness.determinism.loop import beside
from harness.determinism.member import Mutex
from harness.errors import NotRecordable, Refused
from harness.ports import Approval, Pending, Question, Recorded, World
from harness.routing.health.monitors import Signal
from harness.run.inputs import Answer, Call, Close, Complete, Effects, Input, Propose, Read, Say
from harness.run.session import SessionMachine
from harness.run.stop import MACHINE, WAITS, Stop
from harness.trace.error import describe_whole
from harness.trace.event import Kind
from harness.trace.outcome import CANCELLED, Failed, Outcome

if TYPE_CHECKING:
    from harness.run.faulty import Faults


class Run(NamedTuple):
    """A machine and the world it lives in; the lock lets a session's threads take turns.

    ``reads`` holds, by the address of a task, what it has taken from clocks and chance since it last spoke; ``stop``
    says whether the run stops because a question has no answer yet; ``faults`` strike its calls. ``unread`` holds what
    ends an action whose outcome comes in pieces, by the action, where the agent has not read it to its end.
    """

    machine: SessionMachine
    world: World
    lock: Mutex
    reads: dict[str, list[tuple[str, Any]]]
    stop: Stop
    faults: Faults | None
    unread: dict[int, Callable[[], None]]


Rewritten = dict[str, Any] | None
hearers: Final[ContextVar[tuple[Callable[[Call], None], ...]]] = ContextVar("harness_hearers", default=())
"""Who hears each call that the code here wants to make, before it waits for its turn; what they raise refuses it."""


def call(run: Run, wanted: Call, effect: Callable[[Rewritten], Outcome]) -> Outcome:
    """Propose, perform and complete one action; Refused where a rule or a person says no.

    The effect is given the arguments to be performed with, None where they are those that were wanted.
    """
    effects = _begin(run, wanted)
    action = _allowed(effects)
    run.stop.hold(action, run.world)
    run.stop.begin(action)
    try:
        return _finished(run, action, _outcome(run, action, wanted, effect, effects.args))
    finally:
        run.stop.end(action)


async def acall(run: Run, wanted: Call, effect: Callable[[Rewritten], Coroutine[Any, Any, Outcome]]) -> Outcome:
    """Do what ``call`` does for an asynchronous effect; a cancelled one ends as ``unknown``."""
    effects = await _abegin(run, wanted)
    action = _allowed(effects)
    try:
        await run.stop.ahold(action)
        run.stop.begin(action)
        return _finished(run, action, await _aoutcome(run, action, wanted, effect, effects.args))
    except asyncio.CancelledError:
        abandon(run, action)
        raise
    finally:
        run.stop.end(action)


class Attempt(NamedTuple):
    """How one call went, for whoever decides what comes next instead of the agent.

    ``seq`` and ``at`` are those of the event that says so: the observation, or the decision where a rule or a person
    ``refused`` it before it happened; then there is no ``outcome``. ``against`` is what monitors say then against
    further calls of a route. ``args`` are the arguments that were put in the place of those wanted, if any were.
    """

    seq: int
    at: int
    outcome: Outcome | None
    refused: Refused | None
    against: tuple[Signal, ...] = ()
    args: Rewritten = None


def attempt(run: Run, wanted: Call, effect: Callable[[Rewritten], Outcome]) -> Attempt:
    """Do what ``call`` does, and give back what it would raise."""
    effects = _begin(run, wanted)
    if effects.refused is not None:
        return Attempt(effects.seq, effects.at, None, effects.refused, effects.against)
    run.stop.hold(effects.action, run.world)
    run.stop.begin(effects.action)
    try:
        return _attempted(run, effects, _outcome(run, effects.action, wanted, effect, effects.args))
    finally:
        run.stop.end(effects.action)


class Abandoned(asyncio.CancelledError):
    """Tell that a call of ``tool`` was cancelled while it was under way; ``seq`` is the event that says so."""

    def __init__(self, seq: int, tool: str) -> None:
        self.seq, self.tool = seq, tool
        super().__init__()


async def aattempt(run: Run, wanted: Call, effect: Callable[[Rewritten], Coroutine[Any, Any, Outcome]]) -> Attempt:
    """Do what ``attempt`` does for an asynchronous effect; a cancelled one ends as ``unknown``, and as Abandoned."""
    effects = await _abegin(run, wanted)
    if effects.refused is not None:
        return Attempt(effects.seq, effects.at, None, effects.refused, effects.against)
    try:
        await run.stop.ahold(effects.action)
        run.stop.begin(effects.action)
        return _attempted(run, effects, await _aoutcome(run, effects.action, wanted, effect, effects.args))
    except asyncio.CancelledError:
        raise Abandoned(abandon(run, effects.action), wanted.tool) from None
    finally:
        run.stop.end(effects.action)


def _attempted(run: Run, begun: Effects, outcome: Outcome) -> Attempt:
    try:
        effects = _step(run, Complete, begun.action, outcome)
    except NotRecordable as error:
        outcome = Failed(describe_whole(error))
        effects = _step(run, Complete, begun.action, outcome)
    return Attempt(effects.seq, effects.at, outcome, effects.refused, effects.against, begun.args)


def begin(run: Run, wanted: Call) -> int:
    """Bring an action to the point where its effect may happen, and give its number; for calls of a model."""
    action = open_call(run, wanted)[0]
    run.stop.hold(action, run.world)
    run.stop.begin(action)
    return action


def open_call(run: Run, wanted: Call) -> tuple[int, Rewritten]:
    """Begin an action that is made of other calls, by code that runs again on replay; ``finish`` ends it."""
    effects = _begin(run, wanted)
    return _allowed(effects), effects.args


async def aopen_call(run: Run, wanted: Call) -> tuple[int, Rewritten]:
    """Do what ``open_call`` does where the approver may be asynchronous."""
    effects = await _abegin(run, wanted)
    return _allowed(effects), effects.args


async def abegin(run: Run, wanted: Call) -> int:
    """Do what ``begin`` does where the approver may be asynchronous, when it is this call's turn."""
    action = (await aopen_call(run, wanted))[0]
    try:
        await run.stop.ahold(action)
    except asyncio.CancelledError:
        abandon(run, action)
        raise
    run.stop.begin(action)
    return action


def finish(run: Run, action: int, outcome: Outcome) -> Outcome:
    """Write what came back and give what the agent may see of it.

    NotRecordable for an outcome that is no JSON after all (a NaN): it is written as failed, because it happened.
    """
    try:
        return _finished(run, action, outcome)
    finally:
        run.stop.end(action)


def _finished(run: Run, action: int, outcome: Outcome) -> Outcome:
    try:
        _allowed(_step(run, Complete, action, outcome))
    except NotRecordable as error:
        _step(run, Complete, action, Failed(describe_whole(error)))
        raise
    return outcome


def abandon(run: Run, action: int) -> int:
    """Write that an effect was cancelled while it was under way: it may have happened. Gives the event that says so."""
    try:
        return _step(run, Complete, action, CANCELLED).seq  # the agent has gone: nobody is told of a refusal
    finally:
        run.stop.end(action)


def say(run: Run, kind: Kind, body: dict[str, Any]) -> None:
    """Keep a message, a note, an artifact or a state; Refused where a rule blocks the artifact."""
    node = here()
    _tell_reads(run, node)
    _allowed(_step(run, Say, kind, body, node.address, node.known(), acting.get()))


def ask(run: Run, world: World, action: int, question: Question) -> Approval:
    """Give the answer of a world to a question about an action; where there is none yet, the run stops."""
    node = here()
    run.stop.begin(action)
    try:
        said = world.ask(action, question)
        if isinstance(said, Pending):
            run.stop.want(question, said, partial(_held_back, run, action, node.address, acting.get()))
    finally:
        run.stop.end(action)
    if isinstance(said, Pending):
        run.stop.here(node.address, world)
    return said


async def aask(run: Run, world: World, action: int, question: Question) -> Approval:
    """Do what ``ask`` does where the approver may be asynchronous."""
    node = here()
    run.stop.begin(action)
    try:
        said = await world.aask(action, question)
        if isinstance(said, Pending):
            run.stop.want(question, said, partial(_held_back, run, action, node.address, acting.get()))
    finally:
        run.stop.end(action)
    if isinstance(said, Pending):
        await run.stop.ahere(node.address)
    return said


def _held_back(run: Run, asked: int, address: str, agent: str, held: list[int]) -> None:
    """Write, inside the effect of an action that was asked about, which others the stop has kept from beginning."""
    body = {"machine": MACHINE, "name": WAITS, "data": {"not_begun": held}}
    _step(run, Say, "state", body, f"{address}/{asked}", (asked,), agent)


def close(run: Run) -> None:
    """End what the agent has not read to its end, and seal the trace; Halt where the run has stopped for an answer."""
    run.stop.check()
    for _, end in sorted(run.unread.items()):
        with suppress(Refused):  # nobody is there to be told
            end()
    for address in run.world.silent(run.reads):
        reads = run.world.retold(address, run.reads.pop(address, []))
        if reads:
            _step(run, Read, reads, address, ())
    _step(run, Close)


def _begin(run: Run, wanted: Call) -> Effects:
    for hear in hearers.get():
        hear(wanted)
    run.world.wait_to_call(wanted.tool, wanted.args)
    effects = _propose(run, wanted)
    if effects.question is not None:
        effects = _answered(run, effects.action, ask(run, run.world, effects.action, effects.question))
    return effects


async def _abegin(run: Run, wanted: Call) -> Effects:
    for hear in hearers.get():
        hear(wanted)
    await run.world.turn_to_call(wanted.tool, wanted.args)
    effects = _propose(run, wanted)
    if effects.question is not None:
        effects = _answered(run, effects.action, await aask(run, run.world, effects.action, effects.question))
    return effects


def _answered(run: Run, action: int, approval: Approval) -> Effects:
    return _step(run, Answer, action, approval, run.world.killed(action, answered=True))


def _outcome(
    run: Run, action: int, wanted: Call, effect: Callable[[Rewritten], Outcome], rewritten: Rewritten
) -> Outcome:
    world = run.world
    if run.faults is not None:
        effect = run.faults.around(run, action, in_force(wanted, rewritten), effect)
    recorded = world.recorded(action, waits=False)
    if recorded is not None:
        world.moment(recorded.at)
        return _recalled(run, action, wanted, recorded)
    with inside(action):
        world.aside()
        try:
            return effect(rewritten)
        finally:
            world.moment(None)


async def _aoutcome(
    run: Run,
    action: int,
    wanted: Call,
    effect: Callable[[Rewritten], Coroutine[Any, Any, Outcome]],
    rewritten: Rewritten,
) -> Outcome:
    world = run.world
    if run.faults is not None:
        effect = run.faults.aaround(run, action, in_force(wanted, rewritten), effect)
    recorded = await world.arecorded(action)
    if recorded is not None:
        try:
            await world.turn_to_end(action, recorded.at)
        except asyncio.CancelledError:
            run.machine.shared.recall(recorded.did)
            if recorded.struck is not None and run.faults is not None and run.faults.delays(action):
                recorded.struck()  # nobody has waited for what the faults have added
            raise
        return _recalled(run, action, wanted, recorded)
    with inside(action):
        return await beside(effect(rewritten))


def _recalled(run: Run, action: int, wanted: Call, recorded: Recorded) -> Outcome:
    """Give the outcome that the record, or what strikes it, has for an action whose turn has come."""
    run.machine.shared.recall(recorded.did)
    if recorded.struck is not None:
        return recorded.struck()
    assert recorded.outcome is not None
    if run.faults is not None:
        run.faults.recalled(action, wanted.tool, recorded.outcome)
    return recorded.outcome


def in_force(wanted: Call, rewritten: Rewritten) -> Call:
    """Give the call as it is performed: a rule may have put other arguments in the place of those that were wanted."""
    return wanted if rewritten is None else wanted._replace(args=rewritten)


def _propose(run: Run, wanted: Call) -> Effects:
    node = here()
    _tell_reads(run, node)
    effects = _step(run, Propose, wanted, node.address, node.known(), acting.get())
    node.last = effects.action
    return effects


def _tell_reads(run: Run, node: Node) -> None:
    reads = run.world.retold(node.address, run.reads.pop(node.address, []))
    if reads:
        node.last = _step(run, Read, reads, node.address, node.known(), acting.get()).action


def _allowed(effects: Effects) -> int:
    if effects.refused is not None:
        raise effects.refused
    return effects.action


def _step(run: Run, kind: Callable[..., Input], *fields: Any) -> Effects:
    """Give the machine one input at the world's time, have its lines written, and give what is left to do."""
    machine, world, lock, _, stop, faults, _ = run
    if stop.over:
        stop.check()
    with lock:
        for entry in world.carried():
            machine.adopt(entry)
            if faults is not None:
                faults.adopt(entry.event)
        said = kind(world.now(machine.seq), *fields)
        if type(said) is Propose and world.killed(machine.seq):
            said = said._replace(killed=True)
        effects = machine.step(said)
        world.write(effects.lines, effects.barrier, effects.disk)
        return effects
