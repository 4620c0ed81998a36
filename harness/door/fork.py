"""Leave a recorded run at one call, change one thing, and see what would have happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, get_args

from harness.adapters.claims import next_name
from harness.adapters.files import FileStore, open_trace
from harness.adapters.private import read_private
from harness.determinism.address import enclosing
from harness.door.agents import make_agent, recorded_input
from harness.door.app import Harness
from harness.door.behind import agent_behind, header_divergence
from harness.door.headers import faults_stated, host_part, rollout_part, run_part
from harness.door.models import model_address, model_environment
from harness.door.session import Entry, Session
from harness.errors import Divergence, UsageError
from harness.ports import Approver
from harness.run.changes import Forks, changed_part, check_names
from harness.run.fork import ForkedWorld, Where
from harness.run.inputs import Call
from harness.run.known import KnownCall, known_calls
from harness.run.watch import read_place
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.diff import explain
from harness.trace.event import Event, Surface
from harness.trace.verdict import Truth

_AT_A_CALL: Final = ("outcome", "args", "prompt", "model", "down")
_LABELS: Final = ("agent", "conversation", "forked_from", "schedule", "seed", "subject", "tenant")
_SURFACES: Final[dict[str, Any]] = {one: one for one in get_args(Surface)}


@dataclass(frozen=True, slots=True)
class Fork:
    """What became of a run with one thing changed.

    ``path`` and ``digest`` are of the new trace, ``parent`` is the digest of the old one. ``difference`` tells the
    first event that differs, ``taken`` counts the outcomes that came from the record, ``went_live`` names the calls
    that did not (event, tool). ``verdict_before`` is None where the old trace was not sealed. ``divergence`` says that
    the fork ended early, at a call that was to go live and may not.
    """

    path: str
    digest: str
    parent: str
    difference: Divergence | None
    taken: int
    went_live: tuple[tuple[int, str], ...]
    verdict_before: str | None
    verdict: Truth
    result: Any = None
    error: Exception | SystemExit | None = field(default=None, compare=False)
    divergence: Divergence | None = None


def fork(
    trace: str | Path,
    *,
    at: int | str | None = None,
    set: Mapping[str, Any],  # noqa: A002 - as on the command line
    offline: bool = False,
    out: str | Path | None = None,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
    approver: Approver | None = None,
) -> Fork:
    """Run the agent behind a trace again with one thing changed, in a new trace.

    ``at`` is a step (``3``) or an event (``seq:12``) that is a call. ``set`` holds the changes: ``outcome`` (what that
    call gives), ``args`` (what it is called with; of a model: its request) or a part of either (``args./amount``),
    ``prompt`` (the user's last message in that request, also where later ones repeat it), ``model`` (from there on),
    ``down`` (true: its tool refuses the connection from there on); and, from the beginning of the run, ``registry`` (a
    file or name, or several), ``seed``, ``input`` or a part of it, and ``faults`` (a plan, or its file, in the place of
    the one the run was struck by; None takes that away).

    Up to that call the agent must do what is recorded. After it, a call that the record knows takes the recorded
    outcome, and others are made for real, or end the fork where it is ``offline``. Faults strike what the effects gave:
    a recorded outcome without anything being performed, of a struck run the one that came in truth. ``entry``, ``app``
    and ``path`` are as in ``replay``.

    Divergence where the agent does otherwise before that call: no trace is left then. UsageError for a change that
    cannot be made. Must not be called inside a running event loop.
    """
    check_names(set)
    changed = dict(set)
    if changed.get("faults") is not None:
        changed["faults"] = faults_stated(changed["faults"])
    with open_trace(trace) as reader:
        events = list(reader)
    parent = reader.header
    calls = known_calls(events, parent.run)
    step = _step(trace, events, calls, at, changed)
    _try(calls, step, changed)
    address = model_environment if offline else model_address
    with address(parent.host.get("base_url")):
        app, function = agent_behind(parent, str(trace), entry, app, path)
        divergence = header_divergence(app, parent)
        if divergence is not None:
            raise divergence
        if "registry" in changed:
            rules = changed["registry"]
            app = app.with_registry(*([rules] if isinstance(rules, str) else rules))
        header = _header(app, parent, reader.digest, step, None if step is None else calls[step].event.seq, changed)
        target = Path(out) if out is not None else next_name(trace, "fork")
        place = target.absolute()  # wherever the agent goes
        live = app.live_world(FileStore(target), approver, seed=changed.get("seed"))
        world = ForkedWorld(events, Where(step, changed, offline), live, app.clock, header=parent)
        world.secrets = read_private(trace)
        session = Session(app, lambda _: header, lambda: (world, str(target)), world.timeline)
        world.run = session.started
        result, error = _run(session, make_agent(app, function), header, world)
    if not world.reached:
        place.unlink()
        raise world.failed or _ended_before(error)
    if world.failed is not None and not isinstance(world.failed, Divergence):
        raise world.failed
    with open_trace(place) as forked:
        difference = _difference(events, list(forked))
    return Fork(
        str(target),
        session.trace.digest,
        reader.digest,
        difference,
        len(world.taken),
        tuple(world.went_live),
        None if reader.footer is None else reader.footer.verdict,
        session.verdict,
        result,
        error,
        world.failed,
    )


def _run(
    session: Session, agent: Callable[..., Any], header: Header, world: ForkedWorld
) -> tuple[Any, Exception | SystemExit | None]:
    """Run the agent, and give what it returned or raised; what ended the fork is in its world."""
    given = recorded_input(agent, header.run["input"])
    try:
        return session.run(agent, **given), None
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - the agent's own, or what ended the fork
        return None, raised if raised is not world.failed else None


def _ended_before(error: Exception | SystemExit | None) -> Divergence:
    raised_it = "" if error is None else f": it raises {type(error).__name__}: {error}"
    return Divergence(f"the agent ends before the call to change{raised_it}", cause="the agent's code changed")


def _step(
    trace: str | Path, events: list[Event], calls: list[KnownCall], at: int | str | None, changed: Mapping[str, Any]
) -> int | None:
    """Count the calls of the agent's own code before the one to fork at."""
    places = [name for name in changed if name.partition(".")[0] in _AT_A_CALL]
    if at is None:
        if places:
            raise UsageError(f"where is {places[0]} to be changed?", cure="name a step: --at 3, or --at seq:12")
        return None
    place = read_place(str(at))
    actions = [event.seq for event in events if event.kind == "action"]
    if place.kind == "step" and place.number >= len(actions):
        raise UsageError(f"there is no step {place.number}; the last is {len(actions) - 1}", where=str(trace))
    seq = place.number if place.kind == "seq" else actions[place.number]
    step = next((number for number, call in enumerate(calls) if call.event.seq == seq), None)
    if step is not None:
        return step
    if seq not in actions:
        raise UsageError(f"event {seq} is no call", where=str(trace), cure="harness show tells the calls of a trace")
    raise UsageError(f"event {seq} lies inside the effect of another call", where=str(trace), cure="fork at that one")


def _try(calls: list[KnownCall], step: int | None, changed: Mapping[str, Any]) -> None:
    """Make the changes to the recorded call, so that one that cannot be made is told before anything runs."""
    if step is None:
        return
    call = calls[step]
    tool, args = call.request
    wanted = Call(_SURFACES[call.event.body["surface"]], tool, args, ToolSpec(tool))
    Forks([{"step": 0, "set": dict(changed)}]).applied(wanted, 0)
    if call.observation is not None:
        changed_part(call.observation.body.get("ok"), "outcome", changed)


def _header(
    app: Harness, parent: Header, digest: str, step: int | None, seq: int | None, changed: Mapping[str, Any]
) -> Header:
    given = changed_part(parent.run["input"], "input", changed)
    labels: dict[str, Any] = {name: parent.run[name] for name in _LABELS if name in parent.run}
    labels["seed"] = changed.get("seed", labels.get("seed", 0))
    plan = changed["faults"] if "faults" in changed else parent.run.get("faults")
    labels |= {} if plan is None else {"faults": plan}
    origin = {"at": seq, "digest": digest, "set": dict(changed), "step": step}
    labels["forked_from"] = [*labels.get("forked_from", ()), origin]
    run = run_part(app, Entry(parent.run["entry"], given), **labels)
    run |= rollout_part(app.registry, parent.run)
    return Header(run, host_part(app, parent.host.get("path", "")) | {"order": parent.host.get("order")})


def _difference(before: list[Event], after: list[Event]) -> Divergence | None:
    """Find the first event in which two runs differ; times, and what lies inside effects, do not count."""
    equal: list[Event] = []
    for one, other in zip_longest(_own(before), _own(after)):
        if one is None or other is None or _essence(one) != _essence(other):
            return explain(one, other, equal)
        equal.append(one)
    return None


def _own(events: list[Event]) -> Iterator[Event]:
    return (event for event in events if enclosing(event.task) is None and event.kind != "read")


def _essence(event: Event) -> Any:
    told = {name: value for name, value in event.body.items() if name not in ("action", "evidence")}
    return event.kind, event.task, told
