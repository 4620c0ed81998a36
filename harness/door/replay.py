"""Run an agent again from its trace: offline, step for step, and say where it is not the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.adapters.files import open_trace
from harness.door.agents import load_entry, make_agent
from harness.door.app import Harness, app_of
from harness.door.session import Entry, Session
from harness.errors import Divergence, HarnessError, UsageError
from harness.run.replay import EndOfRecord, RecordedWorld
from harness.trace.diff import first_difference
from harness.trace.value import decode_value

_RESTORED: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_AGENTS_DISABLE_TRACING")


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay showed.

    ``digest`` is what the agent's code gave now, equal to ``recorded_digest`` when every event was equal; ``steps`` of
    ``recorded_steps`` actions were. ``divergence`` is the first difference; ``ended`` says that the record was cut off
    (a killed run) and everything up to there was equal. ``result`` is what the agent returned, ``error`` what it
    raised.
    """

    digest: str
    recorded_digest: str
    steps: int
    recorded_steps: int
    divergence: Divergence | None = None
    ended: EndOfRecord | None = None
    result: Any = None
    error: Exception | None = None

    @property
    def equal(self) -> bool:
        """Whether the whole run came out the same."""
        return self.divergence is None and self.ended is None and self.digest == self.recorded_digest


def replay(
    trace: str | Path,
    *,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
) -> Replay:
    """Run the agent behind a trace again, with every outcome taken from the trace.

    ``entry`` (``module:function`` or the function) and ``path`` (a folder to import from) replace what the header says;
    ``app`` is the app whose tools and rules the agent uses, where the entry is not decorated with ``@app.agent``.
    Nothing is sent anywhere: what is not in the record is a divergence, never a live call. Must not be called inside a
    running event loop.
    """
    with open_trace(trace) as reader:
        world = RecordedWorld(reader)
    name = entry or world.header.run["entry"]
    if name is None:
        raise UsageError(
            "the trace does not say which function was run", where=str(trace), cure="name it: --entry module:function"
        )
    host = world.header.host
    with _model_environment(host.get("base_url")):
        function = name if callable(name) else _imported(name, str(path or ""), host.get("path", ""))
        handed, app = app is not None, app or app_of(function) or Harness(host.get("registries") or None)
        bound = {name: value for name, value in host.get("parameters", {}).items() if name not in app.bound}
        app = app.with_registry(parameters=bound) if bound else app
        app = app if handed else _under_recorded_rules(app, world)
        divergence = _header_divergence(app, world)
        if divergence is not None:
            return _outcome(world, "", divergence=divergence)
        return _replayed(app, make_agent(app, function), world)


def _under_recorded_rules(app: Harness, world: RecordedWorld) -> Harness:
    """Give the app under the rules that the run was recorded under, where it was recorded under others than its own."""
    host, recorded = world.header.host, world.header.run["registries"]
    if not host.get("registries") or [app.registry.digest] == [one["digest"] for one in recorded]:
        return app
    folder = Path(host.get("folder", ""))
    names = [str(place) if (place := folder / name).is_file() else name for name in host["registries"]]
    try:
        other = app.with_registry(*names, parameters=host.get("parameters"))
    except HarnessError:
        return app  # it is not there any more; the divergence says that the registry changed
    return other if [other.registry.digest] == [one["digest"] for one in recorded] else app


def _imported(entry: str, *folders: str) -> Callable[..., Any]:
    """Import the entry with the door shut: a module that runs its agent when imported would act for real."""

    def shut(*_: Any) -> Any:
        raise UsageError(
            "the module runs its agent when it is imported",
            where=entry,
            cure='put that part under: if __name__ == "__main__":',
        )

    with Session(Harness(), shut, shut, shut):
        return load_entry(entry, *folders, str(Path.cwd()))


def _replayed(app: Harness, agent: Callable[..., Any], world: RecordedWorld) -> Replay:
    session = Session(app, lambda _: world.header, lambda: (world, ""), world.timeline)
    result, error = None, None
    try:
        result = session.run(agent, **decode_value(world.header.run["input"] or {}))
    except Exception as raised:  # noqa: BLE001 - the agent's own, which the record holds too, or what halted the replay
        error = raised if raised is not world.failed else None
    failed = world.failed
    digest = session.trace.digest
    if isinstance(failed, Divergence):
        return _outcome(world, digest, divergence=failed, error=error)
    if isinstance(failed, EndOfRecord):
        return _outcome(world, digest, ended=failed, error=error)
    return _outcome(world, digest, result=result, error=error)


def _outcome(world: RecordedWorld, digest: str, **found: Any) -> Replay:
    recorded_steps = sum(entry.event.kind == "action" for entry in world.entries)
    return Replay(digest, world.digest, world.steps(), recorded_steps, **found)


def _header_divergence(app: Harness, world: RecordedWorld) -> Divergence | None:
    """Compare what the header promises of rules and tools with what is there now."""
    recorded = world.header.run
    now = app.run_header(Entry(recorded["entry"], recorded["input"]))
    for part, cause in (("tools", "a tool's declaration changed"), ("registries", "the registry changed")):
        found = first_difference(recorded.get(part), now[part], f"/{part}")
        if found is not None:
            return Divergence(
                "the run would not begin as it was recorded",
                pointer=found.pointer,
                recorded=found.recorded,
                now=found.now,
                cause=cause,
                cure="replay with the recorded version, or judge the trace by the new one with harness check",
            )
    return None


@contextmanager
def _model_environment(base_url: str | None) -> Iterator[None]:
    """Let an agent build the OpenAI client it had, also where no key is set; nothing is sent during a replay.

    The base URL is restored because frameworks word their requests by it, for example leave out what only OpenAI's own
    service understands.
    """
    before = {name: os.environ.pop(name, None) for name in _RESTORED}
    during = {
        "OPENAI_API_KEY": before["OPENAI_API_KEY"] or "replay-needs-no-key",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_AGENTS_DISABLE_TRACING": "1",  # it would report to OpenAI past the door
    }
    os.environ.update({name: value for name, value in during.items() if value is not None})
    try:
        yield
    finally:
        for name in during:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})
