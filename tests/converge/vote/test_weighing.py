"""Measured from recorded votes: accuracies, correlation, and how alike wrong votes are."""

from __future__ import annotations

from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.converge.vote.race import Terms
from harness.converge.vote.weighing import Measured, Recorded, disagreement, measure, votes_in
from harness.determinism.streams import stream
from harness.door.app import Harness
from harness.door.voting import Ballot, terms_of, vote
from harness.errors import UsageError
from harness.registry.load import load
from tests.converge.moves import RULES

VARIANTS = ("terse", "careful", "sloppy")
RIGHT = {"terse": 0.9, "careful": 0.8, "sloppy": 0.6}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Recorded]:
    """Record 400 votes, whose variants are right as often as said; wrong answers are one of two."""
    app = Harness(load(_lenient(), "moves.yaml"))
    draw = stream(2, "voters").random

    def ask(ballot: Ballot) -> Any:
        if ballot.number % 7 == 5:
            return "prose"
        if draw() < RIGHT[ballot.variant]:
            return {"disk": 1}
        return {"disk": 2 if draw() < 0.5 else 3}

    how = terms_of(most=60, variants=VARIANTS)
    with app.session(trace=tmp_path_factory.mktemp("votes") / "run.mat.jsonl") as session:
        session.note("something else")
        for _ in range(400):
            vote(session, "move", ask, how)
    with open_trace(session.trace.path) as reader:
        return list(votes_in(reader))


def _lenient() -> str:
    lines = [line for line in RULES.splitlines() if "ONCE" not in line and "TENANT" not in line]
    return "\n".join(lines)


def measured(recorded: list[Recorded]) -> Measured:
    """Measure them all."""
    return measure([(one, {"disk": 1}) for one in recorded], seed=1)


def test_every_variant_is_measured(recorded: list[Recorded]) -> None:
    """Three votes of each question count, one of each variant; accuracies lie in their intervals."""
    found = measured(recorded)
    assert len(recorded) == 400
    assert {len(one.votes) for one in recorded} == {3}
    assert found.agreement.votes == 1200
    for variant, accuracy in RIGHT.items():
        voter = found.voters[variant]
        assert voter.interval.low <= accuracy <= voter.interval.high
        assert voter.accuracy == voter.right / voter.votes
        assert voter.votes == 400


def test_independent_votes_show_no_correlation(recorded: list[Recorded]) -> None:
    """The interval holds 0; two wrong votes agree about every other time, as they were made to."""
    found = measured(recorded)
    assert found.agreement.correlation_interval is not None
    assert found.agreement.correlation_interval.low < 0.0 < found.agreement.correlation_interval.high
    assert found.alike == pytest.approx(0.5, abs=0.15)


def test_measured_accuracies_make_a_weighted_vote(recorded: list[Recorded]) -> None:
    """The lower ends of the intervals are weights, in the order of the variants' worth."""
    voters = measured(recorded).voters
    terms = Terms.weighted([voters[variant].interval.low for variant in VARIANTS], error=0.01)
    assert list(terms.weights) == sorted(terms.weights, reverse=True)


def test_disagreement_needs_no_labels(recorded: list[Recorded]) -> None:
    """The share of pairs that differ follows from the accuracies, and says nothing of who is right."""
    assert disagreement(recorded) == pytest.approx(0.37, abs=0.05)
    with pytest.raises(UsageError):
        disagreement([])


def test_no_vote_is_no_measure() -> None:
    """Nothing recorded, nothing measured."""
    with pytest.raises(UsageError):
        measure([], seed=1)


def test_only_wrong_pairs_are_compared() -> None:
    """Without two wrong votes on one question nothing is known of how alike they are."""
    one = Recorded("move", ("",), ("a", "b"), ((0, 0), (0, 0), (0, 1)))
    assert measure([(one, "a")], seed=1).alike is None
    assert measure([(one, "b")], seed=1).alike == 1
    assert measure([(one, "c")], seed=1).alike == pytest.approx(1 / 3)
