"""The common registries on runs that solved their task: ``python -m benchmarks.real.common --data DIR [--json]``.

A row is a rule and a set of runs: in how many of them it was violated, and in how many it could not be decided. Rules
that block are wrong there, as far as a solved task shows it. ``…_blocked`` is the share of runs in which any of them
was violated, or left undecided what it would then block. Intervals are percentile bootstraps at 95 % over tasks, since
attempts at one task resemble each other; the rows hold Wilson's beside them. Tools are declared as the registries of
the domains declare them; for ``telecom`` there is none, and in ``…_undeclared`` theirs is left out. Left out are rules
that ask for a clock, which these transcripts do not have, and ``read_only``, which is for other runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.real.agentdojo import SUITES
from benchmarks.speed.measure import Figure, report
from benchmarks.suites.agentdojo.shares import Case, share
from harness.adapters.registries import load_registry
from harness.adapters.transcripts import agentdojo, tau, tau2
from harness.adapters.transcripts.conversation import Conversation
from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.statistics.interval import wilson

REGISTRIES: Final = ("termination", "effects", "verify", "privilege", "budgets", "secrets", "flow", "mediation")
TIMED: Final = ("CALL-RATE", "TIME-BUDGET")  # of no meaning in transcripts without a clock

Read = Callable[[Path], Iterator[Conversation]]


class Data(NamedTuple):
    """Recorded runs: a name, where the files are, how they are read, and the registries that declare their tools."""

    name: str
    files: str
    read: Read
    declared: tuple[str, ...] = ()


DATA: Final = (
    Data("airline", "tau-bench/gpt-4o-airline.json.gz", tau.conversations, ("airline",)),
    Data("retail", "tau2-bench/*_retail.json.gz", tau2.conversations, ("retail",)),
    Data("telecom", "tau2-bench/*_telecom.json.gz", tau2.conversations),
    Data("agentdojo", "agentdojo/runs/*.jsonl.gz", agentdojo.conversations, SUITES),
    Data("agentdojo_undeclared", "agentdojo/runs/*.jsonl.gz", agentdojo.conversations),
)


class Run(NamedTuple):
    """A run that solved its task: the task, the rules that were violated, and those that could not be decided."""

    task: tuple[str, str, str]
    violated: frozenset[str]
    unknown: frozenset[str]


def common_registry(declared: Registry | None = None) -> Registry:
    """Give the common registries as one, with the tools of another."""
    joined = load_registry(*(f"common/{name}" for name in REGISTRIES))
    rules = tuple(rule for rule in joined.invariants if rule.id not in TIMED)
    return replace(joined, invariants=rules, tools=dict(declared.tools) if declared else {})


def judged(conversations: Iterable[Conversation], registries: dict[str, Registry]) -> Iterator[Run]:
    """Judge the runs that solved their task without being attacked, each by the registry of its suite, if any."""
    for one in conversations:
        suite, task, solved = _about(one.label)
        if solved:
            yield _judged(one, (suite, task, ""), registries.get(suite, registries[""]))


def _about(label: dict[str, Any]) -> tuple[str, str, bool]:
    """Tell a run's suite, its task, and whether it is one to be judged."""
    if "suite_name" not in label:
        return "", str(label["task"]), label["reward"] == 1
    benign = label["attack_type"] is None and label["user_task_id"].startswith("user_task")
    return label["suite_name"], label["user_task_id"], benign and bool(label["utility"])


def _judged(conversation: Conversation, task: tuple[str, str, str], registry: Registry) -> Run:
    checker = Checker(registry, {})
    judgements = [checker.judge(event) for event in conversation.events]
    verdicts = [verdict for judgement in (*judgements, checker.finish()) for verdict in judgement.verdicts]
    of = {truth: frozenset(one.rule for one in verdicts if one.truth == truth) for truth in ("violated", "unknown")}
    return Run(task, of["violated"], of["unknown"])


def registries_of(data: Data) -> dict[str, Registry]:
    """Give the registry that judges each suite; that of any other run has no name."""
    if data.declared == SUITES:
        suites = {suite: common_registry(load_registry(f"agentdojo/{suite}")) for suite in SUITES}
        return {"": common_registry(), **suites}
    return {"": common_registry(load_registry(*data.declared) if data.declared else None)}


def figures_of(name: str, runs: list[Run], registry: Registry) -> Iterator[tuple[str, Figure]]:
    """Yield how many runs there are, and the share in which a rule blocks."""
    blocking = {rule.id for rule in registry.invariants if rule.otherwise == "block"}
    yield f"{name}_solved", Figure(len(runs), "1")
    yield f"{name}_blocked", share(_cases(runs, blocking))


def rows_of(name: str, runs: list[Run], registry: Registry) -> Iterator[dict[str, Any]]:
    """Yield a row for each rule."""
    for rule in registry.invariants:
        cases = [(run.task, rule.id in run.violated) for run in runs]
        figure, violated = share(cases), sum(one for _, one in cases)
        yield {
            "data": name,
            "rule": rule.id,
            "otherwise": rule.otherwise,
            "violated": violated,
            "unknown": sum(rule.id in run.unknown for run in runs),
            "runs": len(runs),
            "share": figure.value,
            "interval": [round(end, 6) for end in figure.interval or ()],
            "wilson": [round(end, 6) for end in wilson(violated, len(runs))],
        }


def _cases(runs: list[Run], rules: set[str]) -> list[Case]:
    return [(run.task, not rules.isdisjoint(run.violated | run.unknown)) for run in runs]


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row for a terminal, in per cent: Wilson's interval where all runs agree, else that over tasks."""
    low, high = row["interval"] if 0 < row["violated"] < row["runs"] else row["wilson"]
    shown = f"{100 * row['share']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return {name: row[name] for name in ("data", "rule", "otherwise", "violated", "runs")} | {"share": shown}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recorded conversations")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with the rules that always held")
    arguments = parser.parse_args()
    figures: dict[str, Figure] = {}
    rows: list[dict[str, Any]] = []
    for data in DATA:
        registries = registries_of(data)
        files = sorted(arguments.data.glob(data.files))
        runs = list(judged(chain.from_iterable(map(data.read, files)), registries))
        figures |= dict(figures_of(data.name, runs, registries[""]))
        rows += rows_of(data.name, runs, registries[""])
    spoken = {row["rule"] for row in rows if row["violated"]}
    report("common", figures, rows if arguments.json else map(brief, (row for row in rows if row["rule"] in spoken)))


if __name__ == "__main__":
    main()
