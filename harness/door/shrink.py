"""Bring the counterexample in a trace to as little as violates the same rule, and see that it still does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from harness.adapters.claims import next_name
from harness.adapters.files import FileStore, open_trace
from harness.determinism import canonical
from harness.door.app import Harness, app_of
from harness.door.behind import agent_behind
from harness.door.models import model_address
from harness.door.recorded_trials import RecordedTrials
from harness.door.replay import replay
from harness.door.trial import Trial, Trials
from harness.errors import UsageError
from harness.registry.invariant import SEVERITIES
from harness.stress.header import begun
from harness.stress.schedule import Schedule
from harness.stress.seen import Seen, seen_of
from harness.stress.small.shrink import Shrunk, shrink
from harness.trace.codec import Header
from harness.trace.value import encode_value


class Size(NamedTuple):
    """How large a counterexample is: elements of its schedule, bytes of its input as JSON, calls of its run."""

    elements: int
    input_bytes: int
    calls: int


@dataclass(frozen=True, slots=True)
class ShrunkTrace:
    """What was left of a trace.

    ``shrunk`` is the schedule and the input that are left, ``was`` and ``now`` the sizes before and after. ``path`` and
    ``digest`` are of the new trace; ``replays`` says whether it came out equal when it was replayed. ``title`` is the
    rule in words. The rest is how to run it again: the entry, the folder it is imported from, what puts the agent's
    world back, and the names of registries where the app does not bring the rules that were violated.
    """

    shrunk: Shrunk
    title: str
    was: Size
    now: Size
    path: str
    digest: str
    replays: bool
    entry: str
    folder: str
    before: str
    registries: tuple[str, ...]


def shrink_trace(
    trace: str | Path,
    *,
    rule: str | None = None,
    budget: int = 2000,
    out: str | Path | None = None,
    entry: str | Callable[..., object] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
    before: str | None = None,
    virtual: bool = True,
    recorded: bool = False,
) -> ShrunkTrace:
    """Run the agent behind a trace under ever simpler schedules and inputs that violate the same rule.

    The agent runs live, with the tools it has in this process: ``before`` (``module:function``), or what the header of
    the trace names, is called before each run. With ``recorded`` nothing is performed: every outcome comes from the
    trace, the order is the recorded one, and a run that asks for what the trace does not know ends there.

    ``rule`` is the gravest that the trace violates if none is named. ``entry``, ``app`` and ``path`` are as in
    ``replay``, ``virtual`` as in ``Trials``, ``budget`` counts runs. The smallest case is run once more into a new
    trace, ``out``, and that is replayed.

    UsageError where the trace violates no rule; Divergence where the agent does not violate it any more, or the same
    schedule gives another run each time. Must not be called inside a running event loop.
    """
    with open_trace(trace) as reader:
        seen, header = seen_of(reader), reader.header
    name, start = _wanted(seen, rule, str(trace)), begun(header.run)
    if recorded:
        start = start._replace(schedule=replace(start.schedule, turns=()))
    with model_address(header.host.get("base_url")):
        behind, function = agent_behind(header, str(trace), entry, app, path)
        reset = before or start.before or None
        trials = (
            RecordedTrials(trace, entry=entry, app=app, path=path, before=reset)
            if recorded
            else Trials(behind, function, before=reset, virtual=virtual)
        )
        found = shrink(lambda *case: trials.run(*case).seen, start.schedule, start.input, name, budget=budget)
        last = trials.run(found.schedule, found.input)
    target = Path(out) if out is not None else next_name(trace, "shrunk")
    write_trial(last, target)
    trials.put_back()  # what the agent keeps in its module is no outcome, so a replay in this process would see it
    again = replay(target, entry=entry, app=app, path=path)
    return ShrunkTrace(
        shrunk=found,
        title=_title(behind, found),
        was=_size(start.schedule, start.input, seen),
        now=_size(found.schedule, found.input, found.seen),
        path=str(target),
        digest=again.recorded_digest,
        replays=again.agrees or again.ended is not None,
        entry=entry if isinstance(entry, str) else header.run["entry"],
        folder=str(path or header.host.get("path", "")),
        before=before or start.before,
        registries=_registries(function, header),
    )


def write_trial(trial: Trial, path: str | Path) -> None:
    """Write the trace of a trial to a new file; UsageError where there is one of that name."""
    store = FileStore(path)
    for line in trial.lines:
        store.append(line)
    store.flush()
    store.close()


def _wanted(recorded: Seen, rule: str | None, trace: str) -> str:
    """Give the rule whose violation is to be kept: the one that is named, or else the gravest."""
    if not recorded.violated:
        raise UsageError("the trace violates no rule", where=trace, cure="harness stress looks for what does")
    if rule is not None and rule not in recorded.rules:
        cure = f"it violates {', '.join(sorted(recorded.rules))}"
        raise UsageError(f"the trace does not violate {rule}", where=trace, cure=cure)
    return rule or max(recorded.violated, key=lambda one: SEVERITIES.index(one.severity)).rule


def _title(app: Harness, found: Shrunk) -> str:
    """Give the title of the rule, or what it says of the smallest run."""
    invariant = app.registry.invariant(found.rule)
    says = next(one.says for one in found.seen.violated if one.rule == found.rule)
    return invariant.title if invariant is not None and invariant.title else says


def _registries(function: Callable[..., object], header: Header) -> tuple[str, ...]:
    """Name the recorded rules, as paths where they are files, unless the function's own app has them."""
    own, recorded = app_of(function), [one["digest"] for one in header.run["registries"]]
    if own is not None and [own.registry.digest] == recorded:
        return ()
    places = [(name, Path(header.host.get("folder", ""), name)) for name in header.host.get("registries") or ()]
    return tuple(str(place) if place.is_file() else name for name, place in places)


def _size(schedule: Schedule, given: object, seen: Seen) -> Size:
    return Size(len(schedule), len(canonical.encode(encode_value(given))), len(seen.calls))
