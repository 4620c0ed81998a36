"""One cell: a team does one task, with nothing in its way or under faults, beside its twin without any."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import SUFFIX
from harness.bench.task import Cell
from harness.door.scripted import answered_by
from harness.door.trial import Trial, Trials
from harness.review.account import account_of
from harness.stress.schedule import Schedule, schedule_of
from harness.stress.tolerance.containment import Handled, handled
from harness.stress.tolerance.tiers import met

from .strikes import CLEAN, at_once, drawn, injected
from .teams import team_module

WITHIN_STEPS: Final = 20
"""Steps from a fault to its detection, and from that to its mitigation: no team takes more for a whole letter."""


class Done(NamedTuple):
    """One run of a team: what it did, and what is filed at the end beside what the letter asks for."""

    trial: Trial
    filed: Mapping[str, Any]
    wanted: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether all that the letter asks for is filed, and nothing else."""
        return self.filed == self.wanted

    @property
    def harmed(self) -> bool:
        """Whether something is filed that the letter does not ask for: worse than nothing."""
        return any(self.wanted.get(subject) != value for subject, value in self.filed.items())


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    team, number = cell.condition.name, cell.task.data["letter"]
    with answered_by(team_module("policies").policy):
        clean = twin(team, number)
        if cell.task.group == CLEAN:
            done, seen = clean, {"fault": CLEAN, "injected": False}
        elif not clean.passed:
            return {"fault": _fault(cell), "injected": False, "passed": False, "why": "it fails without a fault, too"}
        elif cell.task.group == "budget":
            kinds = drawn(cell.seed, number, cell.task.data["budget"])
            done = _struck(cell, kinds)
            seen = {"fault": _fault(cell), "injected": True, "faults": list(kinds)}
        else:
            done = _struck(cell, (cell.task.data["fault"],))
            seen = {"fault": _fault(cell), "injected": True} | _met(cell.task.data["fault"], clean, done)
    trace = folder / f"run{SUFFIX}"
    trace.write_bytes(b"".join(done.trial.lines))
    return seen | _came_to(done) | {"trace": trace.name}


def _fault(cell: Cell) -> str:
    data = cell.task.data
    return at_once(data["budget"]) if "budget" in data else data["fault"]


def _struck(cell: Cell, kinds: tuple[str, ...]) -> Done:
    team, number = cell.condition.name, cell.task.data["letter"]
    faults = [fault for kind in kinds for fault in injected(team, kind, number)]
    return _done(team, number, schedule_of({"seed": cell.seed + number, "inject": faults}))


def _met(kind: str, clean: Done, done: Done) -> dict[str, Any]:
    """Give how a fault was met, and how far it came."""
    way = met(kind, clean.trial.events, done.trial.events, writes=team_module("desk").FILE)
    came = _handled(kind, clean, done)
    return {
        "fired": bool(came.struck),
        "effective": came.effective,
        "detected": came.detected is not None,
        "mitigated": came.mitigated is not None,
        "contained": came.contained and done.passed,  # what is filed is the answer, and the letter its contract
        "harmed": came.effective and done.harmed,
        "behaviour": way.behaviour.name if way.behaviour else way.why,
        "tiers": way.tiers,
    }


def _handled(kind: str, clean: Done, done: Done) -> Handled:
    faults = [fault for fault in done.trial.schedule.faults if fault.kind == kind]
    [came] = handled(done.trial.events, faults[:1], clean=clean.trial.events, within=WITHIN_STEPS, after=WITHIN_STEPS)
    return came


def _came_to(done: Done) -> dict[str, Any]:
    """Give what a run came to, and what it took: turns are answers of models."""
    account = account_of(done.trial.events, team_module("desk").app.registry)
    return {
        "passed": done.passed,
        **({} if done.passed else {"why": f"filed {dict(done.filed)} and not {dict(done.wanted)}"}),
        "steps": account.steps,
        "turns": sum(call.surface == "model" for call in done.trial.seen.calls),
        "tokens": account.tokens,
        "run": account.facts(),
    }


@cache
def twin(team: str, number: int) -> Done:
    """Let a team do a task without a fault, once in a process."""
    return _done(team, number, Schedule())


def _done(team: str, number: int, schedule: Schedule) -> Done:
    """Let a team do a task at a desk that is as it was in the morning."""
    desk, task = team_module("desk"), team_module("tasks").TASKS[number]
    trial = Trials(desk.app, team_module(team).main, before=desk.fresh).run(schedule, {"letter": task.letter})
    if trial.error is not None:
        raise trial.error  # the teams tell their models what goes wrong: what stops one is a mistake of the suite
    return Done(trial, dict(desk.FILED), task.filed)
