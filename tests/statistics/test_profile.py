"""The failure rate under a profile: bounded from above, and rightly as often as is said."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.interval import clopper_pearson
from harness.statistics.profile import DRAWS, Tried, failure_bound

counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def chance(k: int, n: int, p: float) -> float:
    """Give the probability of k failures in n trials."""
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def above(k: int, n: int, p: float) -> float:
    """Give the probability of more than k failures in n trials."""
    return math.fsum(chance(more, n, p) for more in range(k + 1, n + 1))


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.9, 0.1), (0.3, 0.7)])
@pytest.mark.parametrize("trials", [(6, 6), (12, 3)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_coverage_is_nominal_or_more(weights: tuple[float, float], trials: tuple[int, int], confidence: float) -> None:
    """For every pair of true rates on a grid, the probability that the bound holds is at least what it says."""
    outcomes = list(product(range(trials[0] + 1), range(trials[1] + 1)))
    bounds = {}
    for pair in outcomes:
        both = zip(weights, pair, trials, strict=True)
        cells = {str(at): Tried(*cell) for at, cell in enumerate(both)}
        bounds[pair] = failure_bound(cells, 1, confidence, draws=2000).bound
    rates = [0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99]
    for one, other in product(rates, rates):
        truth = weights[0] * one + weights[1] * other
        covered = math.fsum(
            chance(a, trials[0], one) * chance(b, trials[1], other) for a, b in outcomes if bounds[a, b] >= truth
        )
        assert covered >= confidence, (one, other)


@settings(max_examples=25, deadline=None)
@given(counts, st.sampled_from([0.9, 0.95, 0.99]))
def test_one_cell_has_the_bound_of_clopper_and_pearson(case: tuple[int, int], confidence: float) -> None:
    """With all weight on one cell the exact bound has this confidence, and the drawn one a little more, never less."""
    k, n = case
    found = failure_bound({"all": Tried(1.0, k, n)}, 7, confidence).bound
    if k == n:
        assert found == clopper_pearson(k, n).high == 1
        return
    exact = clopper_pearson(k, n, 2 * confidence - 1).high
    step = math.sqrt(confidence * (1 - confidence) / DRAWS)
    assert above(k, n, exact) == pytest.approx(confidence, abs=1e-9)
    assert confidence - 1.5 * step <= above(k, n, found) <= confidence + 7.5 * step


@settings(max_examples=25, deadline=None)
@given(st.lists(counts, min_size=1, max_size=5), st.integers(0, 9))
def test_the_bound_is_above_what_was_observed_and_below_one(cases: list[tuple[int, int]], seed: int) -> None:
    """What was seen is never more than the bound, and no rate is more than 1, in whatever order cells are given."""
    cells = {str(at): Tried(1 / len(cases), *case) for at, case in enumerate(cases)}
    found = failure_bound(cells, seed, draws=2000)
    assert 0 <= found.observed <= found.bound + 1e-9 <= 1 + 2e-9
    assert failure_bound(dict(reversed(cells.items())), seed, draws=2000).bound == pytest.approx(found.bound)


def test_the_profile_weighs() -> None:
    """The same trials are worth less where the cell that fails is asked more often."""
    often = {"hard": Tried(0.9, 10, 20), "easy": Tried(0.1, 0, 20)}
    seldom = {"hard": Tried(0.1, 10, 20), "easy": Tried(0.9, 0, 20)}
    assert failure_bound(often, 1).observed == pytest.approx(0.45)
    assert failure_bound(seldom, 1).observed == pytest.approx(0.05)
    assert failure_bound(often, 1).bound > 0.5 > failure_bound(seldom, 1).bound


def test_what_nobody_tried_counts_as_failing() -> None:
    """A cell without trials gives its whole weight to the bound; one without weight gives nothing."""
    cells = {"tried": Tried(0.75, 0, 10_000), "untried": Tried(0.25, 0, 0), "never": Tried(0.0, 5, 5)}
    found = failure_bound(cells, 1)
    assert found.observed == 0.25
    assert 0.25 < found.bound < 0.251


@pytest.mark.parametrize(
    ("cell", "confidence", "said"),
    [
        (Tried(1.0, 3, 2), 0.95, "3 failures of 2"),
        (Tried(0.9, 1, 2), 0.95, "add up to 0.9"),
        (Tried(-1.0, 1, 2), 0.95, "a weight of -1"),
        (Tried(math.nan, 1, 2), 0.95, "a weight of nan"),
        (Tried(1.0, 1, 2), 95, "a confidence of 95"),
    ],
)
def test_what_is_no_profile_is_refused(cell: Tried, confidence: float, said: str) -> None:
    """Counts, weights and confidences that mean nothing are told."""
    with pytest.raises(UsageError, match=said):
        failure_bound({"all": cell}, 1, confidence)
