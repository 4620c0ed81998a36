"""Stop, continue or abstain: what one more vote is worth, against every policy there is and against chance."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.vote.controller import Controller
from harness.converge.vote.flags import Flags
from harness.converge.vote.race import Race, Reply, Terms
from harness.determinism.streams import stream
from harness.errors import UsageError
from tests.converge.moves import NONE

controllers = st.builds(
    Controller,
    accuracy=st.floats(0.52, 0.98),
    error=st.floats(0.001, 0.45),
    right=st.floats(0, 10),
    wrong=st.floats(0, 10),
    vote=st.floats(0, 1),
)


def best(one: Controller, ahead: int, left: int) -> tuple[float, float]:
    """Give what the best policy is worth, jointly with each truth, by trying all: the signed lead is kept whole.

    Independent of the controller: probabilities are not conditioned, and both answers are told apart.
    """
    right, wrong = one.accuracy, 1 - one.accuracy

    @cache
    def value(up: int, down: int, left: int) -> float:
        """Weigh both truths by the probability of this many votes for each answer."""
        first, second = right**up * wrong**down / 2, wrong**up * right**down / 2
        options = [0.0]
        likelier, other = max(first, second), min(first, second)
        if up != down and other / (first + second) <= one.error:
            options.append(one.right * likelier - one.wrong * other)
        if left:
            options.append(value(up + 1, down, left - 1) + value(up, down + 1, left - 1) - one.vote * (first + second))
        return max(options)

    total = (right**ahead + wrong**ahead) / 2
    asked = value(ahead + 1, 0, left - 1) + value(ahead, 1, left - 1) - one.vote * total if left else float("-inf")
    return value(ahead, 0, left) / total, asked / total


@given(controllers, st.integers(0, 4), st.integers(1, 7))
def test_it_is_as_good_as_any_policy(one: Controller, lead: int, left: int) -> None:
    """What it says to be worth is what the best of all policies is worth, and what it says to do is that policy."""
    advice = one.after(lead, left)
    whole, asked = best(one, lead, left)
    assert advice.more == pytest.approx(asked, abs=1e-9)
    assert max(0.0, advice.worth, advice.more) == pytest.approx(whole, abs=1e-9)
    chosen = {"stop": advice.worth, "continue": advice.more, "abstain": 0.0}[advice.way]
    assert chosen == pytest.approx(whole, abs=1e-9)


@given(controllers, st.integers(0, 30), st.integers(0, 100))
def test_no_answer_beyond_the_error_bound(one: Controller, lead: int, left: int) -> None:
    """It never stops where the answer is likelier to be wrong than it may be, or without any lead, or without gain."""
    advice = one.after(lead, left)
    if advice.way == "stop":
        assert lead and advice.risk <= one.error
        assert advice.worth >= 0
    assert left or advice.way != "continue"


def held(one: Controller, accuracies: list[float]) -> list[tuple[bool | None, int]]:
    """Hold a vote on each question; give whether its answer was right, None without one, and the votes it took."""
    drawn, flags, found = stream(11, "controller"), Flags(NONE, "move"), []
    for accuracy in accuracies:
        race = Race(flags, Terms(most=40, controller=one))
        while race.ballots():
            race.hear(Reply("right" if drawn.random() < accuracy else "wrong"))
        assert race.end is not None
        decided = race.end.value == "right" if race.end.end == "decided" else None
        found.append((decided, len(race.end.votes)))
    return found


def test_the_error_bound_is_kept() -> None:
    """Of 4,000 questions answered by independent votes no more are wrong than the bound says, within chance."""
    found = held(Controller(0.75, error=0.03, vote=0.001), [0.75] * 4000)
    answered = [right for right, _ in found if right is not None]
    assert len(answered) > 3900
    assert answered.count(False) / len(answered) < 0.03 + 0.01


def test_more_votes_go_to_what_is_wrong() -> None:
    """Where the answer comes out wrong or not at all, more votes were asked for than where it comes out right."""
    found = held(Controller(0.75, error=0.03, vote=0.001), [0.75] * 1500 + [0.45] * 1500)
    right = [votes for decided, votes in found if decided]
    others = [votes for decided, votes in found if not decided]
    assert sum(others) / len(others) > sum(right) / len(right)


def test_a_dear_vote_is_not_asked_for() -> None:
    """The dearer a vote, the sooner it ends; in the end it abstains without asking further."""
    ways = [Controller(0.8, 0.1, vote=vote).after(1, 20).way for vote in (0.001, 0.1, 0.8)]
    assert ways == ["continue", "continue", "abstain"]
    assert Controller(0.8, 0.1, vote=0.1).after(2, 20).way == "stop"


@pytest.mark.parametrize(
    "wrong",
    [{"accuracy": 0.5}, {"accuracy": 1.0}, {"error": 0.0}, {"error": 0.5}, {"vote": -1.0}, {"wrong": -0.1}],
)
def test_what_it_cannot_weigh_is_refused(wrong: dict[str, Any]) -> None:
    """A coin, a perfect voter, an error bound that is none, amounts below nothing."""
    with pytest.raises(UsageError):
        Controller(**{"accuracy": 0.8, "error": 0.1, **wrong})
