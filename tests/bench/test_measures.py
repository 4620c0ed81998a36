"""Figures of many runs: the vectors of the metrics' definitions, and what may be said of any runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from harness.bench.figures import Figure
from harness.bench.measures import MOST_RULES, SECONDS, TOOK, Run, counted_by_task, measures, runs_of
from harness.review.account import DECIDED, Account, Authority, Broken, First
from harness.statistics.interval import wilson

NOTHING = Account("returned", 10, 0, {}, {}, None, {})
_NAMES = ("end", "steps", "tokens", "decided", "violated", "first", "agents")


def run(task: str = "one", passed: bool = True, condition: str = "agent", took_ms: float = 0.0, **said: Any) -> Run:
    """Give a run whose account says what is given, and nothing else."""
    return Run(task, condition, passed, Account(*(said.get(name, getattr(NOTHING, name)) for name in _NAMES)), took_ms)


def violating(rule: str, severity: str = "high", step: int = 0, *, done: bool = False, **said: Any) -> Run:
    """Give a run that violates one rule."""
    first = First(step, "main", rule, severity, "tool", "pay", "write", "")
    return run(violated={rule: Broken(severity, done)}, first=first, **said)


def values(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Give the values of figures."""
    return {name: figure.value for name, figure in figures.items()}


def test_a_rule_that_three_of_twenty_runs_violate() -> None:
    """The published vector of p_k, with Wilson's interval, for every task was done once."""
    runs = [violating("CAP", task=str(n)) if n < 3 else run(str(n)) for n in range(20)]
    found = measures(runs)["violates_CAP"]
    assert found == Figure(0.15, "of runs", wilson(3, 20))


def test_the_mean_time_to_a_violation() -> None:
    """The published vector: violations at the fourth and seventh step, two that ended after ten."""
    runs = [violating("CAP", step=3), violating("CAP", step=6), run(), run()]
    found = values(measures(runs))
    assert (found["mtbf_naive"], found["mtbf_censored"]) == (7.75, 15.5)


def test_what_a_success_costs() -> None:
    """The published vector: 12,000 tokens and eight successes; calls and seconds alike, failed runs included."""
    runs = [
        run(str(n), n < 8, tokens=1200, decided={"read": {"allow": 2}, "write": {"block": 1}}, took_ms=400)
        for n in range(10)
    ]
    found = values(measures(runs))
    assert (found["tokens_per_success"], found["calls_per_success"], found[SECONDS]) == (1500, 3.75, 0.5)
    failed = measures([run(passed=False, tokens=1200)])
    assert "tokens_per_success" not in failed


def test_all_and_any_of_several_runs() -> None:
    """One task passes always, one in one of two runs; a task done more often is counted for as many as the others."""
    runs = [run("a"), run("a"), run("b"), run("b", passed=False)]
    found = values(measures(runs))
    assert (found["any_of_2"], found["all_of_2"]) == (1, 0.5)
    more = values(measures([*runs, run("b", passed=False)]))
    assert more["any_of_2"] == pytest.approx((1 + 2 / 3) / 2)
    assert not {"any_of_1", "all_of_1"} & measures([run("a")]).keys()


@pytest.mark.parametrize(
    ("made", "ending"),
    [
        (run(), "success"),
        (run(passed=False), "silent failure"),
        (run(passed=False, end=""), "no end"),
        (run(passed=False, end="raised"), "explicit failure"),
        (run(passed=False, decided={"write": {"block": 1}}), "safe abort"),
        (run(passed=False, decided={"write": {"escalate": 1}}, end="refused"), "safe abort"),
        (run(passed=False, decided={"write": {"rewrite": 1}}), "silent failure"),
        (run(passed=False, decided={"write": {"block": 1}}, end="raised"), "explicit failure"),
        (violating("CAP", done=True, passed=False, decided={"write": {"block": 1}}), "silent failure"),
        (violating("CAP", done=True, passed=False, decided={"write": {"block": 1}}, end="refused"), "explicit failure"),
    ],
)
def test_how_a_run_has_ended(made: Run, ending: str) -> None:
    """A run that was stopped in time has aborted safely; one that gave a result all the same failed silently."""
    assert made.ending == ending


