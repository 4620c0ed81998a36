"""Sets of textbooks, their truth known before: the solver says it, or that it does not know, never the contrary."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.fuzz.solve.sets import Version, registry_text, versions
from benchmarks.fuzz.solve.sets_campaign import asked, faults, problem_of
from benchmarks.fuzz.solve.truth import confirmed, met
from harness import check_artifact
from harness.registry.load import load
from harness.registry.solve.decide import Budget, Feasible, Infeasible, Undecided

VERSIONS = list(versions())
FEASIBLE = [one for one in VERSIONS if one.point is not None]
INFEASIBLE = [one for one in VERSIONS if one.point is None]
HARD = {"haverly_pooling.infeasible", "mm1_queue.infeasible"}
"""What the default budget need not be enough for."""
SMALL = Budget(boxes=2_000, work=40_000, resources=300_000)
SLOW = HARD | {"hs029.infeasible", "hs035.infeasible", "hs043.infeasible", "transport.infeasible"}
"""What the oracle takes seconds to confirm; the campaign does it."""


def named(found: list[Version]) -> Any:
    """Give versions as cases of a test."""
    return pytest.mark.parametrize("version", found, ids=lambda one: one.name)


def version_of(name: str) -> Version:
    """Give a version by its name."""
    return next(one for one in VERSIONS if one.name == name)


@named(VERSIONS)
def test_the_answer_is_the_truth(version: Version) -> None:
    """Each set is decided as it was stated, and a witness is accepted by arithmetic of another make."""
    answer = asked(version, SMALL if version.name in HARD else Budget())
    assert answer.outcome == "solved" or (answer.outcome == "unknown" and version.name in HARD), answer


@named(FEASIBLE)
def test_a_stated_point_meets_its_rules(version: Version) -> None:
    """The point is exact, and both the oracle and the registry's own check say that every rule holds."""
    assert version.point is not None
    assert met(version, version.point) == []
    judged = check_artifact("design", dict(version.point), registry=load(registry_text(version), "set.yaml"))
    assert set(judged.rules) == set(version.rules)
    assert judged.verdicts == ()


@named([one for one in INFEASIBLE if one.name not in SLOW][::3])
def test_that_there_is_no_point_is_confirmed(version: Version) -> None:
    """The reason is there, and cutting the box until a rule is false on each piece shows the same."""
    assert version.because
    assert confirmed(version) == "boxes"


def test_there_are_enough_sets_of_either_kind() -> None:
    """More than a hundred sets, each with its source and a name of its own, most in two versions."""
    names = Counter(one.name for one in VERSIONS)
    assert len({one.name.split(".")[0] for one in VERSIONS}) >= 100
    assert max(names.values()) == 1
    assert all(one.source for one in VERSIONS)
    assert min(len(FEASIBLE), len(INFEASIBLE)) >= 0.45 * len(VERSIONS)


@named(INFEASIBLE[5::30])
def test_the_oracle_does_not_confirm_what_is_false(version: Version) -> None:
    """Of the feasible version of a set it says neither that it has no point, nor that a point misses nothing."""
    feasible = version_of(version.name.replace(".infeasible", ".feasible"))
    assert confirmed(feasible._replace(point=None), boxes=200) in (None, "points")
    assert feasible.point is not None
    assert met(version, feasible.point) != []


def test_a_wrong_answer_would_be_seen() -> None:
    """A certificate where there is a point, a point where there is none, or beside the rules, a wrong leaning."""
    feasible, infeasible = version_of("booth.feasible"), version_of("booth.infeasible")
    problem = problem_of(feasible)
    order = [one.name for one in problem.variables]
    one, three = (tuple({"x": x, "y": y}[name] for name in order) for x, y in ((1, 3), (3, 3)))
    assert faults(feasible, problem, Infeasible({}, ())) != []
    assert faults(feasible, problem, Feasible(one, "")) == []
    assert faults(feasible, problem, Feasible(three, "")) != []
    assert faults(infeasible, problem, Feasible(one, "")) != []
    assert faults(infeasible, problem, Infeasible({}, ())) == []
    assert faults(infeasible, problem, Undecided("", None, leaning="feasible")) != []
    assert faults(feasible, problem, Undecided("", None, leaning="infeasible")) != []
