"""Small linear programs, against HiGHS."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.solve.linear import _by_highs
from harness.registry.solve.simplex import INFINITE, Bounds, simplex

Program = tuple[list[float], Bounds, list[list[float]], Bounds]


def weights(random: Random) -> Program:
    """Give a program as it is made of atoms to be weighed: weights that add up to 1, and what slopes cost."""
    atoms, used = random.randint(1, 10), random.randint(1, 5)
    counted = [1.0 if at == 0 or random.random() < 0.85 else 0.0 for at in range(atoms)]
    table, limits = [counted + [0.0] * used], [(1.0, 1.0)]
    for at in range(used):
        steep = [(one, one + random.uniform(0, 0.1)) for one in (random.uniform(-1, 1) for _ in range(atoms))]
        pad = [-1.0 if other == at else 0.0 for other in range(used)]
        table += [[high for _, high in steep] + pad, [-low for low, _ in steep] + pad]
        limits += [(-INFINITE, 0.0)] * 2
    cost = [random.uniform(-1, 1) for _ in range(atoms)] + [1.0] * used
    return cost, [(0.0, 1e4)] * atoms + [(0.0, INFINITE)] * used, table, limits


def anything(random: Random) -> Program:
    """Give a program with bounds and limits on both sides, many of which cannot be met."""
    wide, tall = random.randint(1, 6), random.randint(0, 6)
    rows = [[random.choice((0.0, float(random.randint(-3, 3)))) for _ in range(wide)] for _ in range(tall)]
    bounds = [(float(low), float(low + random.randint(0, 4))) for low in (random.randint(-4, 2) for _ in range(wide))]
    limits = [(float(low), float(low + random.randint(0, 9))) for low in (random.randint(-6, 4) for _ in range(tall))]
    return [float(random.randint(-3, 3)) for _ in range(wide)], bounds, rows, limits


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**63).map(Random), st.sampled_from([weights, anything]))
def test_programs_have_the_least_cost_that_highs_finds(random: Random, made: object) -> None:
    """Both find none, or values of equal cost; ours are in their bounds and rows in their limits."""
    assert callable(made)
    cost, bounds, rows, limits = made(random)
    found, expected = simplex(cost, bounds, rows, limits), _by_highs(cost, bounds, rows, limits)
    assert (found is None) is (expected is None)
    if found is None or expected is None:
        return
    least = sum(map(float.__mul__, cost, expected))
    assert abs(sum(map(float.__mul__, cost, found)) - least) <= 1e-6 * (1 + abs(least))
    sums = [sum(map(float.__mul__, row, found)) for row in rows]
    for value, (low, high) in zip(found + sums, bounds + limits, strict=True):
        assert low - 1e-7 * (1 + abs(low)) <= value <= high + 1e-7 * (1 + abs(high))


def test_a_cost_without_a_bound_is_given_up() -> None:
    """The method starts from a bound, and where the cost wants none there is no answer."""
    assert simplex([-1.0], [(0.0, INFINITE)], [[1.0]], [(0.0, 1.0)]) is None


def test_a_program_without_rows_stands_at_its_bounds() -> None:
    """Each value is at the bound that costs least."""
    assert simplex([-1.0, 2.0, 0.0], [(0.0, 3.0), (-1.0, 1.0), (5.0, 6.0)], [], []) == [3.0, -1.0, 5.0]
