"""What the writes of one set of conversations come to, as JSON.

Precision: of the write calls that a blocking rule would have stopped, the share that was wrong or refused. Recall: of
the wrong and refused ones, the share that would have been stopped. ``false_block``: of the right ones, the share that
would have been stopped. A call is stopped where a blocking rule is violated, or cannot be decided. What the door would
ask a person about is counted apart (``asked_of_right``: the share of the right ones). A share is written as the number
of cases and of all. In the rows intervals are Wilson's at 95 %, and those of a bootstrap over whole tasks, since
attempts at one task resemble each other.

AgentRx: of the steps that people annotated as failures, the share at which a blocking rule is violated
(``agentrx_stopped``), or any rule (``agentrx_noticed``); of all of them, and of those of the agent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.bench.figures import SEED
from harness.registry.registry import Registry
from harness.statistics.cluster import cluster_bootstrap
from harness.statistics.interval import wilson

from .writes import Run, Write, by_task


def bad(write: Write) -> bool:
    """Tell whether a call should have been stopped."""
    return write.truth in ("wrong", "refused")


def right(write: Write) -> bool:
    """Tell whether a call is what the task asks for."""
    return write.truth == "right"


def stopped(write: Write) -> bool:
    """Tell whether the door would have stopped a call."""
    return write.decision == "block"


def shares_of(runs: list[Run]) -> dict[str, list[int]]:
    """Give the shares of one set of conversations, each as the number of cases and of all."""
    writes = [write for run in runs for write in run.writes]
    flagged = [(any(map(stopped, run.writes)), run.reward == 0) for run in runs]
    return {
        "precision": counted(bad(write) for write in writes if stopped(write)),
        "recall": counted(stopped(write) for write in writes if bad(write)),
        "false_block": counted(stopped(write) for write in writes if right(write)),
        "asked_of_right": counted(write.decision == "escalate" for write in writes if right(write)),
        "run_precision": counted(failed for alarm, failed in flagged if alarm),
        "run_recall": counted(alarm for alarm, failed in flagged if failed),
    }


def truths_of(runs: list[Run]) -> dict[str, int]:
    """Count what the writes were."""
    truths = Counter(write.truth for run in runs for write in run.writes)
    return {truth: truths[truth] for truth in ("right", "wrong", "refused")}


def counted(cases: Iterable[bool]) -> list[int]:
    """Give the number of cases that are so, and of all."""
    listed = list(cases)
    return [sum(listed), len(listed)]


def rows_of(data: str, registry: Registry, runs: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield the totals, and a row for each rule that stops or escalates."""
    writes = [write for run in runs for write in run.writes]
    yield row(data, "all that block", "", writes, stopped)
    yield row(data, "of these only undecided", "", writes, lambda write: stopped(write) and not write.against)
    yield row(data, "asked of a person", "", writes, lambda write: write.decision == "escalate")
    yield row(data, "stopped or asked", "", writes, lambda write: write.decision != "allow")
    for rule in registry.invariants:
        if rule.on == "action" and rule.otherwise in ("block", "escalate"):
            yield row(data, rule.id, rule.otherwise, writes, _violating(rule.id))


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


def failure_rows(data: str, registry: Registry, runs: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield a row for each step that people annotated as a failure, and the rules that were violated there."""
    for run in runs:
        for failure in run.failures:
            violated = sorted(run.violated.get(failure["step_number"], ()))
            responses = {rule.id: rule.otherwise for rule in registry.invariants}
            yield {
                "data": data,
                "failure": f"{run.task}:{failure['step_number']}",
                "agent": failure["failed_agent"],
                "category": failure["failure_category"],
                "violated": violated,
                "stopped": any(responses.get(rule) == "block" for rule in violated),
            }


def failure_shares(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Give the share of annotated steps that a rule stops, and that one names; nothing where none is annotated."""
    if not rows:
        return {}
    agent = [one for one in rows if one["agent"] == "Assistant"]
    return {
        "agentrx_stopped": counted(one["stopped"] for one in rows),
        "agentrx_noticed": counted(bool(one["violated"]) for one in rows),
        "agentrx_agent_stopped": counted(one["stopped"] for one in agent),
        "agentrx_agent_noticed": counted(bool(one["violated"]) for one in agent),
    }
