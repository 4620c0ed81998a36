"""What the search asks of the checker: one leaf on one box, and a whole certificate."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from harness.registry.solve.certificate import FORMAT, Certificate
from harness.registry.solve.checker import check_certificate
from harness.registry.solve.problem import Problem


def certificate_of(problem: Problem, tree: list[Any]) -> Certificate:
    """Give a tree as a certificate about a problem."""
    return {"format": FORMAT, "problem": problem.digest, "tree": tree}


def refutes(problem: Problem, lows: list[float], highs: list[float], tree: list[Any]) -> bool:
    """Say whether the checker accepts a tree for a part of the box of a problem."""
    variables = tuple(
        replace(one, low=max(one.low, Fraction(low)), high=min(one.high, Fraction(high)))
        for one, low, high in zip(problem.variables, lows, highs, strict=True)
    )
    part = Problem(variables, problem.constraints)
    return check_certificate(part, certificate_of(part, tree)) == ""
