"""Let a killed run go on: its record first, offline, then for real, each action in doubt by what its tool declares."""

from __future__ import annotations

import inspect
import os
import platform
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__
from harness.adapters.claims import give_back, held, next_name, take_over, taken_over_by
from harness.adapters.files import FileStore, open_trace
from harness.adapters.private import read_private
from harness.door.agents import make_agent, recorded_input
from harness.door.app import Harness
from harness.door.behind import agent_behind, header_divergence
from harness.door.models import model_address
from harness.door.session import Session
from harness.errors import HarnessError, UsageError, Waiting
from harness.ports import Approval, Approver, Pending, Question, World
from harness.run.doubt import IN_DOUBT
from harness.run.resume import ResumedWorld, Rim
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Entry
from harness.trace.value import decode_value, encode_value
from harness.trace.verdict import Truth


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An action that the killed run had begun and not ended: what was decided about it (performed, found, left)."""

    action: int
    tool: str
    decided: str
    why: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a run went on.

    The first ``followed`` events of the new trace (``path``, ``digest``) are those of the old one, byte for byte;
    ``steps`` counts all actions. ``result`` is what the agent returned, ``error`` what it raised.
    """

    path: str
    digest: str
    followed: int
    steps: int
    verdict: Truth
    doubts: tuple[Doubtful, ...]
    result: Any = None
    error: Exception | None = field(default=None, compare=False)


def resume(
    trace: str | Path,
    *,
    out: str | Path | None = None,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
    approver: Approver | None = None,
    repeat: Collection[str] = (),
) -> Resumed:
    """Continue a run that was killed, in a new trace (``out``; beside the old one, ``.resumed-1``, by default).

    The agent's own code runs again over the record, every event compared, and goes on for real where it ends. An action
    that had begun and not ended is performed again where its tool reads, is idempotent or carries an idempotency key;
    else its probe is asked; else the approver (the app's, if none is given), unless the tool is in ``repeat``. Where
    nobody says yes the agent gets InDoubt. The old trace is not changed, and is resumed once. ``entry``, ``app`` and
    ``path`` are as in ``replay``.

    Divergence where the agent is not the recorded one any more: nothing was performed then, and no trace written.
    Waiting where a question still has no answer: it names the trace to resume, the old one where nothing else went on.
    UsageError where there is nothing to resume. Must not be called inside a running event loop.
    """
    with held(trace):
        with open_trace(trace) as reader:
            entries = list(reader.entries())
        _check_resumable(Path(trace), reader.header, entries, sealed=reader.footer is not None)
        with model_address(reader.header.host.get("base_url")):
            app, function = agent_behind(reader.header, str(trace), entry, app, path)
            divergence = header_divergence(app, reader.header)
            if divergence is not None:
                raise divergence
            _check_alive(app, str(trace))
            _check_probes(app, [one.event for one in entries])
            target = Path(out) if out is not None else next_name(trace)
            with open_trace(trace) as reader:
                asking, seed = _Asking(approver or app.approver, repeat), reader.header.run.get("seed") or None
                world = ResumedWorld(reader, _rim(app, Path(trace), target, asking, seed))
            world.secrets = read_private(trace)
            return _resumed(app, make_agent(app, function), world, Path(trace), target)


def _rim(app: Harness, trace: Path, target: Path, approver: Approver, seed: int | None) -> Rim:
    stores: list[FileStore] = []
    trace, target = trace.absolute(), target.absolute()  # the agent may have gone to another folder when it goes live

    def begin(at: int) -> World:
        stores.append(FileStore(target))
        world = app.live_world(stores[0], approver, since=at, seed=seed)
        world.inherit(read_private(trace))
        return world

    def taken_over() -> None:
        stores[0].flush(disk=True)  # at every durability: from here on the old trace is no longer looked at
        take_over(trace, target)

    def probe(name: str, args: dict[str, Any]) -> Any:
        made = app.made(name)
        assert made is not None
        tool, function = made
        taken = tool.binder.signature.parameters
        given = {key: decode_value(value, tool.annotations.get(key)) for key, value in args.items() if key in taken}
        said = function(**given)
        return _encoded(said) if inspect.isawaitable(said) else encode_value(said)

    def today() -> datetime:
        return datetime.now(UTC)

    return Rim(begin, taken_over, app.clock, probe, lambda name: app.spec(ToolSpec(name)), today)


async def _encoded(said: Any) -> Any:
    return encode_value(await said)


