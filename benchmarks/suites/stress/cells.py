"""One cell: an agent is searched, what is found is made small and held to be what it claims to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.adapters.files import SUFFIX
from harness.bench.task import Cell
from harness.door.blame import blame_trial
from harness.door.replay import replay
from harness.door.shrink import write_trial
from harness.door.trial import Trials, in_bulk
from harness.errors import UsageError
from harness.registry.invariant import SEVERITIES
from harness.stress.schedule import Change, Schedule
from harness.stress.search.cost import cost_of
from harness.stress.search.search import Method, Searched, search
from harness.stress.search.space import Space
from harness.stress.seen import Seen
from harness.stress.small.shrink import Shrunk, shrink
from harness.tool import MEMORY_READ

from .cases import Case, case_of
from .signatures import signatures

BUDGET: Final = 500
_GRAVE: Final = frozenset(SEVERITIES[SEVERITIES.index("medium") :])


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    case = case_of(cell.task.name)
    facts = {"family": case.family, "reported": case.reported}
    with in_bulk():
        match cell.condition.name:
            case "mended":
                searched = _searched(case, _trials(case, mended=True), cell.seed, "guided")
                return facts | _alarms(searched)
            case "random":
                searched = _searched(case, _trials(case), cell.seed, "random", frozenset({case.rule}))
                return facts | _found(searched, case)
            case _:
                return facts | _guided(case, cell.seed, folder)


def _guided(case: Case, seed: int, folder: Path) -> dict[str, Any]:
    trials = _trials(case)
    searched = _searched(case, trials, seed, "guided", frozenset({case.rule}))
    facts = _found(searched, case)
    found = next((one for one in searched.found if one.rule == case.rule), None)
    if found is None:
        return facts
    small = shrink(_under(trials, case.input), found.schedule, case.input, case.rule)
    last = trials.run(small.schedule, small.input)
    trace = folder / f"small{SUFFIX}"
    write_trial(last, trace)
    case.fresh()  # an agent may keep what it knows in its module, and a replay runs its code
    again = replay(trace, entry=case.agent, app=case.app)
    blamed = blame_trial(trials, trials.run(case.witness, case.input), rule=case.rule, input=case.input)
    told = {
        "elements": len(small.schedule),
        "schedule": small.schedule.stated(),
        "cost": round(cost_of(small.schedule), 6),
        "shrink_runs": small.runs,
        "minimal": _is_minimal(trials, small),
        "replays": again.agrees or (again.ended is not None and not last.seen.end),
        "signatures": signatures(last, case.app.registry),
        "blamed": {"tool": blamed.tool, "nth": blamed.nth},
        "blame_exact": (blamed.tool, blamed.nth) == case.cause,
        "trace": trace.name,
    }
    return facts | told | _judged(["not minimal"] * (not told["minimal"]) + ["does not replay"] * (not told["replays"]))


def _under(trials: Trials, given: Mapping[str, Any]) -> Callable[[Schedule, Mapping[str, Any]], Seen]:
    """Run under one input only: what is made small is the schedule, whose cause is asked for."""

    def run(schedule: Schedule, other: Mapping[str, Any]) -> Seen:
        if dict(other) != dict(given):
            raise UsageError("another input is another case")
        return trials.run(schedule, other).seen

    return run


def _trials(case: Case, *, mended: bool = False) -> Trials:
    return Trials(case.app, case.mended if mended else case.agent, before=case.fresh, measures=True)


def _searched(case: Case, trials: Trials, seed: int, method: Method, until: frozenset[str] = frozenset()) -> Searched:
    """Search as ``harness stress`` does, for violations of severity medium or graver."""
    tools = case.app.registry.tools
    reads = frozenset({MEMORY_READ.name, *(name for name, spec in tools.items() if spec.effect == "read")})
    changes = tuple(Change(pointer, value) for pointer, values in case.vary.items() for value in values)

    def run(schedule: Schedule) -> Seen:
        return trials.run(schedule, case.input).seen

    return search(
        run, Space(reads=reads, changes=changes), budget=BUDGET, seed=seed, method=method, wanted=_grave, until=until
    )


def _grave(seen: Seen) -> frozenset[str]:
    return frozenset(one.rule for one in seen.violated if one.severity in _GRAVE)


def _found(searched: Searched, case: Case) -> dict[str, Any]:
    found = next((one for one in searched.found if one.rule == case.rule), None)
    wrong = [] if found else [f"not found in {searched.runs} runs"]
    return {"found": found is not None, "runs": found.runs if found else searched.runs} | _judged(wrong)


def _alarms(searched: Searched) -> dict[str, Any]:
    alarms: Sequence[dict[str, Any]] = [{"rule": one.rule, "schedule": one.schedule.stated()} for one in searched.found]
    told = {"alarms": len(alarms), "runs": searched.runs, **({"alarmed": alarms} if alarms else {})}
    return told | _judged([f"alarm: {one['rule']}" for one in alarms])


def _judged(wrong: Sequence[str]) -> dict[str, Any]:
    """Say whether a search did what it is for: find the bug, and show it by what is small and replays; or find none."""
    return {"passed": not wrong, **({"why": "; ".join(wrong)} if wrong else {})}


def _is_minimal(trials: Trials, small: Shrunk) -> bool:
    """Tell whether the rule holds with any one element left out, by running each."""
    less = (small.schedule.without(number) for number in range(len(small.schedule)))
    return all(small.rule not in trials.run(one, small.input).seen.rules for one in less)
