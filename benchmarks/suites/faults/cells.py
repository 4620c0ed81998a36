"""One cell: a team does all tasks under one fault, each beside its clean twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench.task import Cell
from harness.door.models import model_environment
from harness.door.trial import Trial, Trials
from harness.statistics.tolerance import counted_tiers, robustness
from harness.stress.schedule import schedule_of
from harness.stress.tolerance.tiers import Met, met
from harness.testing.model_server import ModelServer
from harness.trace.event import Event

from .strikes import CLEAN, injected
from .teams import team_module


class Done(NamedTuple):
    """One run of a team: whether the task is done by what is filed, what struck it, and what happened."""

    passed: bool
    strikes: tuple[bool, ...]
    events: tuple[Event, ...]


def run(cell: Cell, folder: Path) -> Mapping[str, Any]:
    """Do a cell and give what was seen."""
    team, kind = cell.condition.name, cell.task.name
    with _model():
        if kind == CLEAN:
            return _clean(team)
        return _faulted(team, kind, cell.seed)


def _clean(team: str) -> dict[str, Any]:
    passed = [task.name for number, task in enumerate(_tasks()) if twin(team, number).passed]
    return {"passed": passed, "passes": len(passed), "tasks": len(_tasks())}


def _faulted(team: str, kind: str, seed: int) -> dict[str, Any]:
    """Strike every task that the team does without a fault."""
    sound = [number for number in range(len(_tasks())) if twin(team, number).passed]
    runs = {number: _done(team, number, kind, seed) for number in sound}
    ways = {number: _met(team, number, kind, done) for number, done in runs.items()}
    passes = sum(done.passed for done in runs.values())
    counts = counted_tiers((ways[number].tiers, runs[number].passed) for number in sound)
    return {
        "injections": len(runs),
        "effective": sum(any(done.strikes) for done in runs.values()),
        "inert": sum(bool(done.strikes) and not any(done.strikes) for done in runs.values()),
        "unfired": sum(not done.strikes for done in runs.values()),
        "passes": passes,
        "rs": robustness(passes, len(sound)).value,
        "tiers": {tier: list(row) for tier, row in counts.items()},
        "behaviours": dict(Counter(way.behaviour.name if way.behaviour else way.why for way in ways.values())),
        "passed": [_tasks()[number].name for number in sound if runs[number].passed],
        "failed": [_tasks()[number].name for number in sound if not runs[number].passed],
    }


def _met(team: str, number: int, kind: str, done: Done) -> Met:
    return met(kind, twin(team, number).events, done.events, writes=team_module("desk").FILE)


@cache
def twin(team: str, number: int) -> Done:
    """Let a team do a task without a fault, once in a process."""
    return _done(team, number)


def _done(team: str, number: int, kind: str = CLEAN, seed: int = 0) -> Done:
    """Let a team do a task at a desk that is as it was in the morning."""
    desk, task = team_module("desk"), _tasks()[number]
    faults = [] if kind == CLEAN else injected(team, kind, number)
    trials = Trials(desk.app, team_module(team).main, before=desk.fresh)
    seen: Trial = trials.run(schedule_of({"seed": seed + number, "inject": faults}), {"letter": task.letter})
    if seen.error is not None:
        raise seen.error  # the teams tell their models what goes wrong: what stops one is a mistake of the suite
    strikes = tuple(one.effective for one in seen.seen.struck if one.kind == kind)
    return Done(task.filed == desk.FILED, strikes, tuple(seen.events))


def _tasks() -> Any:
    return team_module("tasks").TASKS


@contextmanager
def _model() -> Iterator[None]:
    with ModelServer(team_module("policies").policy) as server, model_environment(server.base_url):
        yield
