"""Where variance comes from."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.sources import Source, variance_by_source

rows = st.lists(st.tuples(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.floats(-5, 5)), min_size=2, max_size=20)


@given(rows)
def test_the_parts_are_those_of_all_pairs(found: list[tuple[tuple[int, int], float]]) -> None:
    """Half the mean square of pairs that first differ in a source is its variance and that of all after it."""
    sums: list[float | None] = []
    for place in range(3):
        squares = [
            (a - b) ** 2 / 2
            for (one, a), (other, b) in combinations(found, 2)
            if one[:place] == other[:place] and (place == 2 or one[place] != other[place])
        ]
        sums.append(fmean(squares) if squares else None)
    within = 0.0
    for source, known in zip(reversed(variance_by_source(found, ("task", "seed"))), reversed(sums), strict=True):
        if known is None:
            assert source.variance is None
        else:
            assert source.variance == pytest.approx(max(0.0, known - within), abs=1e-9)
            within = known


def test_a_balanced_table_gives_the_analysis_of_variance() -> None:
    """Mean squares between and within groups of three, as in every textbook."""
    table = {"a": (6.0, 8.0, 10.0), "b": (1.0, 4.0, 4.0), "c": (12.0, 13.0, 17.0)}
    found = variance_by_source([((name,), value) for name, values in table.items() for value in values], ("task",))
    within = fmean(variance(values) for values in table.values())
    between = variance([fmean(values) for values in table.values()]) - within / 3
    assert found == [Source("task", pytest.approx(between)), Source("rest", pytest.approx(within))]


def test_what_was_not_repeated_is_not_told_apart() -> None:
    """With one seed its variance is part of the task's; a source that changes nothing adds nothing."""
    found = variance_by_source([(("a", 1), 0.0), (("b", 1), 1.0), (("c", 1), 0.0)], ("task", "seed"), rest="else")
    assert found == [("task", pytest.approx(1 / 3)), ("seed", None), ("else", None)]
    same = variance_by_source(
        [((task, seed), float(task == "a")) for task in "abc" for seed in (1, 2)], ("task", "seed")
    )
    assert same[1] == ("seed", 0)


def test_a_row_without_a_level_is_refused() -> None:
    """UsageError says how many there should be."""
    with pytest.raises(UsageError, match="1 levels of 2 sources"):
        variance_by_source([(("a",), 1.0)], ("task", "seed"))