class _Asking:
    """Ask an approver, but for the repetition of what may be repeated."""

    def __init__(self, approver: Approver, repeat: Collection[str]) -> None:
        self._approver, self._repeat = approver, repeat
        self.blocking = getattr(approver, "blocking", False)

    def __call__(self, question: Question) -> Approval | Pending | Awaitable[Approval | Pending]:
        if question.rule == IN_DOUBT and question.tool in self._repeat:
            return Approval(True, "whoever resumed the run")
        return self._approver(question)


def _resumed(app: Harness, agent: Callable[..., Any], world: ResumedWorld, trace: Path, target: Path) -> Resumed:
    host = world.header.host
    seed = os.environ.get("PYTHONHASHSEED")
    header = Header(
        world.header.run,
        host
        | {
            "harness": __version__,
            "hash_seed": host.get("hash_seed") if str(host.get("hash_seed")) == seed else None,
            "python": platform.python_version(),
            "resumed_from": {
                "digest": world.digest,
                "events": len(world.entries),
                "file": str(trace.resolve()),
            },
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        },
    )
    session = Session(app, lambda _: header, lambda: (world, str(target)), world.timeline)
    world.run = session.started
    given = recorded_input(agent, world.header.run["input"])
    old, new = trace.absolute(), target.absolute()
    result: Any = None
    error: Exception | None = None
    try:
        result = session.run(agent, **given)
    except Waiting as waiting:
        if not world.went_on:
            give_back(old, new)
            waiting.trace = str(trace)
        raise
    except HarnessError as raised:
        if raised is world.failed or not world.live:
            raise
        error = raised
    except Exception as raised:  # noqa: BLE001 - the agent's own, which the trace holds too
        error = raised
    tools = {one.event.seq: one.event.body.get("tool", "") for one in world.entries}
    doubts = [Doubtful(number, tools[number], one.decided, one.why) for number, one in sorted(world.settled.items())]
    digest, steps, verdict = session.trace.digest, session.steps, session.verdict
    return Resumed(str(target), digest, len(world.entries), steps, verdict, tuple(doubts), result, error)


# --- what must be so before anything is done -------------------------------------------------------------------------


def _check_resumable(trace: Path, header: Header, entries: list[Entry], *, sealed: bool) -> None:
    if sealed:
        raise UsageError("the run has ended: its trace is sealed", where=str(trace), cure="replay it, or fork it")
    successor = taken_over_by(trace)
    if successor is not None:
        raise UsageError(
            f"the run was resumed already, as {successor}",
            where=str(trace),
            cure="resume that one, if it was killed too; fork this one to go on otherwise",
        )
    origin = header.host.get("resumed_from")
    if origin is None:
        return
    rightful = taken_over_by(origin["file"]) if Path(origin["file"]).exists() else trace.resolve()
    if len(entries) < origin["events"] or rightful != trace.resolve():
        raise UsageError(
            "this trace was cut off before it had taken over the run it was to go on with",
            where=str(trace),
            cure=f"resume {origin['file']}",
        )


def _check_alive(app: Harness, trace: str) -> None:
    """Check that the kill switch does not hold back what the run had begun."""
    if app.killed and app.registry.kill == "fail_closed":
        raise UsageError("the kill switch is thrown", where=trace, cure="resume the run when it is taken back")


def _check_probes(app: Harness, events: list[Event]) -> None:
    """Check, before anything is done, that the probes of what is in doubt can be called."""
    ended = {event.body["action"] for event in events if event.kind == "observation"}
    for event in events:
        if event.kind == "action" and event.body["surface"] == "tool" and event.seq not in ended:
            spec = app.spec(ToolSpec(event.body["tool"]))
            if spec.probe is not None:
                _check_probe(app, spec, spec.probe, event.body["args"])


def _check_probe(app: Harness, spec: ToolSpec, probe: str, args: dict[str, Any]) -> None:
    where, made, asked = f"the probe {probe} of {spec.name}", app.made(probe), app.made(spec.name)
    if made is None:
        raise UsageError("is no tool of this app", where=where, cure=f"declare {probe} with @app.tool(effect='read')")
    tool, function = made
    if app.spec(tool.spec).effect != "read":
        raise UsageError("is declared to change something", where=where, cure="declare it with effect='read'")
    parameters = tool.binder.signature.parameters.values()
    needed = [one.name for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    missing = [name for name in needed if name not in args]
    if missing:
        cure = f"a probe is given those arguments of {spec.name} that it takes, by name"
        raise UsageError(f"takes {', '.join(missing)}, which {spec.name} is not called with", where=where, cure=cure)
    if inspect.iscoroutinefunction(function) and asked and not inspect.iscoroutinefunction(asked[1]):
        raise UsageError(f"is asynchronous, {spec.name} is not", where=where, cure="make it a plain function")
