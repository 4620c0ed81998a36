"""A gate that may be looked at after every task."""

from __future__ import annotations

import math
import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.gate import Gate, gate

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
    ],
)
def test_what_means_nothing_is_refused(call: object, reason: str) -> None:
    """UsageError says what it is."""
    with pytest.raises(UsageError, match=reason):
        call()  # type: ignore[operator]
