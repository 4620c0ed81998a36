"""The airline and retail registries on recorded conversations: ``python -m benchmarks.real.tau --data DIR [--json]``.

Precision: of the write calls that a blocking rule would have stopped, the share that was wrong or refused. Recall: of
the wrong and refused ones, the share that would have been stopped. ``false_block``: of the right ones, the share that
would have been stopped. A call is stopped where a blocking rule is violated, or cannot be decided. What the door would
ask a person about is counted apart (``asked_of_right``: the share of the right ones). Intervals are Wilson's at 95 %,
in the rows also those of a bootstrap over whole tasks, since attempts at one task resemble each other.

AgentRx: of the steps that people annotated as failures, the share at which a blocking rule is violated
(``agentrx_stopped``), or any rule (``agentrx_noticed``); of all of them, and of those of the agent.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.real.writes import Run, Write, by_task, judged
from benchmarks.speed.measure import SEED, Figure, report
from harness.adapters.registries import load_registry
from harness.adapters.transcripts import agentrx, tau, tau2
from harness.adapters.transcripts.conversation import Conversation
from harness.registry.registry import Registry
from harness.statistics.cluster import cluster_bootstrap
from harness.statistics.interval import wilson


class Data(NamedTuple):
    """Recorded conversations, and the registry that judges them; ``barred`` where the bar of precision is set."""

    name: str
    registry: str
    files: tuple[str, ...]
    read: Callable[[Path], Iterator[Conversation]]
    barred: bool = False


DATA: Final = (
    Data("airline", "airline", ("tau-bench/gpt-4o-airline.json.gz",), tau.conversations, barred=True),
    Data("retail", "retail", ("agentrx-tau-retail/trajectories.json.gz",), agentrx.conversations, barred=True),
    Data(
        "airline_tau2",
        "airline",
        ("tau2-bench/gpt-4.1_airline.json.gz", "tau2-bench/ft-gpt-4.1_airline.json.gz"),
        tau2.conversations,
    ),
    Data(
        "retail_tau2",
        "retail",
        ("tau2-bench/gpt-4.1_retail.json.gz", "tau2-bench/ft-gpt-4.1_retail.json.gz"),
        tau2.conversations,
    ),
)


def bad(write: Write) -> bool:
    """Tell whether a call should have been stopped."""
    return write.truth in ("wrong", "refused")


def right(write: Write) -> bool:
    """Tell whether a call is what the task asks for."""
    return write.truth == "right"


def stopped(write: Write) -> bool:
    """Tell whether the door would have stopped a call."""
    return write.decision == "block"


def figures_of(data: Data, runs: list[Run]) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of one set of conversations."""
    writes = [write for run in runs for write in run.writes]
    truths = Counter(write.truth for write in writes)
    yield from ((f"{data.name}_{truth}", Figure(truths[truth], "1")) for truth in ("right", "wrong", "refused"))
    precise = proportion(bad(write) for write in writes if stopped(write))
    yield f"{data.name}_precision", precise._replace(target=">= 0.95" if data.barred else "")
    yield f"{data.name}_recall", proportion(stopped(write) for write in writes if bad(write))
    yield f"{data.name}_false_block", proportion(stopped(write) for write in writes if right(write))
    yield f"{data.name}_asked_of_right", proportion(write.decision == "escalate" for write in writes if right(write))
    flagged = [(any(map(stopped, run.writes)), run.reward == 0) for run in runs]
    yield f"{data.name}_run_precision", proportion(failed for alarm, failed in flagged if alarm)
    yield f"{data.name}_run_recall", proportion(alarm for alarm, failed in flagged if failed)


def proportion(cases: Iterable[bool]) -> Figure:
    """Give a share with Wilson's interval; 0 where there are no cases, with the interval [0, 1]."""
    listed = list(cases)
    low, high = wilson(sum(listed), len(listed))
    return Figure(sum(listed) / max(len(listed), 1), "1", (low, high))


