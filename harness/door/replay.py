"""Run an agent again from its trace: offline, step for step, and say where it is not the same."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.adapters.files import open_trace
from harness.adapters.private import read_private
from harness.door.agents import entry_folder, make_agent, recorded_input
from harness.door.app import Harness
from harness.door.aside import from_aside
from harness.door.behind import agent_behind, header_divergence
from harness.door.models import model_environment
from harness.door.session import Session
from harness.errors import Divergence, UsageError
from harness.run.replay import EndOfRecord, RecordedWorld
from harness.run.session import SessionMachine
from harness.run.site import Home
from harness.run.tolerance import Tolerance, TolerantMachine, Tolerated, read_pattern
from harness.run.watch import Break, Place, Stop, Stopped, Tell, Watch, read_break


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay showed.

    ``digest`` is what the agent's code gave now, equal to ``recorded_digest`` when every event was equal; ``steps`` of
    ``recorded_steps`` actions were. ``divergence`` is the first difference; ``ended`` says that the record was cut off
    (a killed run) and everything up to there was equal, ``stopped`` the same where somebody ended the replay.
    ``tolerated`` are the differences that were allowed, ``stops`` how often the debugger was opened. ``substituted``
    are the secret draws whose bytes are not at hand, so that the agent was given others; ``unrecorded`` are reads of
    packages, by their place, that the recorded run did not make (a cache was warm). ``result`` is what the agent
    returned, ``error`` what it raised.
    """

    digest: str
    recorded_digest: str
    steps: int
    recorded_steps: int
    divergence: Divergence | None = None
    ended: EndOfRecord | None = None
    stopped: Stopped | None = None
    tolerated: tuple[Tolerated, ...] = ()
    stops: int = 0
    substituted: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    result: Any = None
    error: Exception | SystemExit | None = None

    @property
    def equal(self) -> bool:
        """Whether the whole run came out the same."""
        return self.agrees and not self.tolerated

    @property
    def agrees(self) -> bool:
        """Whether the whole run came out the same but for what was allowed to differ."""
        return self.divergence is None and self.ended is None and self.digest == self.recorded_digest


def replay(
    trace: str | Path,
    *,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
    tolerate: Iterable[str] = (),
    breaks: Iterable[str] = (),
    until: int | None = None,
    tell: Tell | None = None,
) -> Replay:
    """Run the agent behind a trace again, with every outcome taken from the trace.

    ``entry`` (``module:function`` or the function) and ``path`` (a folder to import from) replace what the header says;
    ``app`` is the app whose tools and rules the agent uses, where the entry is not decorated with ``@app.agent``.
    Nothing is sent anywhere: what is not in the record is a divergence, never a live call. Must not be called inside a
    running event loop.

    ``tolerate`` names fields of calls that may differ, as a divergence does (``/args/name``, ``/messages/*/content``,
    ``search:/args/query``): the agent goes on with the recorded outcome. ``breaks`` opens the debugger in the agent's
    own frame (``violation``, ``divergence``, a step's number, ``seq:N``), ``until`` ends the replay after a step, and
    ``tell`` is called with every equal event, its action and the step.
    """
    patterns, places = [*map(read_pattern, tolerate)], [*map(read_break, breaks)]
    with open_trace(trace) as reader:
        world = RecordedWorld(reader)
    world.secrets = read_private(trace)
    _check_places(world, places, until, str(trace))
    if patterns:
        world.tolerance = Tolerance(patterns)
    with model_environment(world.header.host.get("base_url")):
        app, function = agent_behind(world.header, str(trace), entry, app, path)
        divergence = header_divergence(app, world.header)
        if divergence is not None:
            return _outcome(world, "", divergence=divergence)
        world.home = _home(function)
        if places or until is not None or tell is not None:
            stop, told = _debugger(world) if places else None, None if tell is None else from_aside(tell)
            world.watch = Watch(breaks=places, stop=stop, until=until, tell=told)
        return _replayed(app, make_agent(app, function), world)


def _home(function: Callable[..., Any]) -> Home:
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    return Home(code.co_filename if code is not None else "", entry_folder(function))


def _debugger(world: RecordedWorld) -> Callable[[Stop], bool]:
    from harness.door.debug import Debugger  # brings pdb, which nobody else needs

    return Debugger(world.home)


def _check_places(world: RecordedWorld, places: Iterable[Break], until: int | None, trace: str) -> None:
    wanted = [place for place in places if isinstance(place, Place)]
    wanted += [Place("step", until)] if until is not None else []
    counts = {"step": _recorded_steps(world), "seq": len(world.entries)}
    for place in wanted:
        if not 0 <= place.number < counts[place.kind]:
            what = f"there is no {place.kind} {place.number}; the last is {counts[place.kind] - 1}"
            raise UsageError(what, where=trace)


def _replayed(app: Harness, agent: Callable[..., Any], world: RecordedWorld) -> Replay:
    session = Session(app, lambda _: world.header, lambda: (world, ""), world.timeline, machine_of(world))
    given = recorded_input(agent, world.header.run["input"])
    result, error = None, None
    depth = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(max(depth, 1))  # a task that begins inside a package is told by its maker
    try:
        with chdir("."):  # what comes after names files from here, wherever the agent goes
            result = session.run(agent, **given)
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - the agent's own, or what halted the replay
        error = raised if raised is not world.failed else None
    finally:
        sys.set_coroutine_origin_tracking_depth(depth)
    failed = world.failed
    digest = session.trace.digest
    if isinstance(failed, Divergence):
        return _outcome(world, digest, divergence=failed, error=error)
    if isinstance(failed, EndOfRecord):
        return _outcome(world, digest, ended=failed, error=error)
    if isinstance(failed, Stopped):
        return _outcome(world, digest, stopped=failed, error=error)
    return _outcome(world, digest, result=result, error=error)


def machine_of(world: RecordedWorld) -> Callable[..., SessionMachine]:
    """Give the kind of machine that a replay runs on: one that is lenient where some fields may differ."""
    if world.tolerance is None:
        return partial(SessionMachine, record=world.entries)
    return partial(TolerantMachine, world.tolerance, world.entries)


def _outcome(world: RecordedWorld, digest: str, **found: Any) -> Replay:
    tolerated = () if world.tolerance is None else tuple(world.tolerance.found)
    stops = 0 if world.watch is None else world.watch.stops
    drawn = {"substituted": tuple(world.substituted), "unrecorded": tuple(world.unrecorded)}
    said = {"tolerated": tolerated, "stops": stops, **drawn, **found}
    return Replay(digest, world.digest, world.steps(), _recorded_steps(world), **said)


def _recorded_steps(world: RecordedWorld) -> int:
    return sum(entry.event.kind == "action" for entry in world.entries)
