"""How far votes fail together: measured back from votes that were made to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.agreement import agreement, pair_correlation

clusters = st.lists(st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1)


def drawn(accuracy: float, correlation: float, questions: int, votes: int) -> list[tuple[int, int]]:
    """Give questions of which that share is answered by one vote that all others repeat."""
    draw = stream(5, "questions", votes).random
    found = []
    for _ in range(questions):
        if draw() < correlation:
            found.append((votes if draw() < accuracy else 0, votes))
        else:
            found.append((sum(draw() < accuracy for _ in range(votes)), votes))
    return found


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.7, 1.0])
def test_what_was_planted_is_measured(correlation: float) -> None:
    """The interval holds the accuracy and the correlation of the model that ``decided_wrong`` states, for 3 votes each.

    With 1,500 questions it is narrow enough to tell 0 from 0.2.
    """
    found = agreement(drawn(0.8, correlation, 1500, 3), seed=1)
    assert found.correlation == pytest.approx(correlation, abs=0.08)
    assert found.correlation_interval is not None
    low, high = found.correlation_interval
    assert low - 0.03 <= correlation <= high + 0.03
    assert high - low < 0.15
    assert found.accuracy_interval.low - 0.01 <= 0.8 <= found.accuracy_interval.high + 0.01
    assert (found.questions, found.votes) == (1500, 4500)


@given(clusters)
def test_it_is_that_of_all_pairs(questions: list[tuple[int, int]]) -> None:
    """The same as counting every ordered pair of votes on one question one by one."""
    votes = [[True] * right + [False] * (asked - right) for right, asked in questions]
    share = sum(map(sum, votes)) / sum(map(len, votes))
    pairs = [pair for said in votes for pair in itertools.permutations(said, 2)]
    found = pair_correlation(questions)
    if not pairs or share in (0, 1):
        assert found is None
        return
    covariance = sum((one - share) * (other - share) for one, other in pairs) / len(pairs)
    assert found == pytest.approx(covariance / (share * (1 - share)), abs=1e-9)


def test_where_it_has_no_meaning_there_is_none() -> None:
    """Votes that are all right, or alone on their questions, show no correlation."""
    assert agreement([(3, 3), (3, 3)], seed=1).correlation is None
    assert agreement([(1, 1), (0, 1)], seed=1).correlation_interval is None
    assert agreement([(0, 0), (1, 2)], seed=1).questions == 1


@pytest.mark.parametrize("questions", [[], [(0, 0)], [(2, 1)]])
def test_what_is_no_vote_is_refused(questions: list[tuple[int, int]]) -> None:
    """Nothing to measure, or more right votes than votes."""
    with pytest.raises(UsageError):
        agreement(questions, seed=1)
