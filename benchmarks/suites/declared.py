"""What a directory with a ``suite.yaml`` does for a cell: its agent is run once, and judged by what it leaves.

The modules of the directory are imported anew for every cell, so that what an agent keeps in them is as it was at the
beginning. Time is virtual unless the suite says otherwise: nothing waits, and the same cell writes the same trace.

What this does not verify: that an agent leaves nothing elsewhere, on a disk or at a service.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

from harness.bench.declared import Declared, Wanted, read_declared
from harness.bench.figures import Figure
from harness.bench.measures import SECONDS, TOOK, counted_by_task, measures, runs_of
from harness.bench.oracle import judged
from harness.bench.suite import Suite
from harness.bench.task import Cell, Condition, Row, Task
from harness.determinism.streams import seed_for
from harness.door.agents import load_entry
from harness.door.app import Harness, app_of
from harness.door.scripted import answered_by
from harness.door.trial import Trial, Trials
from harness.errors import UsageError
from harness.registry.invariant import Expression
from harness.registry.registry import Registry
from harness.review.account import account_of
from harness.stress.schedule import Schedule
from harness.trace.event import Event
from harness.trace.value import encode_value
from harness.trace.verdict import Truth

TRACE: Final = "run.mat.jsonl"
_SEEDS: Final = 2**31  # of a trace, which a reader may want to type
_GRAVER: Final[tuple[Truth, ...]] = ("holds", "unknown", "violated")


def suite_of(folder: Path) -> Suite:
    """Make the suite of a directory; PlanError lists all mistakes in its files, functions that are not there too."""
    declared = read_declared(folder, partial(_missing, folder))
    does = Does(declared)
    return Suite(
        declared.name,
        declared.version,
        declared.title,
        tuple(Task(task.name, task.group, task.said, task.seeded) for task in declared.tasks),
        tuple(map(Condition, declared.agents)),
        does.run,
        does.figures,
        measured=(TOOK, SECONDS, *(f"{name}_{SECONDS}" for name in declared.agents)),
        needs=tuple(declared.needs),
        pinned=does.pinned,
        home=folder,
        ready=does.ready,
    )


class Does:
    """What a declared suite does; it can be sent to another process."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared

    def ready(self) -> None:
        """Say what of the environment is not there that the suite needs."""
        needs = self._declared.needs
        missing = [name for name in needs if not os.environ.get(name)]
        if missing:
            lines = [f"export {name}=…  # {needs[name]}" for name in missing]
            raise UsageError(f"{self._declared.name} needs {' and '.join(missing)}", cure="\n          ".join(lines))

    def pinned(self) -> dict[str, Any]:
        """Give the models that rows depend on, by the names that the environment gives them."""
        return {"models": [os.environ.get(name, "") for name in self._declared.models]}

    def run(self, cell: Cell, folder: Path) -> dict[str, Any]:
        """Do a task once and give what came of it."""
        task = next(task for task in self._declared.tasks if task.name == cell.task.name)
        _fresh(self._declared.folder)
        trial, rules, state = self._tried(task, cell)
        if task.faults is None and _is_of_the_service(trial.error):
            assert trial.error is not None
            raise trial.error  # nothing that the agent did
        (folder / TRACE).write_bytes(b"".join(trial.lines))
        events = trial.events
        account = account_of(events, rules)
        result = encode_value(trial.seen.result)
        wrong = [*_wrong(task, trial, state, result, self._function)]
        return {
            "passed": not wrong,
            "correct": not wrong,
            **({"why": "; ".join(wrong)} if wrong else {}),
            "result": result,
            "state": state,
            "steps": len(trial.seen.calls),
            **({"tokens": trial.seen.tokens} if trial.seen.tokens else {}),  # not every service says
            "violations": sorted(trial.seen.rules),
            **({"violated_at": account.first.step, "violated_by": account.first.agent} if account.first else {}),
            **({} if self._declared.virtual else {TOOK: (events[-1].at - events[0].at) / 1e6}),
            "account": account.facts(),
            "trace": TRACE,
        }

    def figures(self, rows: Sequence[Row]) -> dict[str, Figure]:
        """Count what was done right, against the bar, and the runs in which a rule was violated; then all measures.

        There are intervals where chance decides. A bar of 0 is none.
        """
        chance, bar = any(row.cell.task.seeded for row in rows), self._declared.bar
        least = math.ceil(round(bar * len(rows), 9))  # 0.55 of 100 is 55.00000000000001 in floats
        targets = {"passed": f">= {least}" if bar else "", "violating": ""}
        figures = {
            name: counted_by_task([(row.cell.task.name, bool(row.found[key])) for row in rows], targets[name])
            for name, key in (("passed", "passed"), ("violating", "violations"))
        }
        figures |= measures(runs_of([{**row.cell.facts, **row.found} for row in rows]))
        return figures if chance else {name: one._replace(interval=None) for name, one in figures.items()}

    def _tried(self, task: Wanted, cell: Cell) -> tuple[Trial, Registry, Any]:
        """Let the agent do the task; give that, the rules it was held to, and the final state."""
        declared, function = self._declared, self._function
        with answered_by(function(declared.model)) if declared.model else nullcontext():
            agent = function(declared.agents[cell.condition.name])
            app = app_of(agent) or Harness()
            app = app.with_registry(declared.rules) if declared.rules else app
            trial = Trials(app, agent, virtual=declared.virtual).run(_schedule(task, cell.seed), task.input)
            return trial, app.registry, encode_value(function(declared.state)()) if declared.state else None

    def _function(self, name: str) -> Callable[..., Any]:
        return load_entry(name, str(self._declared.folder.resolve()))


