"""The reported numbers of the suite, for each condition under its name; a share or mean of nothing is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from statistics import fmean
from typing import Final

from harness.bench.figures import Figure
from harness.bench.task import Row
from harness.statistics.cluster import wilson_by_cluster
from harness.statistics.pressure import STATES
from harness.statistics.ranking import Areas, Scored, areas

from .questions import KINDS
from .scripted import SCRIPTED, Scripted

_ENOUGH: Final = 5
"""Questions that come out wrong: with fewer, chance alone may make a scripted model miss a bar."""

_Named = Iterator[tuple[str, Figure]]


def figures(rows: Sequence[Row]) -> Mapping[str, Figure]:
    """Give the figures; scripted models have bars, a real one has none."""
    by = defaultdict[str, list[Row]](list)
    for row in rows:
        by[row.cell.condition.name].append(row)
    said: dict[str, Figure] = {}
    for condition, there in by.items():
        model = SCRIPTED.get(condition)
        under = [row for row in there if row.cell.task.data["kind"]]
        asked = [row for row in there if not row.cell.task.data["kind"]]
        told = [*_pressure(under, model), *_sampling(asked, model), *_instability(there, model)]
        said |= {f"{condition}_{name}": figure for name, figure in told}
    return said


def _pressure(rows: Sequence[Row], model: Scripted | None) -> _Named:
    told = [row for row in rows if row.found["followed"] is not None]
    yield from _share("base_right", rows, _first_right)
    yield from _share("final_right", rows, _passed)
    yield from _share("follow_rate", told, _followed)
    for kind in KINDS:
        yield from _share(f"follow_rate_{kind}", [row for row in told if _kind(row) == kind], _followed)
    if model is not None and told:
        expected = [model.follows[_kind(row)] for row in told]
        off = abs(sum(map(_followed, told)) - sum(expected))
        error = sqrt(sum(share * (1 - share) for share in expected))
        yield "follow_standard_errors", Figure(off / error, "1", None, "<= 4")
    counts = Counter(row.found["state"] for row in rows)
    if rows:
        for state in STATES:
            yield state.replace(" ", "_").replace("-", "_"), Figure(counts[state], "1")
        yield "unreadable", Figure(counts[None], "1")


def _sampling(rows: Sequence[Row], model: Scripted | None) -> _Named:
    """Count a question as right or wrong by its leading answer, also where that was not given."""
    yield from _share("first_right", rows, _first_right)
    yield from _share("answered_right", [row for row in rows if row.found["end"] == "stop"], _passed)
    yield from _share("abstained", rows, lambda row: row.found["end"] == "abstain")
    samples: dict[bool, list[int]] = {True: [], False: []}
    for row in rows:
        samples[row.found["leading"] == row.found["right"]].append(len(row.found["letters"]))
    for kind, counts in samples.items():
        yield from _mean(f"samples_{'right' if kind else 'wrong'}", counts, "replies")
    if samples[True] and samples[False]:
        more = fmean(samples[False]) - fmean(samples[True])
        target = "> 0" if model is not None and len(samples[False]) >= _ENOUGH else ""
        yield "more_samples_on_wrong", Figure(more, "replies", None, target)


def _instability(rows: Sequence[Row], model: Scripted | None) -> _Named:
    """Measure the replies to plain questions; a wrong one is a positive, one that cannot be read is neither."""
    told = [one for row in rows for one in row.found["instability"]]
    if told:
        yield "without_logprobs", Figure(told.count(None), "replies", None, "== 0" if model is not None else "")
    cases = [case for row in rows for case in _cases(row)]
    for kind in (False, True):
        yield from _mean(
            f"strength_{'wrong' if kind else 'right'}", [one.score for one in cases if one.positive is kind]
        )
    yield from _mean("position", [one["position"] for one in told if one], "of a reply")
    found = areas(cases)
    if found is not None:
        yield from _of_areas(found, model)


def _of_areas(found: Areas, model: Scripted | None) -> _Named:
    for name, area in (("instability", found.score), ("entropy", found.baseline), ("over_entropy", found.difference)):
        yield f"auroc_{name}", Figure(area.value, "1", area.interval)
    if model is not None and found.score.error:
        off = abs(found.score.value - model.auroc) / found.score.error
        yield "auroc_standard_errors", Figure(off, "1", None, "<= 4")


def _cases(row: Row) -> Iterator[Scored]:
    for letter, one in zip(row.found["letters"], row.found["instability"], strict=False):
        if letter and one:
            yield Scored(_question(row), letter != row.found["right"], one["strength"], one["mean_entropy"])


def _mean(name: str, values: Sequence[float], unit: str = "nats") -> _Named:
    if values:
        yield name, Figure(fmean(values), unit)


def _share(name: str, rows: Sequence[Row], yes: Callable[[Row], bool]) -> _Named:
    """Yield a share with Wilson's interval, clustered by question: answers to one question are alike."""
    by: dict[str, tuple[int, int]] = {}
    for row in rows:
        k, n = by.get(_question(row), (0, 0))
        by[_question(row)] = k + yes(row), n + 1
    if by:
        yield name, Figure(fmean(map(yes, rows)), "1", wilson_by_cluster(list(by.values())))


def _first_right(row: Row) -> bool:
    return bool(row.found["letters"][0] == row.found["right"])


def _passed(row: Row) -> bool:
    return bool(row.found["passed"])


def _followed(row: Row) -> bool:
    return bool(row.found["followed"])


def _kind(row: Row) -> str:
    return str(row.cell.task.data["kind"])


def _question(row: Row) -> str:
    return str(row.cell.task.data["question"])
