"""Logic-heavy and whole-number sets: certified where it can be, with what z3 says beside it where not, never wrong."""

from __future__ import annotations

import pytest

from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.decide import Budget, Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.problem import Problem
from tests.registry.solve.logic import brute, features, pigeons, sat


def answer(given_problem: Problem, decision: Decision) -> str:
    """Give the answer, certified anew or as z3 says it."""
    if isinstance(decision, Feasible):
        assert all(certainly(given_problem, decision.point).values())
        return "feasible"
    if isinstance(decision, Infeasible):
        assert check_certificate(given_problem, decision.certificate) == ""
        return "infeasible"
    return decision.leaning


@pytest.mark.parametrize("seed", range(8))
def test_random_clauses_are_certified_as_trying_all_says(seed: int) -> None:
    """Of 14 truth values and 4.5 clauses for each."""
    given_problem = sat(14, 4.5, seed)
    decision = decide(given_problem)
    assert not isinstance(decision, Undecided)
    assert (answer(given_problem, decision) == "feasible") is brute(given_problem, 14, 4.5, seed)


@pytest.mark.parametrize(("ratio", "expected"), [(3.0, "feasible"), (6.5, "infeasible")])
@pytest.mark.parametrize("seed", range(3))
def test_fifty_truth_values_are_decided(ratio: float, expected: str, seed: int) -> None:
    """Far from the threshold of 4.26 the answer is known beforehand; points are certified."""
    given_problem = sat(50, ratio, seed)
    assert answer(given_problem, decide(given_problem)) == expected


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_feature_models_have_the_configuration_they_were_written_around(seed: int) -> None:
    """Thirty enums and 94 rules are met by a certified point."""
    assert isinstance(decide(features(seed)), Feasible)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_feature_models_that_nothing_was_written_around(seed: int) -> None:
    """Whatever the answer is, it is certified."""
    given_problem = features(seed)
    decision = decide(given_problem)
    assert answer(given_problem, decision)
    assert not isinstance(decision, Undecided)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_few_pigeons_are_certified(count: int) -> None:
    """One pigeon too many is infeasible by a certificate, and with a hole more there is a point."""
    assert isinstance(decide(pigeons(count, count - 1)), Infeasible)
    assert isinstance(decide(pigeons(count, count)), Feasible)


def test_seven_pigeons_are_infeasible_by_z3_only() -> None:
    """With resources enough z3 says so; it is no certificate, so the set stays undecided, and open without them."""
    found = decide(pigeons(7, 6), Budget(boxes=200, resources=30_000_000))
    assert isinstance(found, Undecided)
    assert found.leaning == "infeasible"
    assert answer(pigeons(7, 6), decide(pigeons(7, 6), Budget(boxes=200, resources=100_000))) == ""
