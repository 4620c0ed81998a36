"""A town whose tools do as planned: routes through it are recorded, judged, and replayed where nothing is called."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import check
from harness.door.app import Harness
from harness.door.session import Session
from harness.errors import NoRoute, Refused
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event

ROUTING = load_registry(Path(__file__).parents[2] / "registries" / "common" / "routing.yaml")
QUICK = {"retries": 1, "wait_ms": 0}
DOWN = ConnectionRefusedError("connection refused")
LOST = ConnectionResetError("connection reset")
BROKEN = LookupError("no such thing")


def registry_of(tools: Mapping[str, Any], graph: Mapping[str, Any], invariants: Sequence[Any] = ()) -> Registry:
    """Give a registry with a graph."""
    return load(text_of(tools, graph, invariants), "town.yaml")


def text_of(tools: Mapping[str, Any], graph: Mapping[str, Any], invariants: Sequence[Any] = ()) -> str:
    """Give what is written in the file of such a registry."""
    said = {"registry": "town", "version": "1", "default": "allow", "tools": tools, "graph": graph}
    return json.dumps(said | ({"invariants": [*invariants]} if invariants else {}))


class Commit(NamedTuple):
    """What a tool does: its effect happens, and then an error is raised."""

    error: Exception


class Slow(NamedTuple):
    """What a coroutine does: it takes its time."""

    seconds: float


class Town:
    """An app whose tools do what was planned for each call, and keep a ledger of what has happened.

    A plan is a list of what the calls do, one by one: raise an exception, give a value, or be called. After it, or
    without one, a tool gives its own name. ``net`` counts effects; what is undone counts against what it undoes, and
    what comes again to a tool that knows it does not count.
    """

    def __init__(self, registry: Registry, folder: Path, **options: Any) -> None:
        self.registry, self.folder, self.options = registry, folder, options
        self.app = Harness(registry, traces=folder, **options)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.net: Counter[str] = Counter()
        self.plans: dict[str, deque[Any]] = {}
        self.known: set[tuple[str, str | None]] = set()
        self.tools: dict[str, Any] = {}
        self.undoes: dict[str, str] = {}

    def tool(self, name: str, *plan: Any, takes: str = "", undoes: str = "", later: bool = False) -> None:
        """Declare a tool that takes arguments of these names; ``later`` makes it a coroutine function."""
        self.plans[name], self.undoes[name] = deque(plan), undoes
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        signature = inspect.Signature([inspect.Parameter(one, kind) for one in takes.split()])

        def perform(**args: Any) -> Any:
            self.calls.append((name, args))
            return self.perform(name, signature.bind(**args).arguments)

        async def aperform(**args: Any) -> Any:
            self.calls.append((name, args))
            if self.plans[name] and isinstance(self.plans[name][0], Slow):
                await asyncio.sleep(self.plans[name].popleft().seconds)
            return self.perform(name, signature.bind(**args).arguments)

        function: Any = aperform if later else perform
        function.__signature__ = signature
        spec = self.registry.tools[name]
        told = {"effect": spec.effect, "idempotent": spec.idempotent, "idempotency_key": spec.idempotency_key}
        self.tools[name] = self.app.tool(name=name, undo=spec.undo, probe=spec.probe, **told)(function)

    def perform(self, name: str, args: dict[str, Any]) -> Any:
        """Do what is planned for the next call of a tool."""
        what = self.plans[name].popleft() if self.plans[name] else name
        if isinstance(what, Exception):
            raise what
        spec, undone = self.registry.tools[name], self.undoes[name]
        known = args.get(spec.idempotency_key or "", str(args) if spec.idempotent else None)
        if spec.effect == "write" and (known is None or (name, known) not in self.known):
            self.known = {one for one in self.known if one[0] != undone} | {(name, known)}
            self.net[undone or name] += -1 if undone else 1
        if isinstance(what, Commit):
            raise what.error
        return what(**args) if callable(what) else what

    def with_tools(
        self, takes: Mapping[str, str], plans: Mapping[str, Any], later: bool = False, **undoes: str
    ) -> Self:
        """Declare tools by what they take; ``undoes`` names what is counted down by each that takes back."""
        for name, names in takes.items():
            self.tool(name, *plans.get(name, ()), takes=names, undoes=undoes.get(name, ""), later=later)
        return self

    @property
    def called(self) -> list[str]:
        """The names of the tools that were called."""
        return [name for name, _ in self.calls]


Build = Callable[[Path], Town]
Agent = Callable[[Town], Any]


class Story(NamedTuple):
    """What came of a run: what the agent gave or raised, its town, its events, and where they are."""

    result: Any
    town: Town
    events: list[Event]
    path: str

    def told(self, *does: str) -> list[dict[str, Any]]:
        """Give the route events of some kinds."""
        return [one.body for one in self.events if one.kind == "route" and (not does or one.body["does"] in does)]


def played(build: Build, agent: Agent, folder: Path) -> Story:
    """Run an agent in a town of its own, and then again from its trace in another one, where nothing is called."""
    town = build(folder)
    session = town.app.session()
    result = ended(session, town, agent)
    with open_trace(session.trace.path) as reader:
        events = list(reader)
    assert not {one.verdict.rule for one in check(events, ROUTING).findings}
    other = build(folder)
    again = other.app.replaying(session.trace.path)
    assert repr(ended(again, other, agent)) == repr(result)
    assert again.trace.digest == session.trace.digest
    assert other.calls == []
    return Story(result, town, events, session.trace.path)


def ended(session: Session, town: Town, agent: Agent) -> Any:
    """Run an agent, and give what it gives or raises."""
    try:
        return session.run(entry_of(town, agent))
    except (NoRoute, Refused, ConnectionError, ValueError) as error:
        return error


def entry_of(town: Town, agent: Agent) -> Callable[[], Any]:
    """Give an agent in a town as the entry of a run; the name is always the same."""

    async def atravel() -> Any:
        return await agent(town)

    def travel() -> Any:
        return agent(town)

    return atravel if inspect.iscoroutinefunction(agent) else travel


def route(goal: str, **facts: Any) -> Agent:
    """Give an agent that asks for one goal."""
    return lambda town: present().route(goal, **facts)


def aroute(goal: str, **facts: Any) -> Agent:
    """Give an asynchronous agent that asks for one goal."""

    async def agent(town: Town) -> Any:
        return await present().aroute(goal, **facts)

    return agent


def present() -> Session:
    """Give the session of the code that asks."""
    from harness.door.current import session_var

    session = session_var.get()
    assert session is not None
    return session


class Clock:
    """A clock that goes on by itself a little, and by hand."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1_000
        return self.now

    def rest(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1e9)
