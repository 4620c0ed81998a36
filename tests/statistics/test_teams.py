"""What a team costs beside one agent: the published vectors, and what the three measures agree on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.statistics.teams import amplification, efficiency, overhead

COUNTS = st.integers(1, 10_000)


def test_the_published_vectors() -> None:
    """arXiv 2512.08296: 3850 tokens for 1000; .6 done in 30 turns for 6; an error rate of .34 for .20."""
    assert overhead(3850, 1000) == 2.85
    assert efficiency(0.6, 30, 6) == pytest.approx(0.12)
    assert amplification(0.34, 0.20) == pytest.approx(1.7)


@given(COUNTS, COUNTS, st.floats(0, 1))
def test_as_much_as_one_agent_is_no_overhead(count: int, other: int, success: float) -> None:
    """What takes as much as one agent costs nothing more; what takes more costs more and is less efficient."""
    assert overhead(count, count) == 0
    assert efficiency(success, count, count) == pytest.approx(success)
    assert amplification(count, count) == 1
    assert overhead(count + other, count) > 0
    assert efficiency(success, count + other, count) <= success


def test_nothing_is_amplified_where_one_agent_makes_no_error() -> None:
    """There is no number of times that a team's errors are none."""
    assert amplification(0.3, 0) is None
    assert amplification(0, 0) is None


@pytest.mark.parametrize(
    ("measure", "wrong"),
    [
        (overhead, (1, 0)),
        (overhead, (-1, 2)),
        (efficiency, (1.5, 2, 2)),
        (efficiency, (0.5, 0, 2)),
        (efficiency, (0.5, 2, 0)),
        (amplification, (-0.1, 0.2)),
    ],
)
def test_counts_that_cannot_be_are_refused(measure: object, wrong: tuple[float, ...]) -> None:
    """What is below nothing, or of no agent that did the tasks alone, is a mistake."""
    with pytest.raises(UsageError):
        measure(*wrong)  # type: ignore[operator]
