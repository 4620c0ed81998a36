"""A vote as a race: what counts, when it is over, and that asking at once changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.vote.controller import Controller
from harness.converge.vote.flags import Flags
from harness.converge.vote.race import Race, Reply, Spoilt, Terms, Voted
from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.registry.registry import Registry
from harness.statistics.voting import decided_right, expected_votes, weight
from tests.converge.moves import NONE


def run(replies: list[Any], terms: Terms, registry: Registry = NONE, *, at_once: bool = True) -> tuple[Voted, int]:
    """Hold a vote over replies given by ballot; give its end and how many ballots were asked."""
    race, asked = Race(Flags(registry, "move"), terms), 0
    while ballots := race.ballots():
        for number in ballots if at_once else ballots[:1]:
            asked += 1
            said = replies[number]
            race.hear(said if isinstance(said, Reply | Spoilt) else Reply(said))
    assert race.end is not None
    return race.end, asked


def test_the_first_to_be_ahead_is_taken() -> None:
    """Three votes ahead of every other, whatever the others are; keys in another order are the same answer."""
    one, same, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1}
    voted, asked = run([one, other, same, "third", one, one, one], Terms(lead=3))
    assert (voted.end, voted.value, asked) == ("decided", one, 6)
    assert voted.votes == (0, 1, 0, 2, 0, 0)
    assert [(answer.votes, answer.value) for answer in voted.answers] == [(4, one), (1, other), (1, "third")]


def test_one_is_not_one_point_zero() -> None:
    """Answers are told apart by their canonical form, which keeps an integer from a float and a truth value."""
    voted, _ = run([1, 1.0, True, 1, 1], Terms(lead=2))
    assert [answer.votes for answer in voted.answers] == [3, 1, 1]


def test_a_race_that_nobody_can_win_any_more_is_undecided() -> None:
    """It ends as soon as the ballots that are left are too few, and says so; no answer is made of a mere majority."""
    voted, asked = run([1, 2, 3, 1, 1, 1], Terms(lead=3, most=5))
    assert (voted.end, voted.value, asked) == ("undecided", None, 3)
    assert voted.why == "3 of 5 ballots, and no answer can get ahead by 3"
    assert voted.facts()["why"] == voted.why


def test_after_the_end_nothing_is_heard() -> None:
    """A reply to a ballot that was not given out is the caller's mistake."""
    race = Race(Flags(NONE, "move"), Terms(lead=1))
    assert list(race.ballots()) == [0]
    race.hear(Reply(1))
    assert list(race.ballots()) == []
    with pytest.raises(UsageError):
        race.hear(Reply(1))


answers = st.lists(st.sampled_from(["a", "a", "b", "c", Spoilt("x")]), min_size=30, max_size=30)
weighing = st.lists(st.sampled_from([0.55, 0.6, 0.8, 0.95]), min_size=1, max_size=4)


@given(answers, st.integers(1, 6), st.integers(6, 30))
def test_at_once_is_one_by_one(replies: list[Any], lead: int, most: int) -> None:
    """Batches never ask one ballot too many: whatever is said, both ways count the same votes, byte for byte."""
    terms = Terms(lead, most)
    assert run(replies, terms) == run(replies, terms, at_once=False)


@given(answers, weighing, st.sampled_from([0.3, 0.1, 0.01]))
def test_at_once_is_one_by_one_with_weights(replies: list[Any], accuracies: list[float], error: float) -> None:
    """The same where votes have weights, and what is decided is ahead by the log-odds of the error bound."""
    terms = Terms.weighted(accuracies, error, most=30) if weight(min(accuracies)) * 30 > 5 else Terms(1)
    voted, asked = run(replies, terms)
    assert (voted, asked) == run(replies, terms, at_once=False)
    if voted.end == "decided":
        assert voted.lead >= terms.lead - 1e-9
        assert sum(vote >= 0 for vote in voted.votes) >= voted.sure


