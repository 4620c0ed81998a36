"""Greedy set cover: it covers all, takes nothing that adds nothing, and is as near to the smallest choice as stated."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.cover import greedy_cover

SETS = st.dictionaries(st.integers(0, 99), st.frozensets(st.integers(0, 9), max_size=6), max_size=8)


@given(SETS)
def test_all_that_can_be_covered_is(covers: dict[int, frozenset[int]]) -> None:
    """What is chosen covers what all cover, and each choice something that those before it did not."""
    covered: set[int] = set()
    for name in greedy_cover(covers):
        assert not covers[name] <= covered
        covered |= covers[name]
    assert covered == set().union(*covers.values())


@given(SETS)
def test_it_is_near_the_smallest(covers: dict[int, frozenset[int]]) -> None:
    """Beside the smallest choice, found by trying all, it has at most 1 + 1/2 + … + 1/d times as many."""
    everything = frozenset().union(*covers.values())
    sizes = range(len(covers) + 1)
    smallest = next(
        size for size in sizes if any(_whole(one, covers, everything) for one in combinations(covers, size))
    )
    bound = sum(1 / number for number in range(1, max(map(len, covers.values()), default=0) + 1))
    assert smallest <= len(greedy_cover(covers)) <= max(bound, 1) * smallest


def _whole(chosen: tuple[int, ...], covers: dict[int, frozenset[int]], everything: frozenset[int]) -> bool:
    return frozenset().union(*(covers[name] for name in chosen)) == everything


def test_the_largest_goes_first_and_of_equals_the_first() -> None:
    """A choice that is known: one that covers three of five, and the first of two that cover the rest."""
    assert greedy_cover({"a": "12", "b": "123", "c": "45", "d": "45", "e": ""}) == ("b", "c")
    assert greedy_cover({}) == ()
