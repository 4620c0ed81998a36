"""Making a counterexample small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import Divergence, UsageError
from harness.faults.plan import Fault
from harness.stress.schedule import Change, Schedule, Turn
from harness.stress.seen import Made, Seen, Violated
from harness.stress.small.reduce import Case, simpler_cases, simpler_values
from harness.stress.small.shrink import shrink

Predicate = Callable[[Schedule, Mapping[str, Any]], bool]

ELEMENTS = (
    *(Fault(f"error-{nth}", "error", ("pay",), nth=(nth,)) for nth in (1, 2, 3)),
    *(Turn(place, 1) for place in (0, 4)),
    *(Change("/a", value) for value in (0, 7)),
)


def run_of(violates: Predicate) -> Callable[[Schedule, Mapping[str, Any]], Seen]:
    """Make runs of a predicate: the rule R is violated where it is true."""

    def run(schedule: Schedule, given: Mapping[str, Any]) -> Seen:
        violated = (Violated("R", "high", -1, ""),) if violates(schedule, given) else ()
        return Seen((), violated, (), "returned", None)

    return run


def neighbours(case: Case, run: Callable[[Schedule, Mapping[str, Any]], Seen]) -> Iterator[Case]:
    """Give the neighbours of a case that violate the rule, but not by another input alone."""
    for one in simpler_cases(case, run(*case)):
        alone = one.schedule.elements and one.input != case.input and "R" in run(Schedule(), one.input).rules
        if "R" in run(*one).rules and not alone:
            yield one


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(ELEMENTS), min_size=1, unique=True),
    st.sets(st.sampled_from(ELEMENTS), max_size=3),
)
def test_what_is_needed_is_left(elements: list[Any], needed: set[Any]) -> None:
    """Where some elements are needed together, and each as it is, exactly those are left."""
    schedule = Schedule().of(tuple(dict.fromkeys((*elements, *needed))))
    found = shrink(run_of(lambda one, _: needed <= set(one.elements)), schedule, {}, "R")
    assert set(found.schedule.elements) == needed
    assert found.minimal


@settings(deadline=None)
@given(st.lists(st.sampled_from(ELEMENTS), min_size=1, unique=True), st.randoms(use_true_random=False))
def test_any_predicate_is_brought_to_one_minimal(elements: list[Any], chance: Any) -> None:
    """Also where less may violate what more does not: no neighbour of the result violates, and nothing is drawn."""
    table: dict[str, bool] = {}
    start = Schedule().of(tuple(elements))
    table[str((start, {"a": [3, "x"]}))] = True

    def violates(schedule: Schedule, given: Mapping[str, Any]) -> bool:
        return table.setdefault(str((schedule, given)), chance.random() < 0.3)

    run = run_of(violates)
    found = shrink(run, start, {"a": [3, "x"]}, "R", budget=5000)
    assert found.minimal
    assert "R" in run(found.schedule, found.input).rules
    assert not list(neighbours(Case(found.schedule, found.input), run))
    assert len(found.schedule) <= len(start)
    assert shrink(run, start, {"a": [3, "x"]}, "R", budget=5000) == found


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.sampled_from("ab"), st.lists(st.integers(-3, 3), max_size=3)))
def test_a_reduced_input_is_a_least_one(given_input: dict[str, Any]) -> None:
    """Against brute force: of all inputs that steps lead to, it is one without a violating neighbour."""

    def violates(_: Schedule, given: Mapping[str, Any]) -> bool:
        return sum(abs(one) for numbers in given.values() for one in numbers) >= 3

    if not violates(Schedule(), given_input):
        return
    reached, least, ways = set[str](), [], [given_input]
    while ways:
        one = ways.pop()
        steps = [other for other in simpler_values(one) if violates(Schedule(), other)]
        least += [] if steps else [one]
        ways += [other for other in steps if str(other) not in reached]
        reached |= set(map(str, steps))
    assert shrink(run_of(violates), Schedule(), given_input, "R").input in least


@pytest.mark.parametrize(("bound", "word"), list(product((1, 40), ("", "bakery"))))
def test_numbers_and_texts_stop_at_the_boundary(bound: int, word: str) -> None:
    """What a rule compares is brought to where the comparison just holds; what it does not read is gone."""

    def violates(_: Schedule, given: Mapping[str, Any]) -> bool:
        return given.get("cents", 0) >= bound and word in given.get("name", "")

    found = shrink(run_of(violates), Schedule(), {"cents": 48_000, "name": "a good bakery", "note": {"x": [1]}}, "R")
    assert found.input == {"cents": bound} | ({"name": word} if word else {})
    assert found.runs < 80


def test_an_input_that_does_it_alone_is_another_counterexample() -> None:
    """Where a fault is needed, an input that nobody would give is not taken for it; where none is, it is."""

    def violates(schedule: Schedule, given: Mapping[str, Any]) -> bool:
        if "count" not in given:
            raise UsageError("count is missing")
        return given["count"] == 0 or bool(schedule.faults)

    found = shrink(run_of(violates), Schedule(ELEMENTS[:2]), {"count": 9}, "R")
    assert (found.schedule.faults, found.input) == ((ELEMENTS[0],), {"count": 1})
    assert found.minimal
    assert shrink(run_of(violates), Schedule(), {"count": 0}, "R").schedule == Schedule()


def test_an_input_that_the_entry_does_not_take_is_passed_over() -> None:
    """A run that refuses its input is no violation, and no error."""

    def run(schedule: Schedule, given: Mapping[str, Any]) -> Seen:
        if "cents" not in given:
            raise UsageError("cents is missing")
        return run_of(lambda *_: True)(schedule, given)

    assert shrink(run, Schedule(), {"cents": 5, "name": "x"}, "R").input == {"cents": 0}
    with pytest.raises(UsageError, match="cents is missing"):
        shrink(run, Schedule(), {}, "R")


def test_a_budget_that_ends_is_told() -> None:
    """What was reached by then still violates the rule, and is not called minimal."""
    needed = run_of(lambda _, given: len(given.get("text", "")) > 400)
    found = shrink(needed, Schedule(), {"text": "x" * 1000}, "R", budget=12)
    assert not found.minimal
    assert found.runs <= 12 + 2
    assert 400 < len(found.input["text"]) < 1000


def test_a_run_that_is_not_the_same_twice_is_told_and_not_shrunk() -> None:
    """The first difference is named."""
    results = iter(range(99))

    def run(schedule: Schedule, given: Mapping[str, Any]) -> Seen:
        return run_of(lambda *_: True)(schedule, given)._replace(result={"draw": next(results)})

    with pytest.raises(Divergence, match="/result/draw"):
        shrink(run, Schedule(turns=(Turn(0, 1),)), {}, "R")


def test_ids_and_times_of_a_model_do_not_count() -> None:
    """What a model answers may differ from run to run; what tools are called with may not."""
    draws = iter(range(999))

    def run_calling(surface: Any) -> Callable[[Schedule, Mapping[str, Any]], Seen]:
        def run(schedule: Schedule, given: Mapping[str, Any]) -> Seen:
            call = Made(0, surface, "ask", "main", 1, {"id": next(draws)}, "ok", {"id": next(draws)})
            return run_of(lambda *_: True)(schedule, given)._replace(calls=(call,))

        return run

    assert shrink(run_calling("model"), Schedule(), {}, "R").minimal
    with pytest.raises(Divergence, match="/calls/0/args/id"):
        shrink(run_calling("tool"), Schedule(), {}, "R")


def test_no_violation_no_shrinking() -> None:
    """The rules that are violated instead are named."""
    with pytest.raises(Divergence, match="does not violate S, but R"):
        shrink(run_of(lambda *_: True), Schedule(), {}, "S")
