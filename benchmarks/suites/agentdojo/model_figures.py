"""What a model did: its user's tasks and an attacker's, with rules and without, and which rules spoke."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from harness.bench.figures import Figure
from harness.bench.task import Row
from harness.statistics.interval import wilson

from .cells import MODEL_ENFORCED, MODEL_OPEN
from .shares import interval_of

Told = Iterator[tuple[str, Figure]]
Case = tuple[str, bool]
"""A task by its name, and whether what is counted came of one try at it."""


def figures(rows: Iterable[Row]) -> Told:
    """Yield what was done, with rules and without.

    Intervals are Wilson's over tasks; a bootstrap over them where tasks were tried several times and not all agree.
    """
    of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of[row.cell.condition.name].append(row)
    for condition, suffix in ((MODEL_OPEN, "_without"), (MODEL_ENFORCED, "")):
        benign, attacked = ([row for row in of[condition] if _attacked(row) == is_so] for is_so in (False, True))
        yield from _share(f"model_utility{suffix}", benign, "user_done")
        yield from _share(f"model_utility_under_attack{suffix}", attacked, "user_done")
        yield from _share(f"model_text_read{suffix}", attacked, "reached")
        yield from _share(f"model_attacks_succeed{suffix}", attacked, "attack_done")
    spoke = Counter((rule, _attacked(row)) for row in of[MODEL_ENFORCED] for rule in row.found["violations"])
    for (rule, attacked_too), count in sorted(spoke.items()):
        yield f"model_{'attacks' if attacked_too else 'tasks'}_refused_by_{rule}", Figure(count, "1")


def _attacked(row: Row) -> bool:
    return bool(row.cell.task.data["goal"])


def _share(name: str, rows: Iterable[Row], fact: str) -> Told:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        counts[row.cell.task.name][0] += row.found[fact]
        counts[row.cell.task.name][1] += 1
    k, n = (sum(count[place] for count in counts.values()) for place in (0, 1))
    if n:
        tried_once = n == len(counts)
        yield name, Figure(k / n, "1", tuple(wilson(k, n) if tried_once else interval_of(counts.values())))