@given(answers, st.integers(1, 6), st.integers(6, 30))
def test_a_naive_count_agrees(replies: list[Any], lead: int, most: int) -> None:
    """What is decided is what counting from scratch after every ballot decides, at the same ballot."""
    voted, _ = run(replies, Terms(lead, most))
    counts: dict[str, int] = {}
    for asked, said in enumerate(replies[:most], start=1):
        if isinstance(said, str):
            counts[said] = counts.get(said, 0) + 1
        first, second, *_ = [*sorted(counts.values(), reverse=True), 0, 0]
        if first - second >= lead:
            assert (voted.end, len(voted.votes)) == ("decided", asked)
            assert counts[voted.value] == first
            return
    assert voted.end == "undecided"
    assert len(voted.votes) == most or voted.lead + most - len(voted.votes) < lead


@given(answers, st.integers(1, 6))
def test_the_sure_votes_are_always_cast(replies: list[Any], lead: int) -> None:
    """However the race ends, that many votes were counted unless replies had to be discarded."""
    voted, _ = run(replies, Terms(lead, 30))
    assert len(voted.votes) - len(voted.discarded) >= min(voted.sure, 30 - len(voted.discarded))
    assert voted.sure == lead


def test_races_are_as_good_as_the_formula() -> None:
    """5,000 races of the machine itself: right as often as the formula says, with as many votes."""
    drawn, flags, races = stream(3, "races"), Flags(NONE, "move"), 5_000
    right = asked = 0
    for _ in range(races):
        race = Race(flags, Terms(lead=2, most=10_000))
        while ballots := race.ballots():
            for _ in ballots:
                race.hear(Reply("right" if drawn.random() < 0.7 else "wrong"))
                asked += 1
        assert race.end is not None
        right += race.end.value == "right"
    assert right / races == pytest.approx(decided_right(0.7, 2), abs=0.02)
    assert asked / races == pytest.approx(expected_votes(0.7, 2), rel=0.03)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Terms(lead=0),
        lambda: Terms(lead=3, most=2),
        lambda: Terms(most=0),
        lambda: Terms(weights=()),
        lambda: Terms(weights=(1, -1)),
        lambda: Terms(weights=(1, 2), controller=Controller(0.8, 0.1)),
        lambda: Terms.weighted([0.9], 0.5),
        lambda: Terms.weighted([0.5], 0.1),
        lambda: Terms.weighted([0.6], 0.01, most=3),
    ],
)
def test_terms_that_decide_nothing_are_refused(wrong: Any) -> None:
    """No lead, no ballots, too few for the lead, voters no better than a coin."""
    with pytest.raises(UsageError):
        wrong()


def test_a_controller_ends_a_race() -> None:
    """It stops where the answer is sure enough, and abstains where to find out costs more than it is worth."""
    cheap = Terms(most=30, controller=Controller(0.8, error=0.02, vote=0.05))
    voted, _ = run(["a", "b", "a", "a", "a", "a", "a"], cheap)
    assert (voted.end, voted.value, voted.lead) == ("decided", "a", 3)
    dear = Terms(most=30, controller=Controller(0.6, error=0.02, vote=0.2))
    voted, asked = run(["a"] * 30, dear)
    assert (voted.end, asked) == ("undecided", 1)
    assert "no further vote is worth asking for" in voted.why
    few = Terms(most=4, controller=Controller(0.8, error=0.02, vote=0.001))
    voted, asked = run([Spoilt("x")] * 4, few)
    assert (voted.end, asked) == ("undecided", 2), "two more votes are not enough for the error bound"


def test_terms_are_told() -> None:
    """What a trace says of how a vote was held: the lead and the weights, or the controller."""
    assert Terms(lead=4, most=9).facts() == {"lead": 4, "most": 9}
    assert Terms.weighted([0.9, 0.6], 0.1).facts()["weights"] == [weight(0.9), weight(0.6)]
    told = Terms(most=2, controller=Controller(0.8, 0.1)).facts()
    assert told["controller"] == {"accuracy": 0.8, "error": 0.1, "right": 1.0, "wrong": 1.0, "vote": 0.01}
    assert "lead" not in told
