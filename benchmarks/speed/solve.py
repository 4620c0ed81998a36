"""What deciding a set of constraints costs: the two problems that papers use, and generated sets of mixed rules.

A generated set is planted: every rule is written around one point, so the set has a solution; its infeasible twin has
in addition a core of rules that contradict each other by a stated gap. All figures include compiling, search
and the replay of the certificate; compiled rules are forgotten before each. *Cold* is in a fresh process, with what
it loads, and *loaded* with these libraries loaded already.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

from benchmarks.speed.measure import SEED, Figure, Samples, measured, report, side_by_side
from benchmarks.speed.solve_cold import cold
from harness.registry.solve.contract import clause_of
from harness.registry.solve.decide import Feasible, Infeasible, decide
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
from harness.registry.solve.sample import excess_of

RULES: Final = (5, 10, 20, 50)
VARIABLES: Final = (2, 5, 10)
COLD: Final = {
    "driving_infeasible": "<= 10",
    "driving_feasible": "<= 10",
    "reactor_infeasible": "<= 40",
    "reactor_feasible": "<= 40",
    "reactor_mus": "<= 50",
    "reactor_relax": "<= 1000",
}
GAPS: Final = (Fraction(1, 20), Fraction(1, 1000), Fraction(1, 10_000))


def _number(value: float | Fraction, parameter: str = "") -> Number:
    return Number(Fraction(repr(value)) if isinstance(value, float) else Fraction(value), parameter)


def _of(operation: Operation, *terms: Term) -> Term:
    return Apply(operation, terms)


def _sum(terms: list[Term]) -> Term:
    total = terms[0]
    for term in terms[1:]:
        total = _of("+", total, term)
    return total


# --- the problems of papers -------------------------------------------------------------------------------------------


def driving(perception: int) -> Problem:
    """Give the speed after degradation (2604.17025): stop in sight, and do not brake hard."""
    v = Unknown(0)
    way = _of("/", Power(_of("/", v, _number(3.6)), 2), _of("*", _number(2), _of("*", _number(0.4), _number(9.8))))
    slow = _of("/", _of("-", _number(120), v), _of("*", _number(5), _number(3.6)))
    return Problem(
        (Variable("v", "real", Fraction(0), Fraction(120)),),
        (
            Constraint("forward", Below(_of("-", way, _number(perception)), strict=True)),
            Constraint("rear", Below(_of("-", slow, _number(2.0)))),
        ),
    )


def reactor(longest_s: int) -> Problem:
    """Give the flow reactor (2604.17025): temperature in Celsius, residence time in seconds."""
    degrees, tau = Unknown(0), Unknown(1)
    heat = _of("*", _number(8.314), _of("+", degrees, _number(273.15)))
    k = _of("*", _number(250_000_000), _of("exp", _of("/", _number(-72_000), heat)))
    kept = _of("-", _number(1), _of("exp", _of("-", _number(0), _of("*", k, tau))))
    flow = _of("/", _number(Fraction(3770, 10**8)), tau)  # m3/s
    thick = _number(Fraction(31415927, 10**7) * Fraction(2, 1000) ** 4)
    rules: dict[str, Term] = {
        "C1": _of("-", _number(0.95), kept),
        "C2": _of("-", _of("*", _of("*", _number(0.35), Power(k, 2)), tau), _number(0.02)),
        "C3": _of("-", degrees, _number(150)),
        "C4": _of("-", tau, _number(longest_s, "tau_max")),
        "C5": _of("-", _number(5), _of("*", _of("*", _number(Fraction(576 * 60_000)), flow), kept)),
        "C6": _of("-", _of("*", _of("*", flow, _number(170_000_000)), kept), _number(1508)),
        "C7": _of("-", _of("/", _of("*", _number(Fraction(12288, 10**4)), flow), thick), _number(1_500_000)),
    }
    return Problem(
        (Variable("T", "real", Fraction(0), Fraction(200)), Variable("tau", "real", Fraction(1), Fraction(600))),
        tuple(Constraint(name, Below(term)) for name, term in rules.items()),
    )


# --- generated sets ---------------------------------------------------------------------------------------------------


class Generated(NamedTuple):
    """A set and what is known of it."""

    problem: Problem
    feasible: bool
    rules: int
    variables: int


def _value(term: Term, point: list[float]) -> float:
    return excess_of(Below(term))(point)


def _some_term(chance: random.Random, reals: list[int]) -> Term:
    x, y = (Unknown(chance.choice(reals)) for _ in range(2))
    match chance.randrange(7):
        case 0:
            taken = chance.sample(reals, min(3, len(reals)))
            return _sum([_of("*", _number(chance.randint(-5, 5) or 1), Unknown(at)) for at in taken])
        case 1:
            return _of("-", _of("*", x, y), _of("*", _number(chance.randint(1, 4)), x))
        case 2:
            return _of("+", Power(_of("-", x, _number(chance.randint(1, 9))), 2), y)
        case 3:
            fading = _of("*", y, _of("exp", _of("/", x, _number(-8))))
            return _of("-", fading, _of("/", x, _number(chance.randint(2, 9))))
        case 4:
            return _of("max", _of("abs", _of("-", x, y)), _of("*", _number(0.5), y))
        case 5:
            return _of("-", _of("sqrt", _of("+", x, _number(1))), _of("log", _of("+", y, _number(2))))
        case _:
            return _of("/", _of("+", x, _number(chance.randint(1, 5))), _of("+", y, _number(chance.randint(1, 5))))


def _rule(chance: random.Random, reals: list[int], mode: int, point: list[float]) -> Condition:
    term = _some_term(chance, reals)
    if chance.random() < 0.3:
        term = _of("-", _number(0), term)
    value = _value(term, point)
    limit = round(value + 0.05 * max(1.0, abs(value)) * (1 + chance.random()), 3)
    rule = Below(_of("-", term, _number(limit)), strict=chance.random() < 0.3)
    if chance.random() < 0.25:
        asked = chance.randrange(3)
        return Some((Equal(_of("-", Unknown(mode), _number(asked)), differs=True), rule))
    return rule


def _core(chance: random.Random, reals: list[int], gap: Fraction) -> list[Condition]:
    """Give rules over positive variables that contradict each other by a gap."""
    x, y = Unknown(reals[0]), Unknown(reals[1])
    z = Unknown(reals[2]) if len(reals) > 2 else x
    at = chance.randint(2, 6)
    plus, minus = _number(at + gap), _number(at)
    match chance.randrange(4):
        case 0:  # x + y < a and y + z >= a + gap, x >= z
            return [
                Below(_of("-", _of("+", x, y), minus), strict=True),
                Below(_of("-", plus, _of("+", y, z))),
                Below(_of("-", z, x)),
            ]
        case 1:  # the square of the mean is at least the product
            return [
                Below(_of("-", _of("*", plus, plus), _of("*", x, y))),
                Below(_of("-", _of("+", x, y), _number(2 * at))),
                Below(_of("-", x, _number(2 * at))),
            ]
        case 2:  # e to x is at least 1 + x
            return [
                Below(_of("-", _of("exp", x), y)),
                Below(_of("-", _of("+", y, _number(gap)), _of("+", _number(1), x))),
                Below(_of("-", y, _number(9))),
            ]
        case _:  # first order decay: converted enough, side product little
            k = _of("exp", _of("-", _number(0), _of("/", _number(at), _of("+", x, _number(1)))))
            return [
                Below(_of("-", _number(2), _of("*", k, y))),
                Below(_of("-", _of("*", _of("*", k, k), y), _number(Fraction(1, 2)))),
                Below(_of("-", y, _number(8 - gap))),
            ]


def generated(sets: int, seed: int) -> Iterator[Generated]:
    """Give sets and their infeasible twins, for each number of rules and of variables."""
    chance = random.Random(seed)
    for rules in RULES:
        for variables in VARIABLES:
            for _ in range(sets):
                gap = chance.choice(GAPS)
                whole = variables >= 5
                reals = list(range(variables - 1 - whole)) if variables > 2 else [0, 1]
                domains = [Variable(f"x{at}", "real", Fraction(0), Fraction(10)) for at in reals]
                point = [round(chance.uniform(0.5, 9.5), 3) for _ in reals]
                if whole:
                    domains.append(Variable("n", "integer", Fraction(0), Fraction(10)))
                    point.append(float(chance.randint(0, 10)))
                domains.append(Variable("mode", "choice", Fraction(0), Fraction(2), ("slow", "fast", "off")))
                point.append(float(chance.randrange(3)))
                free = reals + ([len(reals)] if whole else [])
                listed = [_rule(chance, free, len(point) - 1, point) for _ in range(rules)]
                core = _core(chance, chance.sample(reals, len(reals)), gap)
                for feasible, conditions in ((True, listed), (False, [*listed[: rules - len(core)], *core])):
                    named = tuple(Constraint(f"R{at}", one) for at, one in enumerate(conditions))
                    yield Generated(Problem(tuple(domains), named), feasible, rules, variables)


# --- measuring --------------------------------------------------------------------------------------------------------


def _fresh(problem: Problem) -> Any:
    clause_of.cache_clear()
    excess_of.cache_clear()
    return decide(problem)


def _ms(problem: Problem) -> Callable[[], float]:
    def once() -> float:
        start = time.perf_counter_ns()
        _fresh(problem)
        return (time.perf_counter_ns() - start) / 1e6

    return once


def _run(sets: int, seed: int) -> Iterator[dict[str, Any]]:
    for one in generated(sets, seed):
        start = time.perf_counter_ns()
        found = _fresh(one.problem)
        took = (time.perf_counter_ns() - start) / 1e6
        wrong = isinstance(found, Infeasible if one.feasible else Feasible)
        answer = "wrong" if wrong else "right" if isinstance(found, Feasible | Infeasible) else "undecided"
        yield {
            "feasible": one.feasible,
            "rules": one.rules,
            "variables": one.variables,
            "answer": answer,
            "ms": round(took, 2),
        }


def _cold(repetitions: int) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of fresh processes: each question with what it loads, and with that loaded already."""
    for name, target in COLD.items():
        taken = [cold(name) for _ in range(repetitions)]
        yield f"cold_{name}_ms", measured(Samples("ms", tuple(one["ms"] for one in taken)), target)
        loaded = [cold(name, tuple(taken[0]["loads"])) for _ in range(repetitions)]
        yield f"loaded_{name}_ms", measured(Samples("ms", tuple(one["ms"] for one in loaded)))
    yield "cold_modules_ms", measured(Samples("ms", tuple(one["modules_ms"] for one in taken)))


