"""Minimal unsatisfiable subsets, against enumeration."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.solve.checker import certainly, check_certificate
from harness.registry.solve.decide import Decision, Feasible, Infeasible, Undecided, decide
from harness.registry.solve.mus import Memory, Oracle, all_muses, one_mus
from harness.registry.solve.problem import Apply, Below, Constraint, Number, Problem, Term, Unknown, Variable

Sets = frozenset[frozenset[str]]
Linear = tuple[int, int, int]  # a x + b y + c <= 0


def named(count: int) -> Problem:
    """Give a problem of constraints that only their names tell apart."""
    always = Below(Number(Fraction(0)))
    return Problem((), tuple(Constraint(f"c{number}", always) for number in range(count)))


def planted(conflicts: Sets, silent: Sets = frozenset()) -> Oracle:
    """Give an oracle that knows which names are in conflict, proves it with all it was asked, and is silent on some."""

    def oracle(problem: Problem) -> Decision:
        names = tuple(one.name for one in problem.constraints)
        if frozenset(names) in silent:
            return undecided()
        return Infeasible({}, names) if any(one <= set(names) for one in conflicts) else Feasible((), "planted")

    return oracle


def undecided() -> Undecided:
    """Give an answer that says nothing."""
    return Undecided("boxes", None)


def smallest(sets: Sets) -> Sets:
    """Give those that contain no other."""
    return frozenset(one for one in sets if not any(other < one for other in sets))


def subsets(names: tuple[str, ...]) -> list[frozenset[str]]:
    """Give every subset."""
    return [frozenset(some) for size in range(len(names) + 1) for some in combinations(names, size)]


def corrections(names: tuple[str, ...], conflicts: Sets) -> Sets:
    """Give the smallest sets that meet every conflict, by trying all."""
    return smallest(frozenset(some for some in subsets(names) if all(some & one for one in conflicts)))


NAMES = tuple(f"c{number}" for number in range(7))
families = st.frozensets(st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=4), max_size=6)


@settings(deadline=None)
@given(families)
def test_every_subset_and_every_correction_is_found(conflicts: Sets) -> None:
    """All minimal subsets and all minimal corrections, each once, whatever the conflicts are."""
    found = all_muses(named(7), planted(conflicts))
    assert found.complete
    assert sorted(map(sorted, (one.names for one in found.subsets))) == sorted(map(sorted, smallest(conflicts)))
    assert sorted(map(sorted, found.corrections)) == sorted(map(sorted, corrections(NAMES, conflicts)))


@settings(deadline=None)
@given(families, st.frozensets(st.frozensets(st.sampled_from(NAMES)), max_size=30))
def test_what_is_not_decided_is_never_claimed(conflicts: Sets, silent: Sets) -> None:
    """Every subset told is in conflict, certified only where it is minimal, complete only if nothing is missing."""
    found = all_muses(named(7), planted(conflicts, silent))
    for one in found.subsets:
        assert any(conflict <= set(one.names) for conflict in conflicts)
        if one.minimal == "certified":
            assert frozenset(one.names) in smallest(conflicts)
    for correction in found.corrections:
        assert all(set(correction) & conflict for conflict in conflicts)
    if found.complete:
        assert {frozenset(one.names) for one in found.subsets} == smallest(conflicts)
        assert frozenset(map(frozenset, found.corrections)) == corrections(NAMES, conflicts)


def test_one_that_could_be_smaller_says_so() -> None:
    """A constraint without which the oracle is silent stays, and is named."""
    silent = frozenset([frozenset({"c0", "c1"})])
    found = one_mus(named(3), planted(frozenset([frozenset({"c0", "c1"})]), silent))
    assert found is not None
    assert (found.names, found.minimal, found.undecided) == (("c0", "c1", "c2"), "upper bound", ("c2",))
    assert one_mus(named(3), planted(frozenset())) is None
    assert one_mus(named(3), lambda _: undecided()) is None


def test_a_limit_of_calls_is_kept() -> None:
    """What is left when the calls are used up is not called complete."""
    pairs = frozenset(frozenset(pair) for pair in combinations(NAMES, 2))
    found = all_muses(named(7), planted(pairs), calls=9)
    assert not found.complete
    assert 0 < len(found.subsets) < 21


def test_nothing_is_asked_twice() -> None:
    """Answers follow from cores that were proven and from what a seen point meets, as far as they do."""
    asked: list[frozenset[str]] = []
    oracle = planted(frozenset([frozenset({"c0", "c1"}), frozenset({"c2"})]))

    def counted(problem: Problem) -> Decision:
        asked.append(frozenset(one.name for one in problem.constraints))
        return oracle(problem)

    memory = Memory(named(5), counted, lambda *_: {"c3": True, "c4": None})
    assert memory.ask(frozenset({"c0"})) == "feasible"
    assert memory.ask(frozenset({"c0", "c3"})) == "feasible"
    assert memory.ask(frozenset({"c0", "c4"})) == "feasible"
    assert memory.ask(frozenset({"c1", "c0"})) == "infeasible"
    assert memory.ask(frozenset({"c1", "c0", "c4"})) == "infeasible"
    assert asked == [{"c0"}, {"c0", "c4"}, {"c0", "c1"}]


def test_a_core_that_a_point_meets_is_not_passed_on() -> None:
    """An oracle that contradicts itself is found out where the subset is proven once more."""

    def oracle(problem: Problem) -> Decision:
        names = tuple(one.name for one in problem.constraints)
        return Infeasible({}, ("c0",)) if len(names) == 3 else Feasible((), "a lie")

    with pytest.raises(RuntimeError, match="c0"):
        one_mus(named(3), oracle)


# --- real constraints -------------------------------------------------------------------------------------------------


def linear(rows: list[Linear]) -> Problem:
    """Give a problem of two whole numbers from 0 to 4."""
    whole = [Variable(name, "integer", Fraction(0), Fraction(4)) for name in "xy"]
    return Problem(tuple(whole), tuple(Constraint(f"r{at}", Below(left(row))) for at, row in enumerate(rows)))


def left(row: Linear) -> Term:
    """Give the left side of a row."""
    x, y = (Apply("*", (Number(Fraction(part)), Unknown(at))) for at, part in enumerate(row[:2]))
    return Apply("+", (Apply("+", (x, y)), Number(Fraction(row[2]))))


def by_enumeration(rows: list[Linear]) -> Callable[[frozenset[str]], bool]:
    """Give a function that tries every point."""

    def feasible(names: frozenset[str]) -> bool:
        chosen = [rows[int(name[1:])] for name in names]
        points = product(range(5), repeat=2)
        return any(all(a * x + b * y + c <= 0 for a, b, c in chosen) for x, y in points)

    return feasible


small = st.integers(-3, 3)


@settings(deadline=None)
@given(st.lists(st.tuples(small, small, st.integers(-6, 6)), min_size=1, max_size=6))
def test_conflicts_of_whole_numbers(rows: list[Linear]) -> None:
    """The subsets of linear rules over small whole numbers are those that trying every point gives, each proven."""
    problem, feasible = linear(rows), by_enumeration(rows)
    names = tuple(one.name for one in problem.constraints)
    truth = smallest(frozenset(some for some in subsets(names) if not feasible(some)))
    found = all_muses(problem, decide, certainly)
    assert found.complete
    assert {frozenset(one.names) for one in found.subsets} == truth
    for one in found.subsets:
        assert not check_certificate(problem.only(frozenset(one.proven_for)), one.certificate)
    single = one_mus(problem, decide, certainly)
    assert (frozenset(single.names) in truth) if single else not truth