def rows_of(data: Data, registry: Registry, runs: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield the totals, and a row for each rule that stops or escalates."""
    writes = [write for run in runs for write in run.writes]
    yield row(data.name, "all that block", "", writes, stopped)
    yield row(data.name, "of these only undecided", "", writes, lambda write: stopped(write) and not write.against)
    yield row(data.name, "asked of a person", "", writes, lambda write: write.decision == "escalate")
    yield row(data.name, "stopped or asked", "", writes, lambda write: write.decision != "allow")
    for rule in registry.invariants:
        if rule.on == "action" and rule.otherwise in ("block", "escalate"):
            yield row(data.name, rule.id, rule.otherwise, writes, _violating(rule.id))


def _violating(rule: str) -> Callable[[Write], bool]:
    return lambda write: rule in write.against or rule in write.escalating or rule in write.undecided


def row(data: str, rule: str, otherwise: str, writes: list[Write], alarm: Callable[[Write], bool]) -> dict[str, Any]:
    """Count the calls that a rule speaks against, by what they were."""
    truths = Counter(write.truth for write in writes if alarm(write))
    return {
        "data": data,
        "rule": rule,
        "otherwise": otherwise,
        "wrong": truths["wrong"],
        "refused": truths["refused"],
        "right": truths["right"],
        **share("precision", ((write.task, bad(write)) for write in writes if alarm(write))),
        **share("recall", ((write.task, alarm(write)) for write in writes if bad(write))),
        **share("false_block", ((write.task, alarm(write)) for write in writes if right(write))),
    }


def share(name: str, cases: Iterable[tuple[str, bool]]) -> dict[str, Any]:
    """Give a proportion, its Wilson interval, and its interval by task; None where there are no cases."""
    listed = list(cases)
    k, n = sum(success for _, success in listed), len(listed)
    clustered = cluster_bootstrap(tuple(by_task(listed)), SEED)
    return {
        name: k / n if n else None,
        f"{name}_wilson": [round(end, 3) for end in wilson(k, n)],
        f"{name}_by_task": [round(end, 3) for end in clustered],
    }


def failure_rows(data: Data, registry: Registry, runs: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield a row for each step that people annotated as a failure, and the rules that were violated there."""
    for run in runs:
        for failure in run.failures:
            violated = sorted(run.violated.get(failure["step_number"], ()))
            responses = {rule.id: rule.otherwise for rule in registry.invariants}
            yield {
                "data": data.name,
                "failure": f"{run.task}:{failure['step_number']}",
                "agent": failure["failed_agent"],
                "category": failure["failure_category"],
                "violated": violated,
                "stopped": any(responses.get(rule) == "block" for rule in violated),
            }


def failure_figures(rows: list[dict[str, Any]]) -> Iterator[tuple[str, Figure]]:
    """Yield the share of annotated steps that a rule names, and that a rule stops."""
    if rows:
        agent = [one for one in rows if one["agent"] == "Assistant"]
        yield "agentrx_stopped", proportion(one["stopped"] for one in rows)
        yield "agentrx_noticed", proportion(bool(one["violated"]) for one in rows)
        yield "agentrx_agent_stopped", proportion(one["stopped"] for one in agent)
        yield "agentrx_agent_noticed", proportion(bool(one["violated"]) for one in agent)


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row without its intervals, for a terminal."""
    counts: dict[str, Any] = {name: row[name] for name in ("wrong", "refused", "right") if name in row}
    what = row.get("rule") or f"{row['failure']} {row['category']}: {', '.join(row['violated']) or 'nothing'}"
    return {"data": row["data"], "what": what, "otherwise": row.get("otherwise", ""), **counts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recorded conversations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    folder = arguments.data
    figures: dict[str, Figure] = {}
    rows: list[dict[str, Any]] = []
    for data in DATA:
        registry = load_registry(data.registry)
        runs = judged(chain.from_iterable(data.read(folder / file) for file in data.files), registry)
        failed = list(failure_rows(data, registry, runs))
        figures |= dict([*figures_of(data, runs), *failure_figures(failed)])
        rows += [*rows_of(data, registry, runs), *failed]
    report("tau", figures, rows if arguments.json else map(brief, rows))


if __name__ == "__main__":
    main()