def main() -> None:
    """Time the problems of papers in turn, in fresh processes, then each generated set once, and report."""
    problems = {
        "driving_infeasible_ms": driving(30),
        "driving_feasible_ms": driving(90),
        "reactor_infeasible_ms": reactor(120),
        "reactor_feasible_ms": reactor(180),
    }
    samples = side_by_side({name: _ms(one) for name, one in problems.items()}, "ms")
    targets = {"driving": "<= 10", "reactor": "<= 40"}
    figures = {name: measured(taken, targets[name.split("_")[0]]) for name, taken in samples.items()}
    figures |= _cold(5 if "--quick" not in sys.argv[1:] else 1)
    rows = list(_run(6 if "--quick" not in sys.argv[1:] else 1, SEED))
    times = sorted(row["ms"] for row in rows)
    figures["sets_median_ms"] = Figure(statistics.median(times), "ms", (times[0], times[-1]), "<= 100")
    p90 = times[int(0.9 * len(times))]
    figures["sets_p90_ms"] = Figure(p90, "ms", (p90, p90), "<= 500")
    for answer in ("wrong", "undecided"):
        count = sum(row["answer"] == answer for row in rows)
        figures[f"sets_{answer}"] = Figure(count, "1", (count, count), "== 0" if answer == "wrong" else "")
    report("solve", figures, rows)


if __name__ == "__main__":
    main()
