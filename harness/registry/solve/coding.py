"""Artifacts as points and back: what a field holds, as the problem counts it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from harness.registry.solve.certificate import Point
from harness.registry.solve.problem import Problem, Variable
from harness.registry.solve.unknowns import exact, is_number


def coded(variable: Variable, value: Any) -> Fraction | None:
    """Give the number that stands for a value of a field; None for one that the field cannot have. O(its values)."""
    if variable.values:
        same = (type(one) is type(value) and one == value for one in variable.values)
        found = next((Fraction(at) for at, equal in enumerate(same) if equal), None)
    else:
        found = exact(value) if is_number(value) else None
    if found is None or not variable.low <= found <= variable.high:
        return None
    return None if variable.kind == "integer" and found.denominator != 1 else found


def told(variable: Variable, number: Fraction) -> Any:
    """Give the value of a field that a number stands for, as plain JSON; real numbers come back as floats."""
    if variable.values:
        return variable.values[int(number)]
    return int(number) if number.denominator == 1 else float(number)


def allowed(variable: Variable) -> str:
    """Say for a reader which values a field can have."""
    if variable.values:
        return ", ".join(map(repr, variable.values))
    return f"{told(variable, variable.low)!r} to {told(variable, variable.high)!r}"


def point_of(problem: Problem, artifact: Mapping[str, Any]) -> dict[str, Fraction] | None:
    """Give the value of every variable in an artifact; None where one is missing or out of its bounds."""
    found: dict[str, Fraction] = {}
    for variable in problem.variables:
        number = coded(variable, value_at(artifact, variable.name))
        if number is None:
            return None
        found[variable.name] = number
    return found


def artifact_of(problem: Problem, point: Point, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give an artifact with the values of a point; the other fields are those of ``over``, which is not changed."""
    made: dict[str, Any] = dict(over or {})
    for variable, number in zip(problem.variables, point, strict=True):
        made = put(made, variable.name, told(variable, number))
    return made


def value_at(artifact: Mapping[str, Any], name: str) -> Any:
    """Give what an artifact holds under a dotted name; None where there is nothing."""
    found: Any = artifact
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def put(artifact: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Give an artifact with another value under a dotted name; nothing is changed in place. O(depth x width)."""
    first, _, rest = name.partition(".")
    inner = artifact.get(first)
    return {**artifact, first: put(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}
