"""Which values of one variable are possible, against sets that are known exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.registry.solve.boundary import Piece, boundary
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Undecided, decide
from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Constraint,
    Equal,
    Number,
    Operation,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
    Variable,
)
from harness.registry.solve.rewrite import negated


def number(value: str | Fraction) -> Number:
    """Give a number."""
    return Number(Fraction(value))


def of(operation: Operation, *terms: Term) -> Term:
    """Give an operation."""
    return Apply(operation, terms)


def driving(perception: int) -> Problem:
    """Give the case of a car that sees so many metres."""
    v = Unknown(0)
    metres = of("/", Power(of("/", v, number("3.6")), 2), number("7.84"))
    return Problem(
        (Variable("v", "real", Fraction(0), Fraction(200)),),
        (
            Constraint("forward", Below(of("-", metres, number(perception)), strict=True)),
            Constraint("rear", Below(of("-", of("/", of("-", number(120), v), number(18)), number(2)))),
        ),
    )


def shape(pieces: tuple[Piece, ...]) -> str:
    """Give the states in order."""
    return " ".join(one.state for one in pieces)


def gapless(pieces: tuple[Piece, ...], low: int, high: int) -> bool:
    """Tell whether real pieces follow one another from end to end, and no edge is wide."""
    ends = [one.high for one in pieces[:-1]] == [one.low for one in pieces[1:]]
    narrow = all((one.high - one.low) <= Fraction(1, 10**9) * one.high for one in pieces if one.state == "edge")
    return ends and narrow and pieces[0].low == low and pieces[-1].high == high


def test_boundaries_of_the_driving_case() -> None:
    """Slower than 55.21 km/h for the one rule, at least 84 for the other, at 90 m a window."""
    forward = boundary(driving(30).only(frozenset({"forward"})), "v", decide)
    assert shape(forward) == "in edge out"
    assert isclose(forward[0].high, 55.2104337775, rel_tol=2e-9)
    rear = boundary(driving(30).only(frozenset({"rear"})), "v", decide)
    assert shape(rear) == "out edge in"
    assert rear[2].low == 84
    window = boundary(driving(90), "v", decide)
    assert shape(window) == "out edge in edge out"
    assert window[2].low == 84
    assert isclose(window[2].high, 95.6272764, rel_tol=2e-9)
    assert shape(boundary(driving(30), "v", decide)) == "out"
    assert all(gapless(one, 0, 200) for one in (forward, rear, window))


def disc(hole: str) -> Problem:
    """Give x² + y² between the square of a hole and 1, in the box from -2 to 2."""
    square = of("+", Power(Unknown(0), 2), Power(Unknown(1), 2))
    box = tuple(Variable(name, "real", Fraction(-2), Fraction(2)) for name in "xy")
    inner = Below(of("-", number(Fraction(hole) ** 2), square))
    return Problem(box, (Constraint("disc", Below(of("-", square, number(1)))), Constraint("hole", inner)))


def test_the_others_free_or_fixed() -> None:
    """A ring seen from one side is one piece; cut through the middle it is two."""
    whole = boundary(disc("0.5"), "x", decide)
    assert shape(whole) == "out edge in edge out"
    assert isclose(whole[2].low, -1, rel_tol=2e-9)
    assert isclose(whole[2].high, 1, rel_tol=2e-9)
    cut = boundary(disc("0.5"), "x", decide, {"y": Fraction(0)})
    assert shape(cut) == "out edge in edge out edge in edge out"
    assert [cut[2].low, cut[2].high, cut[6].low, cut[6].high] == [-1, Fraction(-1, 2), Fraction(1, 2), 1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=4))
def test_unions_of_intervals(spans: list[tuple[int, int]]) -> None:
    """Of whole numbers each is in or out as it is listed; of reals each end is told exactly."""
    condition = Some(
        tuple(
            Below(of("max", of("-", number(low), Unknown(0)), of("-", Unknown(0), number(high)))) for low, high in spans
        )
    )
    whole = Problem((Variable("n", "integer", Fraction(0), Fraction(12)),), (Constraint("listed", condition),))
    pieces = boundary(whole, "n", decide)
    told = {at for one in pieces if one.state == "in" for at in range(int(one.low), int(one.high) + 1)}
    assert told == {at for low, high in spans for at in range(low, high + 1)}
    assert sum(one.high - one.low + 1 for one in pieces) == 13
    assert all(one.state != "edge" for one in pieces)
    assert all(one.state != other.state for one, other in pairwise(pieces))


def test_what_is_not_decided_is_an_edge() -> None:
    """An oracle without answers, or a limit of calls, leaves edges and never a claim."""
    silent = boundary(driving(90), "v", lambda _: Undecided("boxes", None), calls=40)
    assert shape(silent) == "edge"
    few = boundary(driving(90), "v", decide, calls=6)
    assert few[0].low == 0
    assert few[-1].high == 200
    assert [one.high for one in few[:-1]] == [one.low for one in few[1:]]
    for one in few:
        assert one.state != "in" or (one.low >= 84 and one.high < 95.628)
        assert one.state != "out" or one.high < 84 or one.low > 95.627


def test_a_piece_is_in_only_where_all_of_it_is_proven() -> None:
    """A narrow hole between feasible ends is found."""
    x = Unknown(0)
    hole = Some((Below(of("-", x, number("0.3"))), Below(of("-", number("0.300001"), x))))
    problem = Problem((Variable("x", "real", Fraction(0), Fraction(1)),), (Constraint("hole", hole),))
    pieces = boundary(problem, "x", decide)
    assert [one.state for one in pieces if one.state != "edge"] == ["in", "out", "in"]


def test_unknown_names_are_refused() -> None:
    """The message lists the variables."""
    with pytest.raises(UsageError, match="variables: v"):
        boundary(driving(30), "speed", decide)
    with pytest.raises(UsageError, match="'w'"):
        boundary(driving(30), "v", decide, {"w": Fraction(1)})


# --- conditions turned round ------------------------------------------------------------------------------------------

X = Unknown(0)
ATOMS: tuple[Condition, ...] = (
    Below(of("log", X)),
    Below(of("-", of("sqrt", X), number(1)), strict=True),
    Below(of("/", number(1), X)),
    Below(Power(X, -1), strict=True),
    Equal(of("-", X, number(1))),
    Equal(of("log", of("-", X, number(1))), differs=True),
    Below(of("log", of("log", X))),
    Below(of("min", of("sqrt", X), of("-", X, number(2)))),
)


@pytest.mark.parametrize("condition", ATOMS)
@pytest.mark.parametrize("at", ["-1", "0", "1/2", "1", "2", "3"])
def test_a_condition_and_its_negation(condition: Condition, at: str) -> None:
    """Exactly one of the two holds at any point, also where a term has no value."""

    def holds(one: Condition) -> bool | None:
        value = Fraction(at)
        return certainly(Problem((Variable("x", "real", value, value),), (Constraint("it", one),)), (value,))["it"]

    assert {holds(condition), holds(negated(condition))} == {True, False}
