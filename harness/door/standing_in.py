"""A tool that is asked for by its own name, and served by another one of the graph where it is down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.adapters.exchange import in_time
from harness.determinism.address import in_effect
from harness.door.current import session_var
from harness.door.hands import Hands
from harness.door.routes import nonce, unserved
from harness.door.tools import Effect, Tool
from harness.routing.graph import Goal, Need
from harness.routing.router import Router
from harness.run import drive
from harness.run.drive import Run
from harness.run.journey import Travelled
from harness.run.route import atravel, travel
from harness.trace.outcome import Failed
from harness.trace.value import decode_value, holds_objects

if TYPE_CHECKING:
    from harness.door.session import Session


def routed(tool: Tool, arguments: dict[str, Any], run: Run) -> Any:
    """Make a call of one tool of a graph; where it is down and another one gives the same, that one serves."""
    called = _called(tool, arguments, run)
    if called is None:
        wanted = tool.wanted(arguments)
        effect = Effect(tool, arguments, wanted.args)
        return effect.result(drive.call(run, wanted, effect.perform))
    return called.result(travel(run, called.router(waits=False), called.hands))


async def arouted(tool: Tool, arguments: dict[str, Any], run: Run) -> Any:
    """Do what ``routed`` does for an asynchronous tool."""
    called = _called(tool, arguments, run)
    if called is None:
        wanted = tool.wanted(arguments)
        effect = Effect(tool, arguments, wanted.args)
        return effect.result(await drive.acall(run, wanted, in_time(wanted.spec, effect.aperform)))
    return called.result(await atravel(run, called.router(waits=True), called.hands))


def _called(tool: Tool, arguments: dict[str, Any], run: Run) -> _Called | None:
    session = session_var.get()
    if session is None or session.app.graph is None or in_effect():
        return None
    roads, name = session.app.roads, tool.spec.name
    first = roads.replaceable(name)
    if first is None or not roads.takes(name, tool.wanted(arguments).args):
        return None  # what does not fit is the caller's mistake, and no reason to call another tool
    return _Called(tool, first, arguments, run, session)


class _Called:
    """A call of one tool of a graph that another one may serve."""

    def __init__(self, tool: Tool, first: int, arguments: dict[str, Any], run: Run, session: Session) -> None:
        self.roads = session.app.roads
        self.hands = Hands(self.roads, run, session.number)
        self._tool, self._first, self._run = tool, first, run
        self._arc = self.roads.graph.arcs[first]
        self._args = tool.wanted(arguments).args

    def router(self, *, waits: bool) -> Router:
        goal = Goal(self._tool.spec.name, tuple(Need((fact,)) for fact in self._arc.gives))
        facts = {one.fact: self._args[name] for name, one in self._arc.args if one.fact is not None}
        key = nonce(self._run, self.roads)
        return self.roads.router(goal, facts, key, waits=waits, first=self._first, first_args=self._args)

    def result(self, how: Travelled) -> Any:
        """Give what the agent is to see, or raise what its tool raised where nothing could take its place."""
        name = self._tool.spec.name
        if how.end.served and name in how.end.path:
            return self.hands.effects[name].result(how.outcomes[name])
        if how.end.served:
            value = how.end.facts[self._arc.gives[0]]
            return decode_value(value, self._tool.annotation if holds_objects(value) else None)
        failed = how.outcomes.get(name)
        if how.refused is None and isinstance(failed, Failed) and not (how.end.left or how.end.in_doubt):
            return self.hands.effects[name].result(failed)
        raise unserved(how)
