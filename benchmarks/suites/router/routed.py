"""Harness does a case: a registry with a graph, tools over the world's ledger, one recorded session.

What is reported is what the world and the trace say, never what the router counted of itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from openai import OpenAI

import harness
from harness.adapters.files import SUFFIX, open_trace
from harness.adapters.registries import load_registry
from harness.door.shrink import write_trial
from harness.door.trial import Trials
from harness.ports import Escalate
from harness.registry.registry import Registry
from harness.stress.schedule import Schedule
from harness.tool import Effect

from .oracle import START, Case, End, Outcome
from .world import World

UNDO: Final = "undo_"
PROBE: Final = "probe_"
HANDLED: Final = ("retry", "reroute", "settle", "escalate")


class Told(NamedTuple):
    """What a trace tells of its routes: calls that failed, plans made because of one, questions without a route.

    ``unhandled`` are failed calls of which the trace does not say exactly once what was done about them.
    """

    found: int = 0
    replans: int = 0
    escalations: int = 0
    unhandled: int = 0


def routed(case: Case, world: World, registry: Registry, folder: Path, ask: Escalate) -> tuple[Outcome, dict[str, Any]]:
    """Let the router work in a world; ``ask`` answers where there is no route, or a call is in doubt.

    Gives what came of it, how often somebody was asked for want of a route, of how many failed calls the trace does not
    say exactly once what was done about them, how often it breaks the shipped rules on routes, and where it is.
    """
    app = harness.Harness(registry, escalate=ask, clock=lambda: 0)  # what is down is so until the end of the run
    if isinstance(ask, ByModel):
        ask.through(app)
    declare(app, case, world)
    trial = Trials(app, agent_of(app, case)).run(Schedule())
    if trial.error is not None:
        raise trial.error
    end, path = trial.result
    trace = folder / f"run{SUFFIX}"
    write_trial(trial, trace)
    told = told_by(trace, case.tools)
    attempts, undone, net = tuple(world.attempts), tuple(world.undone), world.ledger.net()
    seen = Outcome(end, path or tuple(world.answered), attempts, told.found, told.replans, undone, net)
    broken = harness.check(trace, registry=_observability()).findings
    counts = {"escalations": told.escalations, "unhandled": told.unhandled, "rules_broken": len(broken)}
    return seen, counts | {"trace": trace.name}


@cache
def _observability() -> Registry:
    """Give the shipped rules that nothing on a route is skipped in silence."""
    return load_registry("common/routing")


def agent_of(app: harness.Harness, case: Case) -> Callable[[], tuple[End, tuple[str, ...]]]:
    """Give an agent that goes to a case's goal, and says how it ended and which way it went if it got there."""

    def agent() -> tuple[End, tuple[str, ...]]:
        try:
            return "served", tuple(app.session().route(case.goal, **{START: "begin"}).path)
        except harness.NoRoute as error:
            return ("escalated" if error.deadlock else "in doubt"), ()

    return agent


def declare(app: harness.Harness, case: Case, world: World) -> None:
    """Make the world's tools tools of an app; what the registry says of them goes before what is said here."""
    for tool in case.tools:
        kind = case.kinds.get(tool, "read")
        undo = UNDO + tool if kind == "undoable" else None
        probe = PROBE + tool if tool in case.probed else None
        key = "key" if tool in case.keyed else None
        effect: Effect = "read" if kind == "read" else "write"
        made = app.tool(name=tool, effect=effect, idempotency_key=key, undo=undo, probe=probe)
        made(world.function(world.call, tool))
        if undo is not None:
            app.tool(name=undo, effect="write")(world.function(world.undo, tool))
        if probe is not None:
            app.tool(name=probe, effect="read")(world.function(world.probe, tool))


def told_by(trace: Path, tools: tuple[str, ...]) -> Told:
    """Count what a trace tells of the calls of some tools."""
    calls: dict[int, str] = {}
    failed: list[int] = []
    handled: list[int] = []
    replans = escalations = 0
    with open_trace(trace) as reader:
        for event in reader:
            body = event.body
            if event.kind == "action":
                calls[event.seq] = body["tool"]
            elif event.kind == "observation" and "ok" not in body and calls[body["action"]] in tools:
                failed.append(event.seq)
            elif event.kind == "route":
                handled += [body["after"]] if body["does"] in HANDLED and "after" in body else []
                replans += body["does"] == "reroute" and "tool" in body
                escalations += body["does"] == "escalate" and "deadlock" in body
    return Told(len(failed), replans, escalations, sum(handled.count(seq) != 1 for seq in failed))


@cache
def registry_of(graph: str) -> Registry:
    """Load the registry of a published graph, or of an extra scenario."""
    return load_registry(Path(__file__).parent / f"{graph.lower()}.yaml")


class ByModel:
    """Ask a model what to do, through the door of an app; its answer is JSON text. A context manager."""

    def __init__(self, base_url: str) -> None:
        self._bare = self._client = OpenAI(base_url=base_url, api_key="scripted")

    def through(self, app: harness.Harness) -> None:
        """Let what is asked from now on be recorded by sessions of an app."""
        self._client = app.wrap(self._bare)

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send the question and read the answer."""
        messages: Any = [{"role": "user", "content": json.dumps(question)}]
        answer = self._client.chat.completions.create(model="scripted", messages=messages)
        return dict(json.loads(answer.choices[0].message.content or "{}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()
        self._bare.close()
