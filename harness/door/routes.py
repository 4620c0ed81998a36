"""A goal of a tool graph, asked for in a session and led there by the router."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.door.hands import Hands
from harness.door.roads import Roads, tool_behind
from harness.errors import HarnessError, NoRoute, UsageError
from harness.routing.graph import shown
from harness.routing.router import Router
from harness.run import drive, taking
from harness.run.drive import Rewritten, Run
from harness.run.inputs import Call
from harness.run.journey import Travelled
from harness.run.route import atravel, travel
from harness.tool import ToolSpec
from harness.trace.error import describe
from harness.trace.outcome import Failed, Ok
from harness.trace.value import decode_value, holds_objects

if TYPE_CHECKING:
    from harness.door.session import Session

NONCE: Final = "harness.nonce"
"""The source of a read that makes the idempotency keys of a route its own."""


class Routed(NamedTuple):
    """What came of a goal: its value, and how it was had.

    ``path`` names the tools that served, in order; ``cost`` is what was spent, retries included; ``reroutes`` counts
    the failures that were gone around; ``note`` says so in a sentence, and is empty where all went as planned. ``goal``
    is another one than was asked for where whoever was asked has chosen it.
    """

    value: Any
    goal: str
    path: tuple[str, ...]
    cost: float
    reroutes: int
    note: str


def route(session: Session, name: str, given: Mapping[str, Any]) -> Routed:
    """Lead a goal to its value; see ``Session.route``."""
    run, trip = session.started(), _Trip(session, name, given)
    trip.check_synchronous()
    action, rewritten = drive.open_call(run, trip.wanted)
    try:
        return trip.ended(travel(run, trip.router(rewritten, waits=False), trip.hands, action), action)
    except Exception as error:
        trip.failed(action, error)
        raise


async def aroute(session: Session, name: str, given: Mapping[str, Any]) -> Routed:
    """Do what ``route`` does, with independent calls at once."""
    run, trip = session.started(), _Trip(session, name, given)
    action, rewritten = await drive.aopen_call(run, trip.wanted)
    try:
        return trip.ended(await atravel(run, trip.router(rewritten, waits=True), trip.hands, action), action)
    except asyncio.CancelledError:
        drive.abandon(run, action)
        raise
    except Exception as error:
        trip.failed(action, error)
        raise


class _Trip:
    """One goal on its way: the call that asks for it, and what it ends in."""

    def __init__(self, session: Session, name: str, given: Mapping[str, Any]) -> None:
        app, self.run = session.app, session.started()
        self.session, self.roads = session, app.roads
        self.goal = self.roads.goal(name)
        self.facts = self.roads.facts(self.goal, given)
        self.hands = Hands(self.roads, self.run, session.number)
        self.wanted = Call("tool", name, {key: self.facts[key] for key in given}, app.spec(ToolSpec(name)))
        self.done = False

    def router(self, rewritten: Rewritten, *, waits: bool) -> Router:
        facts = self.facts | (rewritten or {})
        return self.roads.router(self.goal, facts, nonce(self.run, self.roads), waits=waits)

    def check_synchronous(self) -> None:
        """Raise UsageError where the route may have to wait for a coroutine: before anything is done."""
        for tool in self.roads.asynchronous_of(self.goal):
            cure = "await session.aroute(…), or let the goal's function be asynchronous"
            raise UsageError(f"{tool} is asynchronous, the agent is not", cure=cure)
        if inspect.iscoroutinefunction(self.session.app.escalate):
            raise UsageError("escalate is asynchronous, the agent is not", cure="await session.aroute(…)")

    def ended(self, how: Travelled, action: int) -> Routed:
        """Give what the route came to, or raise why it did not; the call that asked for it has ended then."""
        self.done = True
        if not how.end.served:
            error = unserved(how)
            drive.finish(self.run, action, Failed(describe(error)))
            raise error
        goal = self.roads.graph.goals[how.end.goal]
        fact = goal.returns or next(fact for need in goal.needs for fact in need.of if fact in how.end.facts)
        value = how.end.facts[fact]
        drive.finish(self.run, action, Ok(value))
        reroutes = sum(told["does"] == "reroute" and "tool" in told for told in how.told)
        decoded = decode_value(value, self._annotation(fact, how.end.path) if holds_objects(value) else None)
        return Routed(decoded, goal.name, how.end.path, shown(how.end.cost), reroutes, _note(how, self.goal.name))

    def failed(self, action: int, error: Exception) -> None:
        """Write that the call ended with an error that is none of the route's."""
        if not self.done:
            self.done = True
            drive.finish(self.run, action, Failed(describe(error)))

    def _annotation(self, fact: str, path: Sequence[str]) -> Any:
        """Give the return annotation of the tool whose whole result a fact is, also through conclusions."""
        asked = [fact]
        for one in asked:
            for arc in self.roads.graph.arcs:
                if one not in arc.gives or one in dict(arc.results):
                    continue
                if arc.tool is not None and arc.tool in path:
                    return tool_behind(self.roads.app, arc.tool).annotation
                if arc.tool is None:
                    asked += [other for need in arc.needs for other in need.of if other not in asked]
        return None


def unserved(how: Travelled) -> HarnessError:
    """Give the error that tells why a route did not come to its goal."""
    if how.refused is not None:
        return how.refused
    deadlock: dict[str, Any] = next((told["deadlock"] for told in how.told if "deadlock" in told), {})
    error = NoRoute(how.end.goal, how.end.why, deadlock=deadlock, left=how.end.left, in_doubt=how.end.in_doubt)
    error.__cause__ = how.failed
    return error


def _note(how: Travelled, asked: str) -> str:
    """Say in a sentence what served, what was gone around, and why it is another goal than was asked for."""
    around = [f"{told['tool']} ({told['why']})" for told in how.told if told["does"] == "reroute" and "tool" in told]
    why = next((told["why"] for told in how.told if "deadlock" in told), "")
    parts = [f"{how.end.goal} in place of {asked} ({why})"] if how.end.goal != asked else []
    parts += [f"served by {', '.join(how.end.path)}"] if around or parts else []
    return ", ".join([*parts, f"around {', '.join(around)}"] if around else parts)


def nonce(run: Run, roads: Roads) -> str:
    """Draw what makes the keys of a route its own; empty where no tool of its graph takes a key.

    Always by real chance, also in a run with a seed: two runs that do the same must not have the same keys, or whoever
    remembers them would leave the second one's work undone.
    """
    return taking.read(run, NONCE, lambda: secrets.token_hex(16)) if roads.keyed else ""
