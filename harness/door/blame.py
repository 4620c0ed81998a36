"""Name the event that a violation hangs on, of a run that was recorded or of a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from harness.adapters.files import open_trace
from harness.determinism import canonical
from harness.determinism.address import enclosing
from harness.door.app import Harness
from harness.door.behind import agent_behind
from harness.door.recorded_trials import RecordedTrials, recorded_begun
from harness.door.trial import Trial, Trials
from harness.errors import UsageError
from harness.run.known import KnownCall, known_calls
from harness.run.watch import read_place
from harness.stress.causes.blame import Blame
from harness.stress.causes.blame import blame as blamed
from harness.stress.causes.repair import Given, LeftOut, Ran, Repair, mended, repairs_of
from harness.stress.header import Begun
from harness.stress.schedule import Schedule, Turn
from harness.stress.seen import Seen, Violated
from harness.trace.event import Event
from harness.trace.outcome import Ok, from_body, to_body
from harness.trace.value import encode_value

_COUNTS: Final = ("medium", "high", "critical")
_OTHERS: Final = 3  # outcomes of the same tool that are tried in the place of one


class Runs(Protocol):
    """Whoever runs an agent under a schedule: ``Trials`` and ``RecordedTrials``."""

    def run(self, schedule: Schedule, input: Mapping[str, Any] | None = None) -> Trial: ...  # noqa: A002


def blame_trial(
    trials: Runs,
    trial: Trial,
    *,
    rule: str = "",
    input: Mapping[str, Any] | None = None,  # noqa: A002
    budget: int = 200,
) -> Blame:
    """Find the earliest strike, turn or change of a trial without which a rule is not violated.

    ``trials`` is what made it, ``rule`` the first one of severity medium or graver that is violated if none is named,
    ``input`` what the trial was given before the changes of its schedule. At most ``budget`` runs. UsageError where the
    trial violates no such rule. What it does not establish is told in ``harness.stress.causes.blame``.
    """
    violation = _violated(trial.seen, rule)
    given = trial.input if input is None else input

    def again(repairs: tuple[Repair, ...]) -> Ran:
        return trials.run(mended(trial.schedule, repairs), given)

    return blamed(trial, again, repairs_of(trial.schedule, trial), violation.rule, budget=budget)


def blame(
    trace: str | Path,
    *,
    rule: str = "",
    twin: str | Path | None = None,
    repairs: Mapping[str, Any] | None = None,
    live: bool = False,
    before: str | Callable[[], object] | None = None,
    entry: str | Callable[..., Any] | None = None,
    app: Harness | None = None,
    path: str | Path | None = None,
    budget: int = 200,
) -> Blame:
    """Find the earliest event of a recorded run whose repair flips the verdict on a rule.

    The agent runs again on its record, with one thing put right at a time: a strike of a fault, a turn or a change of
    the schedule that the header names; and the outcome of a call before the violation: that of the same call (agent,
    tool, number) in ``twin``, the trace of a good run; one of ``repairs``, by step (``"3"``) or event (``"seq:12"``);
    or, where neither is given and no fault is named, another one that the record has of the same tool. With ``live``
    the agent's tools are called, in virtual time, and only the schedule is put right. ``before`` (a function or
    ``module:function``; what the header names, if nothing is said) puts the agent's world back before each run.
    ``rule`` and ``budget`` are as in ``blame_trial``, ``entry``, ``app`` and ``path`` as in ``replay``.

    A run that comes to a call which neither the record nor the twin knows is open, and counts for nothing, unless that
    call is the violating one, made otherwise (``Blame.partly``). UsageError where the run, made again, violates no such
    rule.
    """
    if live and (twin is not None or repairs):
        raise UsageError("outcomes cannot be put right in a live run", cure="leave out --live, or the outcomes")
    if live:
        trials, (schedule, given, _) = _live(trace, before, entry, app, path)
        return blame_trial(trials, trials.run(schedule, given), rule=rule, input=given, budget=budget)
    more = () if twin is None else (twin,)
    record = RecordedTrials(trace, entry=entry, app=app, path=path, before=before, more=more)
    schedule = record.begun.schedule
    bad = record.run(replace(schedule, turns=()))  # the recorded order is the turned one
    violation = _violated(bad.seen, rule)
    wanted: list[Repair] = repairs_of(schedule, bad)
    wanted += _outcomes(record, violation.rule, twin, repairs or {}, derive=not wanted)

    def again(tried: tuple[Repair, ...]) -> Ran:
        outcomes = {one.seq: one.outcome for one in tried if isinstance(one, Given)}
        turned_back = tuple(
            Turn(one.element.place, 1)  # whoever was to go first is the next one now
            for one in tried
            if isinstance(one, LeftOut) and isinstance(one.element, Turn)
        )
        return record.run(replace(mended(schedule, tried), turns=turned_back), outcomes=outcomes)

    return blamed(bad, again, wanted, violation.rule, budget=budget)


def _live(
    trace: str | Path,
    before: str | Callable[[], object] | None,
    entry: str | Callable[..., Any] | None,
    app: Harness | None,
    path: str | Path | None,
) -> tuple[Trials, Begun]:
    with open_trace(trace) as reader:
        header = reader.header
    app, function = agent_behind(header, str(trace), entry, app, path)
    said = recorded_begun(header)
    return Trials(app, function, before=before or said.before or None), said


def _violated(seen: Seen, rule: str) -> Violated:
    """Give the first violation of a rule, or where none is named of any that counts."""
    for one in seen.violated:
        if one.rule == rule or (not rule and one.severity in _COUNTS):
            return one
    known = ", ".join(sorted(seen.rules)) or "none"
    what = f"the run does not violate {rule}" if rule else "the run violates no rule of severity medium or graver"
    raise UsageError(what, cure=f"rules that it violates: {known}")


# --- other outcomes --------------------------------------------------------------------------------------------------


def _outcomes(
    record: RecordedTrials, rule: str, twin: str | Path | None, repairs: Mapping[str, Any], *, derive: bool
) -> Iterator[Given]:
    """Yield other outcomes for the calls before the first violation of a rule."""
    told = (one.seq for one in record.events if one.kind == "verdict" and one.body["rule"] == rule)
    end = next(told, len(record.events))
    calls = [one for one in known_calls(record.events) if one.observation is not None and one.event.seq < end]
    for place, outcome in repairs.items():
        yield Given(_seq(record.events, place), Ok(encode_value(outcome)), "the repairs")
    if twin is not None:
        with open_trace(twin) as reader:
            yield from _twins(calls, known_calls(reader), Path(twin).name)
    elif derive and not repairs:
        for call in calls:
            yield from _others(call, known_calls(record.events))


def _seq(events: Iterable[Event], place: str) -> int:
    wanted = read_place(place)
    actions = [event.seq for event in events if event.kind == "action" and enclosing(event.task) is None]
    if wanted.kind == "seq" and wanted.number in actions:
        return wanted.number
    if wanted.kind == "step" and wanted.number < len(actions):
        return actions[wanted.number]
    raise UsageError(f"{place} is no call of the agent's own code", cure="harness show tells the calls of a trace")


def _twins(calls: list[KnownCall], good: list[KnownCall], name: str) -> Iterator[Given]:
    """Yield the outcomes of the calls of another run that correspond and came otherwise."""
    theirs = dict(_numbered(good))
    for key, call in _numbered(calls):
        other = theirs.get(key)
        if other is not None and other.gave is not None and _said(other) != _said(call):
            yield Given(call.event.seq, other.gave, name)


def _numbered(calls: Iterable[KnownCall]) -> Iterator[tuple[tuple[str, str, int], KnownCall]]:
    counts: dict[tuple[str, str], int] = {}
    for call in calls:
        key = call.event.agent, call.event.body["tool"]
        counts[key] = counts.get(key, 0) + 1
        yield (*key, counts[key]), call


def _others(call: KnownCall, calls: list[KnownCall]) -> Iterator[Given]:
    """Yield a few other results that the record has of the same tool, those of the same request first."""
    told = {_said(call)}
    same = [one for one in calls if one.event.body["tool"] == call.event.body["tool"] and isinstance(one.gave, Ok)]
    for other in sorted(same, key=lambda one: one.request != call.request):
        if _said(other) not in told and len(told) <= _OTHERS:
            told.add(_said(other))
            assert other.gave is not None
            yield Given(call.event.seq, other.gave, f"event {other.event.seq}")


def _said(call: KnownCall) -> str:
    assert call.observation is not None
    return canonical.digest_of(to_body(from_body(call.observation.body)))
