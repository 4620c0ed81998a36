"""The algebra of verdicts."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.verdict import Move, Truth, worst

TRUTHS: tuple[Truth, ...] = get_args(Truth)
truths = st.lists(st.sampled_from(TRUTHS))


@pytest.mark.parametrize(("one", "two", "three"), list(product(TRUTHS, repeat=3)))
def test_joining_is_associative_commutative_and_idempotent(one: Truth, two: Truth, three: Truth) -> None:
    """Rules may be judged in any order, in any groups, and twice."""
    assert worst([worst([one, two]), three]) == worst([one, worst([two, three])])
    assert worst([one, two]) == worst([two, one])
    assert worst([one, one]) == one
    assert worst(["holds", one]) == one
    assert worst(["violated", one]) == "violated"


@given(truths, truths)
def test_more_rules_never_make_a_verdict_better(some: list[Truth], more: list[Truth]) -> None:
    """The verdict of a run only falls: holds, unknown, violated; unknown never counts as holds."""
    order = ["holds", "unknown", "violated"]
    assert order.index(worst(some + more)) >= order.index(worst(some))
    assert worst([]) == "holds"
    assert (worst(some) == "holds") == all(truth == "holds" for truth in some)


def test_a_move_is_told_in_words_and_as_data() -> None:
    """What is as usual is left out of the data."""
    move = Move("call.args.cents", "decrease", 28_000, 20_000)
    assert str(move) == "call.args.cents: decrease by 28000 to 20000"
    assert move.facts() == {
        "field": "call.args.cents",
        "direction": "decrease",
        "distance": 28_000,
        "boundary": 20_000,
    }
    assert str(Move("result.n", "increase", 0.5, 2.5, allowed=False)) == "result.n: increase by more than 0.5 to 2.5"
    assert str(Move("call.args.cabin", "choose", one_of=("economy", "business"))) == (
        "call.args.cabin: choose 'economy' or 'business'"
    )
