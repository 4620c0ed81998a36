"""``harness route simulate GRAPH``: a goal is led over simulated tools by the machine that leads real ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.cli.route.loading import GoalName, GraphName, Have, facts_held, goal_of, load_graph
from harness.cli.route.world import KINDS, World, read_faults
from harness.routing.binding import Bindings
from harness.routing.graph import shown
from harness.routing.orders import (
    Ask,
    Begin,
    Came,
    Chosen,
    End,
    Invoke,
    Look,
    Looked,
    Settle,
    Settled,
    Tell,
    Wait,
    Woke,
)
from harness.routing.planner import Planner
from harness.routing.router import Router
from harness.trace.outcome import Failed, Ok, Outcome

_FAIL: Final = f"A tool that fails; may be repeated. KIND, by default down, is one of: {', '.join(KINDS)}."


def command(
    graph: GraphName,
    goal: GoalName = None,
    have: Have = None,
    fail: Annotated[list[str] | None, typer.Option("--fail", metavar="TOOL[:KIND[:TIMES]]", help=_FAIL)] = None,
    as_json: AsJson = False,
) -> None:
    """Lead a goal over simulated tools; print each call, what was done about each failure, and what stands at the end.

    One call at a time, on a clock that only waits move, with nobody there to be asked. Exit 1 where the goal is not
    served, 3 where it is not known whether a call happened.
    """
    loaded = load_graph(graph)
    wanted = goal_of(loaded, goal)
    facts = facts_held(loaded, wanted, have or [])
    world = World(loaded, read_faults(fail or [], loaded))
    simulated = world.graph
    planner, bindings = Planner(simulated), Bindings(simulated)
    held = dict.fromkeys(facts, True)
    router = Router(simulated, wanted, held, planner=planner, bindings=bindings, nonce="simulated")
    said = _Simulation(router, world)
    end = said.travel()
    told = {
        "graph": loaded.name,
        "goal": end.goal,
        "have": facts,
        "fail": fail or [],
        "served": end.served,
        "path": list(end.path),
        "cost": shown(end.cost),
        "in_doubt": list(end.in_doubt),
        "left": list(end.left),
        "ledger": world.ledger(),
        "events": said.events,
    }
    emit(told, list(_lines(told)), as_json)
    raise typer.Exit(0 if end.served else 3 if end.in_doubt else 1)


class _Simulation:
    """One route over a simulated world; ``events`` are what a trace would hold of it, as JSON data."""

    def __init__(self, router: Router, world: World) -> None:
        self._router, self._world, self._now = router, world, 0
        self.events: list[dict[str, Any]] = []

    def travel(self) -> End:
        orders = deque(self._router.step(Begin(0, {})))
        while True:
            order = orders.popleft()
            match order:
                case Invoke(call, tool, args, undoes):
                    seq, outcome, refused = self._call(tool, args, undoes)
                    orders += self._router.step(Came(self._now, call, seq, outcome, refused))
                case Settle():
                    orders += self._router.step(self._settled(order))
                case Wait(until):
                    self._now = max(self._now, until)
                    orders += self._router.step(Woke(self._now))
                case Look():
                    orders += self._router.step(Looked(self._now, {}))
                case Ask():
                    orders += self._router.step(Chosen(self._now, None))
                case Tell(body):
                    self._tell(body)
                case End():
                    return order

    def _tell(self, body: dict[str, Any]) -> int:
        self.events.append({"seq": len(self.events), "at_ms": self._now / 1_000_000, **body})
        return len(self.events) - 1

    def _call(self, tool: str, args: dict[str, Any], undoes: str = "") -> tuple[int, Outcome | None, str]:
        outcome, refused = self._world.call(tool, args, undoes)
        seq = self._tell({"does": "call", "tool": tool, "came": _came(outcome, refused)})
        return seq, outcome, refused

    def _settled(self, order: Settle) -> Settled:
        """Ask the probe of a call, if it has one; a probe may fail as any tool may."""
        probe = self._world.graph.tools[order.tool].probe
        if probe is None:
            return Settled(self._now, order.call, "left", "no tool can tell, and nobody is there to be asked")
        seq, outcome, refused = self._call(probe, order.args)
        if not isinstance(outcome, Ok) or refused:
            return Settled(self._now, order.call, "left", f"the probe {probe} failed", probe=seq)
        if self._world.happened(order.tool, order.args):
            return Settled(self._now, order.call, "found", f"{probe} says that it happened", outcome)
        return Settled(self._now, order.call, "absent", f"{probe} says that it did not happen")


def _came(outcome: Outcome | None, refused: str) -> str:
    if outcome is None:
        return refused
    if isinstance(outcome, Ok):
        return "ok" if outcome.value["right"] else "a wrong answer"
    return f"{outcome.error['type']}: {outcome.error['message']}" if isinstance(outcome, Failed) else outcome.reason


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"to {told['goal']}, from {', '.join(told['have']) or 'nothing'}"
    for event in told["events"]:
        yield f"{event['at_ms']:>9g} ms  {event['does']:<9} {_event(event)}".rstrip()
    stands = ", ".join(f"{tool} {count}" for tool, count in told["ledger"].items()) or "nothing"
    yield f"what stands: {stands}"
    if told["left"]:
        yield f"not taken back: {', '.join(told['left'])}"
    if told["in_doubt"]:
        yield f"may have happened: {', '.join(told['in_doubt'])}"


def _event(event: dict[str, Any]) -> str:
    """Tell an event: of a call how it came back, else where the route goes, at what cost and why."""
    if event["does"] == "call":
        return f"{event['tool']}: {event['came']}"
    parts = [event["tool"]] if "tool" in event else []
    if "undo" in event:
        parts.append(
            f"undoes {', '.join(event['undo'])}" if event["does"] == "undo" else f"undo {', '.join(event['undo'])}"
        )
    if event["does"] == "end":
        parts.append("served" if event["served"] else "not served")
        parts.append(f"by {' → '.join(event['path'])}" if event["path"] else "by nothing")
    elif "path" in event:
        parts.append(f"→ {' → '.join(event['path']) or 'nothing to call'}")
    if "cost" in event:
        parts.append(f"cost {event['cost']:g}")
    if "until" in event:
        parts.append(f"at {event['until'] / 1_000_000:g} ms")
    if "why" in event:
        parts.append(f"({event['why']})")
    if "deadlock" in event:
        parts += [f"still possible: {one['goal']}" for one in event["deadlock"]["goals"]]
    return "  ".join(parts)
