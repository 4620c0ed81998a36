"""The agent behind a trace: its function, its app, and the rules and tools it was recorded under."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.adapters.registries import looking_in
from harness.determinism.schedule import Timeline
from harness.door.agents import load_entry
from harness.door.app import Harness, app_of
from harness.door.headers import run_part
from harness.door.session import Entry, Session
from harness.errors import Divergence, HarnessError, UsageError
from harness.trace.codec import Header
from harness.trace.diff import first_difference


def agent_behind(
    header: Header, trace: str, entry: str | Callable[..., Any] | None, app: Harness | None, path: str | Path | None
) -> tuple[Harness, Callable[..., Any]]:
    """Find the app, under the rules of the record, and the function that a run began with.

    ``entry`` (``module:function`` or the function), ``app`` and ``path`` (a folder to import from) replace what the
    header says. UsageError where it says no entry, or one that cannot be imported.
    """
    name = entry or header.run["entry"]
    if name is None:
        cure = "name it: --entry module:function; conversations of a proxy, or imported, are judged by harness check"
        raise UsageError("the trace does not say which function was run", where=trace, cure=cure)
    host = header.host
    folders = str(path or ""), host.get("path", "")
    with looking_in(*folders, host.get("folder", "")):
        function = name if callable(name) else _imported(name, *folders)
        handed, app = app is not None, app or app_of(function) or Harness(host.get("registries") or None)
    bound = {name: value for name, value in host.get("parameters", {}).items() if name not in app.bound}
    app = app.with_registry(parameters=bound) if bound else app
    app = app.with_tools_of(header.run["tools"])  # what other modules of this process declared was not there then
    app = app.with_places(*folders, host.get("folder", ""))
    return app if handed else _under_recorded_rules(app, header), function


def header_divergence(app: Harness, header: Header) -> Divergence | None:
    """Compare what the header promises of rules and tools with what is there now."""
    recorded = header.run
    now = run_part(app, Entry(recorded["entry"], recorded["input"]))
    cure = "replay with the recorded version, or judge the trace by the new one with harness check"
    other = f"{cure}; harness fork --set registry=… shows what the agent does under it"
    return begun_otherwise(
        recorded.get("tools"), now["tools"], "/tools", "a tool's declaration changed", cure
    ) or begun_otherwise(recorded.get("registries"), now["registries"], "/registries", "the registry changed", other)


def begun_otherwise(recorded: Any, now: Any, pointer: str, cause: str, cure: str) -> Divergence | None:
    """Tell where one part of a header is not what it was, with the likely cause and what to do."""
    found = first_difference(recorded, now, pointer)
    if found is None:
        return None
    return Divergence(
        "the run would not begin as it was recorded",
        pointer=found.pointer,
        recorded=found.recorded,
        now=found.now,
        cause=cause,
        cure=cure,
    )


def _under_recorded_rules(app: Harness, header: Header) -> Harness:
    """Give the app under the rules that the run was recorded under, where it was recorded under others than its own."""
    host, recorded = header.host, header.run["registries"]
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

    with Session(Harness(), shut, shut, Timeline):
        return load_entry(entry, *folders, str(Path.cwd()))
