"""A case made real: an app, its tools over a world, a session with a trace, and the goal asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from benchmarks.fuzz.routes.case import Case, Need
from benchmarks.fuzz.routes.world import PROBES, UNDOES, Ledger, World
from harness import Harness
from harness.adapters.files import open_trace
from harness.adapters.live import LiveWorld
from harness.errors import NoRoute, Refused
from harness.ports import Approval, Question
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.routing import graph as routing
from harness.tool import ToolSpec
from harness.trace.event import Event

PROMISED: Final = {"type": "object", "required": ["by"], "properties": {"by": {"type": "string"}}}


class BusyError(Exception):
    """Say that nothing happened, and that it may go better later."""

    happened = False
    retryable = True


class VoidError(Exception):
    """Say that nothing happened."""

    happened = False


class DeclinedError(Exception):
    """Say nothing about itself; the graph lists it as clean."""


_PATIENCE_MS: Final = 60
_NEVER_S: Final = 60

RAISED: Final[dict[str, type[Exception]]] = {
    "refused": ConnectionRefusedError,
    "busy": BusyError,
    "declined": DeclinedError,
    "void": VoidError,
    "late": TimeoutError,
    "cut": ConnectionResetError,
    "lost": TimeoutError,
    "crash": RuntimeError,
    "broken": RuntimeError,
}


class Happened(NamedTuple):
    """What really happened: how the route ended, every event, and the world."""

    end: str
    goal: str
    path: tuple[str, ...]
    cost: float
    events: list[Event]
    world: World
    trace: Path


def travel(case: Case, trace: Path, ledger: Ledger | None = None) -> Happened:
    """Ask for the goal of a case in a session of its own, and give what happened."""
    world = World(case, ledger)
    with time_of(world), make_app(case, world).session(trace=trace) as session:
        ended = _ask(case, session)
    with open_trace(trace) as reader:
        return Happened(*ended, list(reader), world, trace)


def time_of(world: World) -> Any:
    """Let waits of a recording take no time but the world's."""

    def wait(_: LiveWorld, duration_ns: int) -> None:
        world.wait(-(-duration_ns // 1_000_000))

    return patch.object(LiveWorld, "wait", wait)


def again(case: Case, trace: Path) -> list[str]:
    """Replay a trace, and give the calls that were made for real, which should be none; Divergence if not equal."""
    world = World(case)
    with make_app(case, world).replaying(trace) as session:
        _ask(case, session)
    return world.calls


def _ask(case: Case, session: Any) -> tuple[str, str, tuple[str, ...], float]:
    facts = dict.fromkeys(case.start, 1)
    try:
        if case.parallel > 1:
            routed = session.run(_aroute, goal=case.goal, facts=facts)
        else:
            routed = session.route(case.goal, **facts)
    except Refused:
        return "no route", "", (), 0
    except NoRoute as error:
        return "in doubt" if error.in_doubt else "no route", "", (), 0
    return "served", routed.goal, routed.path, routed.cost


async def _aroute(goal: str, facts: dict[str, int]) -> Any:
    from harness.door.current import session_var

    session: Any = session_var.get()
    return await session.aroute(goal, **facts)


def make_app(case: Case, world: World) -> Harness:
    """Give an app with the tools of a case, its graph, and people who answer as the case says."""

    def approve(question: Question) -> Approval:
        return Approval(case.person, "Ann")

    def escalate(question: dict[str, Any]) -> dict[str, Any] | None:
        if "in_doubt" in question:
            tool = question["in_doubt"]["tool"]
            if case.word is None:
                return None
            return {"happened": True, "result": {"by": tool}} if world.settle(tool) else {"happened": False}
        if case.choice is None:
            return None
        return {case.choice: True} if case.choice in ("stop", "wait") else {"goal": case.choice}

    app = Harness(
        replace(rules(case.forbidden, case.asked), graph=graph_of(case)),
        approver=approve,
        escalate=escalate,
        clock=time.monotonic_ns if case.parallel > 1 else lambda: world.slept_ms * 1_000_000,  # a loop has to wait
        durability="none",
    )
    for spec in specs(case):
        make = _coroutine if case.parallel > 1 else _function
        declared = {name: value for name, value in spec.stated().items() if name not in ("result", "domain")}
        app.tool(name=spec.name, **declared)(make(world, spec))
    return app


def _function(world: World, spec: ToolSpec) -> Callable[..., Any]:
    def keyed(key: str | None = None) -> Any:
        return _answer(spec.name, world.call(spec.name, key))

    def bare() -> Any:
        return _answer(spec.name, world.call(spec.name))

    return bare if spec.effect == "read" else keyed


def _coroutine(world: World, spec: ToolSpec) -> Callable[..., Any]:
    pauses = Random(f"{spec.name}:{len(world.case.ways)}")

    async def call(key: str | None = None) -> Any:
        for _ in range(pauses.randint(0, 4)):
            await asyncio.sleep(0)
        does = world.call(spec.name, key)
        for _ in range(pauses.randint(0, 4)):
            await asyncio.sleep(0)
        if does in ("late", "lost"):
            await asyncio.sleep(_NEVER_S)  # until whoever waits for it has had enough
        return _answer(spec.name, does)

    return call


def _answer(name: str, does: str) -> Any:
    if does in RAISED:
        raise RAISED[does](f"{name} is {does}")
    if name.startswith(PROBES):
        result = {"result": {"by": name.removeprefix(PROBES)}} if does == "yes" else {}
        return {"happened": {"yes": True, "no": False}.get(does), **result}
    return "?" if does == "malformed" else {"by": name}


def graph_of(case: Case) -> routing.Graph:
    """Give the graph of a case."""
    arcs = tuple(routing.Arc(way.tool, _needs(way.needs), way.gives, way.cost) for way in case.ways)
    return routing.Graph(
        name="case",
        arcs=arcs,
        start=case.start,
        goals={name: routing.Goal(name, _needs(needs)) for name, needs in case.goals.items()},
        tools={spec.name: spec for spec in specs(case)},
        policy=routing.Policy(
            retries=case.retries,
            wait_ms=case.wait_ms,
            cool_ms=case.cool_ms,
            deadline_ms=case.deadline_ms,
            cost_cap=case.cost_cap,
            refusal=case.refusal,
            parallel=case.parallel,
        ),
        clean={spec.name: (DeclinedError.__name__,) for spec in specs(case)},
    )


def specs(case: Case) -> list[ToolSpec]:
    """Declare every tool of a case, those that undo and probe included."""
    declared, patience_ms = [], _PATIENCE_MS if case.parallel > 1 else None
    for name, tool in case.tools.items():
        declared.append(
            ToolSpec(
                name,
                effect="read" if tool.effect == "read" else "write",
                idempotent=tool.effect == "read" or tool.again == "idempotent",
                idempotency_key="key" if tool.again == "key" else None,
                undo=UNDOES + name if tool.undo else None,
                probe=PROBES + name if tool.probe else None,
                domain=tool.domain,
                result=PROMISED,
                timeout_ms=patience_ms,
            )
        )
        if tool.undo:
            declared.append(ToolSpec(UNDOES + name, idempotent=True, result=PROMISED, timeout_ms=patience_ms))
        if tool.probe:
            declared.append(ToolSpec(PROBES + name, effect="read", idempotent=True))
    return declared


def _needs(needs: tuple[Need, ...]) -> tuple[routing.Need, ...]:
    return tuple(routing.Need(of, least) for of, least in needs)


@lru_cache(maxsize=256)
def rules(forbidden: tuple[str, ...], asked: tuple[str, ...]) -> Registry:
    """Give a registry that blocks some tools and asks a person before others."""
    lines = ["registry: rules", "version: 1.0.0", "default: allow", "invariants:"]
    for otherwise, tools in (("block", forbidden or ("none",)), ("escalate", asked)):
        for tool in tools:
            lines += [f"  - id: {otherwise.upper()}-{tool.upper()}", "    on: action", f"    tool: {tool}"]
            lines += ["    require: 'False'", f"    otherwise: {otherwise}", "    severity: high", "    says: no"]
    return load("\n".join(lines), "rules.yaml")
