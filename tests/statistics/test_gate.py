"""A gate that may be looked at after every task."""

from __future__ import annotations

import math
import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.gate import Gate, evened, gate

shares = st.floats(-1, 1)


@given(st.lists(shares, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_tasks_does_not_matter(found: list[float], chance: random.Random) -> None:
    """Both bets have made the same whichever task came first."""
    shuffled = chance.sample(found, len(found))
    assert gate(shuffled).evidence == pytest.approx(gate(found).evidence, abs=1e-9)


@given(st.lists(shares, max_size=8), st.floats(0, 1), st.floats(0.01, 0.5))
def test_a_bet_is_fair_where_it_should_not_gain(before: list[float], width: float, margin: float) -> None:
    """On average over one more task both fortunes stay as they are: at no difference, and at a loss of the margin."""
    now = gate(before, margin=margin)
    for place, mean in ((0, 0.0), (1, -margin)):
        spread = width * (1 - abs(mean))
        ends = [now.with_difference(mean + spread), now.with_difference(mean - spread)]
        after = sum(math.exp(end.evidence[place]) for end in ends) / 2
        assert after == pytest.approx(math.exp(now.evidence[place]), rel=1e-9)


def test_it_answers_all_three() -> None:
    """Six tasks lost and none gained are worse; 82 that stayed lose less than the margin; of none nothing is known."""
    assert gate([]).answer == "inconclusive"
    assert (gate([-1.0] * 5).answer, gate([-1.0] * 6).answer) == ("inconclusive", "worse")
    assert (gate([0.0] * 81).answer, gate([0.0] * 82).answer) == ("inconclusive", "better or equal")
    assert gate([1.0] * 20).answer == "better or equal"


def test_a_loss_below_the_margin_is_tolerated() -> None:
    """Tasks that certainly lose one point of a hundred are worse, unless the margin is larger than that."""
    found = [-0.01] * 5000
    assert gate(found, margin=0.05).answer == "better or equal"
    assert gate(found, margin=0.005).answer == "worse"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.floats(0.01, 0.5))
def test_bets_on_several_tasks_make_no_more_than_on_their_mean(means: list[float], margin: float) -> None:
    """Each task is lost, or gained, by its own chance: where the mean is no loss, no stake is expected to gain."""
    rise = sum(means) / len(means)
    equal = [one - rise for one in means]
    if max(map(abs, equal)) > 1:
        return
    one = Gate(margin=margin)
    ends = [one.with_difference(end) for end in (-1, 1)]
    for stake in range(8):
        lost, gained = (math.exp(end._lost[stake]) for end in ends)
        assert math.prod((1 - mean) / 2 * lost + (1 + mean) / 2 * gained for mean in equal) <= 1 + 1e-9


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=6), max_size=5))
def test_evened_runs_are_as_many_for_each_task(tasks: list[list[int]]) -> None:
    """As many as the task has that was done least; where all have as many, they are all there as they were."""
    fewest = min(map(len, tasks), default=0)
    found = evened(tasks)
    assert len(found) == fewest * len(tasks)
    assert all(-1 <= one <= 1 for one in found)
    if all(len(runs) == fewest for runs in tasks):
        assert found == [one for runs in tasks for one in runs]


def test_all_runs_count_where_a_task_has_more() -> None:
    """Five runs beside two become two: the mean of the first, third and fifth, and that of the others."""
    assert evened([[1, 0], [-1, 1, -1, 1, 1]]) == [1, 0, pytest.approx(-1 / 3), 1]


def test_a_smaller_margin_takes_more_tasks() -> None:
    """Two points take about three times as many as ten, if nothing changes at all."""
    needed = [
        next(n for n in count(1) if gate([0.0] * n, margin=one).answer != "inconclusive") for one in (0.02, 0.05, 0.1)
    ]
    assert needed == [208, 82, 40]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: Gate(alpha=0), "an alpha of 0"),
        (lambda: Gate(margin=1), "a margin of 1"),
        (lambda: gate([-1.01]), "a difference of -1.01"),
        (lambda: evened([[1], []]), "a task without a run"),
    ],
)
def test_what_means_nothing_is_refused(call: object, reason: str) -> None:
    """UsageError says what it is."""
    with pytest.raises(UsageError, match=reason):
        call()  # type: ignore[operator]
