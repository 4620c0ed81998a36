"""Votes: every published figure, against a Markov chain that is solved and races that are run."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.voting import (
    decided_right,
    decided_wrong,
    expected_votes,
    majority_chance,
    plan,
    planned,
    published_cost,
    smallest_lead,
    weight,
    weighted_chance,
)

STEPS = 2**20 - 1
PUBLISHED = [(0.9, 3, 0.998630, 3.73973), (0.7, 2, 0.844828, 3.44828), (0.6, 4, 0.835052, 13.40206)]
LEADS = {
    0.0018: 3,
    0.0022: 3,
    0.0040: 4,
    0.0358: 6,
    0.0393: 6,
    0.0569: 6,
    0.1839: 12,
    0.2342: 15,
    0.3571: 29,
}

shares = st.floats(0.001, 0.999)
leads = st.integers(1, 12)


def chain(accuracy: float, lead: int) -> tuple[float, float]:
    """Solve the race as a Markov chain by elimination: the probability of the right end, and the votes to any end.

    States are the leads between the two ends; each equation is x[s] = base + p·x[s+1] + (1-p)·x[s-1].
    """
    inner = range(-lead + 1, lead)

    def solved(base: float, at_right: float) -> float:
        slopes, offsets = [0.0], [0.0]  # x[s] = slope·x[s+1] + offset, from the wrong end upwards
        for _ in inner:
            rest = 1 - (1 - accuracy) * slopes[-1]
            offsets.append((base + (1 - accuracy) * offsets[-1]) / rest)
            slopes.append(accuracy / rest)
        value = at_right
        for slope, offset in reversed(list(zip(slopes[lead:], offsets[lead:], strict=True))):
            value = slope * value + offset
        return value

    return solved(0, 1), solved(1, 0)


@pytest.mark.parametrize(("accuracy", "lead", "right", "votes"), PUBLISHED)
def test_published_races(accuracy: float, lead: int, right: float, votes: float) -> None:
    """Probability and votes of the published pairs, to all their digits, and of the chain to 1e-9."""
    assert decided_right(accuracy, lead) == pytest.approx(right, abs=5e-7)
    assert expected_votes(accuracy, lead) == pytest.approx(votes, abs=5e-6)
    assert (decided_right(accuracy, lead), expected_votes(accuracy, lead)) == pytest.approx(
        chain(accuracy, lead), abs=1e-9
    )


@given(shares, leads)
@example(0.5, 7)
@example(0.5 + 1e-12, 9)
def test_the_formula_is_the_chain(accuracy: float, lead: int) -> None:
    """For any accuracy, a fair coin included, the formulas are what the Markov chain comes to."""
    right, votes = chain(accuracy, lead)
    assert decided_right(accuracy, lead) == pytest.approx(right, abs=1e-9)
    assert expected_votes(accuracy, lead) == pytest.approx(votes, rel=1e-9)


@pytest.mark.parametrize(("accuracy", "lead"), [(0.9, 1), (0.7, 2), (0.9, 3), (0.6, 4)])
def test_races_that_are_run(accuracy: float, lead: int) -> None:
    """20,000 races come out as the formula says, within four standard errors."""
    drawn, races, right, votes = stream(1, "races", lead), 20_000, 0, 0
    for _ in range(races):
        ahead = 0
        while abs(ahead) < lead:
            ahead += 1 if drawn.random() < accuracy else -1
            votes += 1
        right += ahead > 0
    expected = decided_right(accuracy, lead)
    assert right / races == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / races) + 1e-12)
    assert votes / races == pytest.approx(expected_votes(accuracy, lead), rel=0.03)


def test_no_votes_are_lost_in_the_tail() -> None:
    """What is hardly ever wrong keeps its digits, and neither end overflows."""
    assert decided_wrong(0.9978, 3) == pytest.approx((0.0022 / 0.9978) ** 3, rel=1e-7)
    assert decided_wrong(0.999, 10_000) == 0.0
    assert decided_wrong(0.001, 10_000) == 1.0
    assert (decided_wrong(1.0, 5), decided_wrong(0.0, 5), expected_votes(1.0, 5)) == (0.0, 1.0, 5)


@pytest.mark.parametrize(("error", "lead"), LEADS.items())
def test_published_leads(error: float, lead: int) -> None:
    """A million steps at 95 %: the published leads, by the formula and by the planner, and one vote less is too few."""
    assert smallest_lead(1 - error, STEPS, 0.95) == lead
    assert plan(1 - error, STEPS, 0.95, correlation=0.0).lead == lead
    assert planned(1 - error, STEPS, lead, correlation=0.0).whole >= 0.95
    assert planned(1 - error, STEPS, lead - 1, correlation=0.0).whole < 0.95


@given(st.floats(0.51, 0.9999), st.integers(1, 10**7), st.floats(0.01, 0.999), st.floats(0, 0.01))
def test_a_plan_is_the_smallest_that_will_do(accuracy: float, steps: int, target: float, correlation: float) -> None:
    """What is planned reaches the target, and a lead of one vote less does not; or no lead whatever does."""
    try:
        found = plan(accuracy, steps, target, correlation=correlation)
    except UsageError:
        best = correlation * (1 - accuracy)
        assert math.exp(steps * math.log1p(-best)) <= target * (1 + 1e-9)
        return
    assert found.whole >= target * (1 - 1e-9)
    if found.lead > 1:
        assert planned(accuracy, steps, found.lead - 1, correlation=correlation).whole < target * (1 + 1e-9)


def test_the_cost_is_that_of_the_votes() -> None:
    """Discarded replies are paid for; the published estimate is an upper bound that a long lead comes near to."""
    found = plan(0.9, 100, 0.99, correlation=0.0, valid=0.8, vote_cost=2.0)
    assert found.votes == pytest.approx(expected_votes(0.9, found.lead) / 0.8)
    assert found.cost == pytest.approx(100 * 2.0 * found.votes)
    assert planned(0.9, 1, 3, correlation=1.0).votes == 3
    assert published_cost(0.9, 100, found.lead, 2.0, valid=0.8) == pytest.approx(found.cost, rel=1e-3)
    assert published_cost(0.9, 100, 3) == pytest.approx(100 * 3 / 0.8)
    assert published_cost(0.9, 100, 3, steps_each=2) == pytest.approx(100 * 3 / (0.9 * 0.8))


# --- what cannot be promised ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accuracy", [0.5, 0.3, 0.0])
def test_a_coin_is_refused(accuracy: float) -> None:
    """At 0.5 or less no plan is made, and the error says what would help."""
    with pytest.raises(UsageError, match="no better") as raised:
        plan(accuracy, 10, 0.95, correlation=0.0)
    assert "smaller" in raised.value.cure
    with pytest.raises(UsageError):
        weight(accuracy)


def test_an_unknown_correlation_is_refused() -> None:
    """No plan without a correlation; it has to be measured, or assumed in so many words."""
    with pytest.raises(UsageError, match="correlation is not known") as raised:
        plan(0.9, 10, 0.95, correlation=None)
    assert "correlation=0.0" in raised.value.cure


def test_correlation_sets_a_floor() -> None:
    """Where votes repeat one another, no lead makes up for it: refused, with how many decisions that spoils."""
    assert decided_wrong(0.9, 50, 0.2) == pytest.approx(0.2 * 0.1)
    assert plan(0.9, 1, 0.975, correlation=0.2).lead > plan(0.9, 1, 0.975, correlation=0.0).lead
    with pytest.raises(UsageError, match=r"0\.02 of the decisions .* together"):
        plan(0.9, 1, 0.99, correlation=0.2)
    assert plan(0.9, 1, 0.9, correlation=1.0).lead == 1
    with pytest.raises(UsageError):
        plan(0.9, 1, 0.91, correlation=1.0)


@given(shares, leads, st.floats(0, 1))
def test_the_model_of_correlation_has_that_correlation(accuracy: float, lead: int, correlation: float) -> None:
    """Two votes of the model are right together as often as that correlation says, and the race is its mixture."""
    together = correlation * accuracy + (1 - correlation) * accuracy**2
    assert (together - accuracy**2) / (accuracy * (1 - accuracy)) == pytest.approx(correlation, abs=1e-9)
    mixed = correlation * accuracy + (1 - correlation) * chain(accuracy, lead)[0]
    assert decided_right(accuracy, lead, correlation) == pytest.approx(mixed, abs=1e-9)


# --- weights ----------------------------------------------------------------------------------------------------------


def test_published_weights() -> None:
    """One good voter and two poor ones: 0.900 by weight, 0.792 by majority."""
    assert weighted_chance([0.9, 0.6, 0.6]).right == pytest.approx(0.900, abs=1e-12)
    assert majority_chance([0.9, 0.6, 0.6]).right == pytest.approx(0.792, abs=1e-12)


def test_a_tie_is_exact() -> None:
    """0.9 weighs as much as 0.75 twice: in decimals that is a tie, in sums of floats it may not be."""
    assert weighted_chance([0.9, 0.75, 0.75]).tie == pytest.approx(0.9 * 0.25**2 + 0.1 * 0.75**2, abs=1e-12)
    assert weighted_chance([0.9]).tie == 0


@given(st.lists(st.sampled_from([0.55, 0.6, 0.7, 0.8, 0.95]), min_size=1, max_size=7))
def test_weights_are_as_good_as_any_rule(accuracies: list[float]) -> None:
    """To take the likelier answer of every outcome is best; weights come to that, a majority to no more."""
    best = 0.0
    for votes in itertools.product((True, False), repeat=len(accuracies)):
        pairs = list(zip(votes, accuracies, strict=True))
        right = math.prod(p if vote else 1 - p for vote, p in pairs)
        best += max(right, math.prod(1 - p if vote else p for vote, p in pairs)) / 2
    found, plain = weighted_chance(accuracies), majority_chance(accuracies)
    assert found.right + found.tie / 2 == pytest.approx(best, abs=1e-9)
    assert found.right + found.wrong + found.tie == pytest.approx(1)
    assert plain.right + plain.tie / 2 <= best + 1e-9


def test_the_weighing_is_bounded() -> None:
    """A perfect voter, no voter and too many voters are refused."""
    for accuracies in ([1.0], [], [0.6] * 21):
        with pytest.raises(UsageError):
            weighted_chance(accuracies)
    assert weighted_chance([0.6] * 20).right > 0.75


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: decided_wrong(1.1, 3),
        lambda: decided_wrong(0.9, 0),
        lambda: decided_wrong(0.9, 3, -0.1),
        lambda: expected_votes(0.9, 3, 0.0),
        lambda: plan(0.9, 0, 0.95, correlation=0.0),
        lambda: plan(0.9, 5, 95, correlation=0.0),
        lambda: plan(math.nan, 5, 0.95, correlation=0.0),
    ],
)
def test_what_is_no_probability_is_refused(wrong: object) -> None:
    """Numbers that mean nothing are a UsageError."""
    with pytest.raises(UsageError):
        wrong()  # type: ignore[operator]
