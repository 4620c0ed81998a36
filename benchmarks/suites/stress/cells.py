"""One cell: an agent is searched, what is found is made small and held to be what it claims to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness.door.blame import blame_trial

from harness.adapters.files import SUFFIX
from harness.adapters.interpreter.capture import held
from harness.bench.task import Cell
from harness.door.replay import replay
from harness.door.shrink import write_trial
from harness.door.trial import Trials
from harness.registry.invariant import SEVERITIES
from harness.stress.schedule import Change, Schedule
from harness.stress.search import Method, Searched, search
from harness.stress.seen import Seen
from harness.stress.shrink import Shrunk, shrink
from harness.stress.space import Space
from harness.tool import MEMORY_READ

from .cases import Case, case_of

BUDGET: Final = 500
_GRAVE: Final = frozenset(SEVERITIES[SEVERITIES.index("medium") :])


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    case = case_of(cell.task.name)
    facts = {"family": case.family, "reported": case.reported}
    with held():
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
        return facts | {"why": f"not found in {searched.runs} runs"}
    small = shrink(lambda *given: trials.run(*given).seen, found.schedule, case.input, case.rule)
    last = trials.run(small.schedule, small.input)
    trace = folder / f"small{SUFFIX}"
    write_trial(last, trace)
    again = replay(trace, entry=case.agent, app=case.app)
    blamed = blame_trial(trials, last, rule=case.rule, input=small.input)
    return facts | {
        "elements": len(small.schedule),
        "schedule": small.schedule.stated(),
        "shrink_runs": small.runs,
        "minimal": _is_minimal(trials, small),
        "replays": again.agrees or (again.ended is not None and not last.seen.end),
        "blamed": {"tool": blamed.tool, "nth": blamed.nth},
        "blame_exact": (blamed.tool, blamed.nth) == case.cause,
    }


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
    return {"found": found is not None, "runs": searched.runs if found is None else found.runs}


def _alarms(searched: Searched) -> dict[str, Any]:
    alarms: Sequence[dict[str, Any]] = [{"rule": one.rule, "schedule": one.schedule.stated()} for one in searched.found]
    return {"alarms": len(alarms), "runs": searched.runs, **({"alarmed": alarms} if alarms else {})}


def _is_minimal(trials: Trials, small: Shrunk) -> bool:
    """Tell whether the rule holds with any one element left out, by running each."""
    less = (small.schedule.without(number) for number in range(len(small.schedule)))
    return all(small.rule not in trials.run(one, small.input).seen.rules for one in less)
