"""Where variance comes from: how much of it each source adds to those before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from harness.errors import UsageError


class Source(NamedTuple):
    """A source of variance; ``variance`` is None where nothing was measured with another level of it alone.

    What cannot be told apart is part of the last source before it that can. An estimate below 0, which chance makes of
    small ones, is given as 0.
    """

    name: str
    variance: float | None


def variance_by_source(
    rows: Sequence[tuple[Sequence[Hashable], float]], sources: Sequence[str], *, rest: str = "rest"
) -> list[Source]:
    """Split the variance of values into what each source adds, from the outermost to the innermost.

    Rows are (levels of the sources, in their order; value). Two rows that agree in the first sources and differ in the
    next, differ because of that one and all after it: half the mean square of such differences is the sum of their
    variances, and the difference of two such sums is one of them. Last comes ``rest``, by which rows differ whose
    levels are all the same. Unbiased however many rows each level has, for random effects, each nested in the one
    before. UsageError for a row without a level of each source. O(rows × sources). Source: Searle, Casella and
    McCulloch, Variance Components, 1992, chapter 3 (the nested model), by pairs.
    """
    for levels, _ in rows:
        if len(levels) != len(sources):
            what = f"{len(levels)} levels of {len(sources)} sources"
            raise UsageError(what, cure="give every row one level of each source")
    sums = [_half_square(rows, place) for place in range(len(sources) + 1)]
    found, within = list[Source](), 0.0
    for name, known in zip(reversed([*sources, rest]), reversed(sums), strict=True):
        found.append(Source(name, None if known is None else max(0.0, known - within)))
        within = within if known is None else known
    return found[::-1]


def _half_square(rows: Sequence[tuple[Sequence[Hashable], float]], place: int) -> float | None:
    """Give half the mean square of pairs that agree in the sources before this one and differ in it, if any do."""
    groups: dict[tuple[Hashable, ...], dict[Hashable, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row, (levels, value) in enumerate(rows):
        groups[tuple(levels[:place])][levels[place] if place < len(levels) else row].append(value)
    squares, pairs = 0.0, 0
    for parts in groups.values():
        whole = _square([value for part in parts.values() for value in part])
        inner = [_square(part) for part in parts.values()]
        squares += whole[0] - sum(one[0] for one in inner)
        pairs += whole[1] - sum(one[1] for one in inner)
    return squares / pairs / 2 if pairs else None


def _square(values: Sequence[float]) -> tuple[float, int]:
    """Give the sum of the squares of all differences of two, and how many there are."""
    count = len(values)
    middle = sum(values) / count
    return count * sum((value - middle) ** 2 for value in values), count * (count - 1) // 2
