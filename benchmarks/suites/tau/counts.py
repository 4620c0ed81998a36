"""What the writes of one set of conversations come to, rule by rule, as JSON.

Precision: of the write calls that a blocking rule would have stopped, the share that was wrong or refused. Recall: of
the wrong and refused ones, the share that would have been stopped. ``false_block``: of the right ones, the share that
would have been stopped. A call is stopped where a blocking rule is violated, or cannot be decided. What the door would
ask a person about is counted apart (``asked_of_right``: the share of the right ones). In the rows intervals are
Wilson's at 95 %, and those of a bootstrap over whole tasks, since attempts at one task resemble each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.bench.figures import SEED
from harness.registry.registry import Registry
from harness.statistics.cluster import cluster_bootstrap
from harness.statistics.interval import wilson

from .cells import Run
from .writes import Write

Case = tuple[str, bool]  # a task, and whether it was so there
Part = tuple[str, float, float]  # a task, and how much of how much was so there


def bad(write: Write) -> bool:
    """Tell whether a call should have been stopped."""
    return write.truth in ("wrong", "refused")


def right(write: Write) -> bool:
    """Tell whether a call is what the task asks for."""
    return write.truth == "right"


def stopped(write: Write) -> bool:
    """Tell whether the door would have stopped a call."""
    return write.decision == "block"


def asked(write: Write) -> bool:
    """Tell whether the door would have asked a person about a call."""
    return write.decision == "escalate"


def writes_of(runs: Iterable[Run]) -> list[tuple[str, Write]]:
    """Give every write with its task."""
    return [(run.task, write) for run in runs for write in run.writes or ()]


def by_task(parts: Iterable[Part]) -> list[tuple[float, float]]:
    """Add up the parts of each task."""
    sums: dict[str, tuple[float, float]] = defaultdict(lambda: (0, 0))
    for task, k, n in parts:
        sums[task] = sums[task][0] + k, sums[task][1] + n
    return list(sums.values())


def rows_of(data: str, registry: Registry, runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """Yield the totals, and a row for each rule that stops or escalates."""
    writes = writes_of(runs)
    yield row(data, "all that block", "", writes, stopped)
    yield row(data, "of these only undecided", "", writes, lambda write: stopped(write) and not write.against)
    yield row(data, "asked of a person", "", writes, asked)
    yield row(data, "stopped or asked", "", writes, lambda write: write.decision != "allow")
    for rule in registry.invariants:
        if rule.on == "action" and rule.otherwise in ("block", "escalate"):
            yield row(data, rule.id, rule.otherwise, writes, _violating(rule.id))


def _violating(rule: str) -> Callable[[Write], bool]:
    return lambda write: rule in write.against or rule in write.escalating or rule in write.undecided


def row(
    data: str, rule: str, otherwise: str, writes: list[tuple[str, Write]], alarm: Callable[[Write], bool]
) -> dict[str, Any]:
    """Count the calls that a rule speaks against, by what they were."""
    truths = Counter(write.truth for _, write in writes if alarm(write))
    return {
        "data": data,
        "rule": rule,
        "otherwise": otherwise,
        "wrong": truths["wrong"],
        "refused": truths["refused"],
        "right": truths["right"],
        **share("precision", ((task, bad(write)) for task, write in writes if alarm(write))),
        **share("recall", ((task, alarm(write)) for task, write in writes if bad(write))),
        **share("false_block", ((task, alarm(write)) for task, write in writes if right(write))),
    }


def share(name: str, cases: Iterable[Case]) -> dict[str, Any]:
    """Give a proportion, its Wilson interval, and its interval by task; None where there are no cases."""
    tasks = by_task((task, so, 1) for task, so in cases)
    k, n = int(sum(k for k, _ in tasks)), int(sum(n for _, n in tasks))
    return {
        name: k / n if n else None,
        f"{name}_wilson": [round(end, 3) for end in wilson(k, n)],
        f"{name}_by_task": [round(end, 3) for end in cluster_bootstrap(tasks, SEED)],
    }