def _schedule(task: Wanted, seed: int) -> Schedule:
    """Let what is drawn follow from the seed of the cell; the faults of a task without chance from their own plan.

    Each task has draws of its own, or all of one seed would fail and succeed together, and be counted as many.
    """
    drawn = seed_for(seed, task.name) % _SEEDS
    if task.faults is None:
        return Schedule(seed=drawn)
    return Schedule(task.faults.faults, seed=drawn if task.seeded else task.faults.seed)


def _wrong(
    task: Wanted, trial: Trial, state: Any, result: Any, function: Callable[[str], Callable[..., Any]]
) -> Iterator[str]:
    """Yield what is not as the task wants it."""
    if trial.error is not None:
        yield f"the agent raised {type(trial.error).__name__}: {trial.error}".splitlines()[0]
    verdicts = _verdicts(trial.events)
    for rule, expected in task.expect.items():
        if (came := verdicts.get(rule, "holds")) != expected:
            yield f"{rule} is {came}, expected was {expected}"
    names = {"state": state, "result": result, "input": task.input}
    for oracle in task.oracles:
        if isinstance(oracle, Expression):
            yield from filter(None, [judged(oracle, names)])
        elif not function(oracle)(state, result):
            yield f"{oracle} says no"


def _verdicts(events: Iterable[Event]) -> dict[str, Truth]:
    """Give the gravest that each rule has said."""
    said: dict[str, Truth] = {}
    for event in events:
        if event.kind == "verdict":
            rule, truth = event.body["rule"], event.body["verdict"]
            said[rule] = max(said.get(rule, "holds"), truth, key=_GRAVER.index)
    return said


def _is_of_the_service(error: Exception | None) -> bool:
    """Tell whether a model's service failed, or refused this user: no key, no such model, no credit."""
    openai = sys.modules.get("openai")
    return openai is not None and isinstance(error, openai.OpenAIError)


def _fresh(folder: Path) -> None:
    """Forget the modules of this directory, and those of others that have their names."""
    here = folder.resolve()
    names = {path.stem for path in here.glob("*.py")} | {path.parent.name for path in here.glob("*/__init__.py")}
    names.discard("harness")  # a suite may stand in a checkout of it
    for name in [name for name in sys.modules if name.partition(".")[0] in names]:
        del sys.modules[name]


def _missing(folder: Path, entry: str) -> UsageError | None:
    """Say what is wrong with a function that a suite names, if anything is."""
    _fresh(folder)
    try:
        load_entry(entry, str(folder.resolve()))
    except UsageError as error:
        return error
    return None
