"""The reported numbers of each set of conversations, over its rows.

Intervals are at 95 %: Wilson's, clustered by task, since several trials of one task are alike, and so are the calls in
them. Where all cases agree nothing shows how alike they are: they count for as many as there are tasks. What a success
costs has the interval of a bootstrap over tasks. A share of nothing is left out.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from harness.bench.figures import SEED, Figure
from harness.bench.task import Row
from harness.statistics.cluster import ratio_bootstrap, wilson_by_cluster
from harness.statistics.reliability import cost_of_success, pass_power, success_at, unsupported

from .cells import Run, run_of
from .counts import Case, Part, asked, bad, by_task, right, stopped, writes_of

PRECISE: Final = ">= 0.95"
BARRED: Final = ("airline", "retail")
"""The sets of which the bar of precision is asked."""

_TIMES: Final = (2, 4, 8)  # the k of success@k and pass^k

Figures = Iterator[tuple[str, Figure]]


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures of every set of conversations."""
    sets: dict[str, list[Run]] = defaultdict(list)
    for run in map(run_of, rows):
        sets[run.of].append(run)
    said = {f"{of}_{name}": figure for of, runs in sets.items() for name, figure in _of_set(of, runs)}
    return said | dict(_failures([run for runs in sets.values() for run in runs]))


def _of_set(of: str, runs: list[Run]) -> Figures:
    yield "conversations", Figure(len(runs), "1")
    yield from _shared("success", ((run.task, run.passed) for run in runs))
    yield from _several(runs)
    yield from _conduct(runs)
    yield from _claims(runs)
    yield from _writes(runs, PRECISE if of in BARRED else "")


def _several(runs: list[Run]) -> Figures:
    """Yield success@k and pass^k, the mean over what one agent made of one task in k trials or more."""
    made: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for run in runs:
        made[run.task, run.agent].append(run.passed)
    for k in _TIMES:
        often = [(task, len(trials), sum(trials)) for (task, _), trials in made.items() if len(trials) >= k]
        yield from _parts(f"success_at_{k}", [(task, success_at(n, c, k), 1) for task, n, c in often])
        yield from _parts(f"pass_{k}", [(task, pass_power(n, c, k), 1) for task, n, c in often])


def _conduct(runs: list[Run]) -> Figures:
    """Yield errors and what came of them, calls that were made again, and what a success costs."""
    yield from _shared("with_error", ((run.task, run.conduct.failed > 0) for run in runs))
    yield from _shared("recovered", ((run.task, run.passed) for run in runs if run.conduct.failed))
    yield from _parts("failed_again", [(run.task, run.conduct.failed_again, run.conduct.failed) for run in runs])
    yield from _parts("repeated", [(run.task, run.conduct.repeated, run.conduct.steps) for run in runs])
    yield from _cost("calls_per_success", "calls", runs, lambda run: run.conduct.steps)
    yield from _cost("turns_per_success", "messages", runs, lambda run: run.conduct.turns)
    yield from _cost("tokens_per_success", "tokens", [run for run in runs if run.tokens], lambda run: run.tokens or 0)


def _claims(runs: list[Run]) -> Figures:
    """Yield H_rate and H_prop, and the used ones of the unsupported."""
    said = [(run.task, run.claims.stated, len(run.claims.unsupported), run.claims.used) for run in runs if run.claims]
    claims, without, used = (sum(one[place] for one in said) for place in (1, 2, 3))
    if not claims:
        return
    found = unsupported(claims, without, used)
    yield "claims", Figure(claims, "1")
    yield "unsupported", Figure(found.rate, "1", _interval([(task, part, of) for task, of, part, _ in said]))
    yield "unsupported_used", Figure(found.propagated, "1", _interval([(task, part, of) for task, of, _, part in said]))
    if found.used is not None:
        interval = _interval([(task, part, of) for task, _, of, part in said])
        yield "used_of_unsupported", Figure(found.used, "1", interval)


def _writes(runs: list[Run], bar: str) -> Figures:
    writes = writes_of(runs)
    truths = Counter(write.truth for _, write in writes)
    if not writes:
        return
    yield from ((truth, Figure(truths[truth], "1")) for truth in ("right", "wrong", "refused"))
    yield from _shared("precision", ((task, bad(one)) for task, one in writes if stopped(one)), bar)
    yield from _shared("recall", ((task, stopped(one)) for task, one in writes if bad(one)))
    yield from _shared("false_block", ((task, stopped(one)) for task, one in writes if right(one)))
    yield from _shared("asked_of_right", ((task, asked(one)) for task, one in writes if right(one)))
    flagged = [(run.task, any(map(stopped, run.writes or ())), not run.passed) for run in runs]
    yield from _shared("run_precision", ((task, failed) for task, alarm, failed in flagged if alarm))
    yield from _shared("run_recall", ((task, alarm) for task, alarm, failed in flagged if failed))


def _failures(runs: list[Run]) -> Figures:
    """Yield, of the steps that people annotated as failures, those that a blocking rule stops, and any rule notices."""
    steps = [(run.task, failure) for run in runs for failure in run.failures]
    agents = [(task, failure) for task, failure in steps if failure["agent"] == "Assistant"]
    for name, some in (("agentrx", steps), ("agentrx_agent", agents)):
        yield from _shared(f"{name}_stopped", ((task, failure["stopped"]) for task, failure in some))
        yield from _shared(f"{name}_noticed", ((task, bool(failure["violated"])) for task, failure in some))


def _shared(name: str, cases: Iterable[Case], target: str = "") -> Figures:
    yield from _parts(name, [(task, int(so), 1) for task, so in cases], target)


def _parts(name: str, parts: Sequence[Part], target: str = "") -> Figures:
    """Yield the share of all parts together, with its interval."""
    if of := math.fsum(n for *_, n in parts):
        yield name, Figure(math.fsum(k for _, k, _ in parts) / of, "1", _interval(parts), target)


def _interval(parts: Sequence[Part]) -> tuple[float, float]:
    return tuple(wilson_by_cluster(by_task(parts)))


def _cost(name: str, unit: str, runs: list[Run], cost: Callable[[Run], int]) -> Figures:
    """Yield what all conversations cost, for each that passed; without one there is no such number."""
    found = cost_of_success(map(cost, runs), sum(run.passed for run in runs))
    if found is not None:
        interval = ratio_bootstrap(by_task((run.task, cost(run), run.passed) for run in runs), SEED)
        yield name, Figure(found, unit, tuple(interval) if interval else None)