def test_hard_and_soft_rules_are_told_apart() -> None:
    """Where both were violated; a rule that was only tried is not one that something was done against."""
    runs = [violating("CAP"), violating("TONE", "low", done=True), run(), run()]
    found = values(measures(runs))
    names = ("violating_hard", "violating_soft", "violating_done", "violates_CAP", "violates_TONE")
    assert [found[name] for name in names] == [0.25] * 5
    assert not {"violating_hard", "violating_soft"} & measures([violating("CAP"), run()]).keys()
    many = measures([violating(f"R{n}") for n in range(MOST_RULES + 1)])
    assert not [name for name in many if name.startswith("violates_")]


def test_high_impact_and_authority() -> None:
    """Of ten payments eight were held back, and of nine calls three were outside the authority of their agents."""
    decided = {"write payment": {"block": 5, "escalate": 3, "allow": 2}, "write": {"allow": 10, "rewrite": 5}}
    agents = {"a": Authority(1, 4), "b": Authority(2, 5)}
    found = values(measures([run(decided=decided, agents=agents)]))
    assert (found["high_impact_held"], found["role_drift"]) == (0.8, 1 / 3)
    assert [found[name] for name in ("allowed", "rewritten", "escalated", "blocked")] == [0.48, 0.2, 0.12, 0.2]
    assert not {"high_impact_held", "role_drift", "allowed"} & measures([run()]).keys()


counts = some.dictionaries(some.sampled_from(DECIDED), some.integers(1, 9), min_size=1)
decisions = some.dictionaries(some.sampled_from(["read", "write", "write payment"]), counts, max_size=3)


@given(some.lists(some.tuples(some.sampled_from("abc"), some.booleans(), decisions), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_figures_are_shares_with_their_intervals(made: list[tuple[str, bool, Any]]) -> None:
    """Decisions add up to 1, a share lies in its interval, and nothing that can be counted is negative."""
    found = measures([run(task, passed, decided=decided) for task, passed, decided in made])
    shares = [found[name].value for name in ("allowed", "rewritten", "escalated", "blocked") if name in found]
    assert not shares or sum(shares) == pytest.approx(1)
    for figure in found.values():
        assert figure.value >= 0
        if figure.unit.startswith("of "):
            low, high = figure.interval or (0, 1)
            assert 0 <= low <= figure.value + 1e-9
            assert figure.value - 1e-9 <= high <= 1 + 1e-9


def test_conditions_are_measured_apart() -> None:
    """With several, each figure begins with the name of its condition."""
    found = values(measures([run(condition="old", steps=4), run(condition="new", steps=6)]))
    assert found == {"old_steps_to_end": 4, "new_steps_to_end": 6}


def test_attempts_at_one_task_count_for_less_than_as_many_tasks() -> None:
    """Where tasks pass always or never, twenty attempts at four of them say little more than four do."""
    alike = counted_by_task([(f"task {n % 4}", n % 4 < 2) for n in range(20)], ">= 10")
    apart = counted_by_task([(f"task {n}", n % 4 < 2) for n in range(20)])
    assert (alike.value, alike.ok) == (10, True)
    assert alike.interval is not None
    assert apart.interval == tuple(20 * end for end in wilson(10, 20))
    assert alike.interval[0] < apart.interval[0]
    assert alike.interval[1] > apart.interval[1]


def test_only_rows_with_an_account_are_runs() -> None:
    """A row that was not judged, or tells of no run, is left out."""
    row = {"task": "a", "group": "g", "condition": "agent", "passed": True, "account": NOTHING.facts(), TOOK: 3.0}
    assert runs_of([row, {**row, "account": 3}, {**row, "passed": None}, {"infrastructure": "x"}]) == [
        Run("a", "agent", True, NOTHING, 3.0, "g")
    ]
