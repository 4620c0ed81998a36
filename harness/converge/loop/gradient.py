"""The way back for a candidate that failed a rule: the nearest values that meet it and keep what is locked.

Where the solver can read the rules a step is exact or certified: at the value that it leads to, the failed rule and
every locked one hold, and between here and there they do not all, up to an edge of 1e-9 of the value. Elsewhere the
steps are those of the verdict that keep what is locked; each has been tried. Source: arXiv 2604.17025, the review's
triple of root cause, gradient and locks; the distance there is measured to the failed rule alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from harness.converge.ground import Ground, Judged
from harness.converge.spelling import as_json
from harness.registry.solve.boundary import Piece, boundary
from harness.registry.solve.coding import artifact_of, point_of, put, told, value_at
from harness.registry.solve.decide import Feasible, Infeasible, decide
from harness.registry.solve.joining import unknowns_in
from harness.registry.solve.problem import Problem, Variable
from harness.trace.verdict import Direction, Move, Verdict


@dataclass(frozen=True, slots=True)
class Gradient:
    """Why a candidate failed one rule, and what would meet it.

    ``anchor`` is the failed rule, ``cause`` what it says, ``values`` the sub-expressions that decided and ``margin``
    how far outside the candidate is, in the rule's own unit. ``steps`` change one field each, the nearest first, so
    that the anchor is met and all that is locked still is. Where there is none, ``against`` names the locked rules in
    the way, ``alone`` the steps that would meet the anchor without them, and ``jump`` is an artifact, changed in
    several fields, that meets all of them, where one was found.
    """

    anchor: str
    cause: str
    values: dict[str, Any]
    margin: float | None = None
    steps: tuple[Move, ...] = ()
    alone: tuple[Move, ...] = ()
    against: tuple[str, ...] = ()
    jump: dict[str, Any] | None = field(default=None)

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what is empty."""
        moves = {name: [one.facts() for one in getattr(self, name)] for name in ("steps", "alone")}
        rest = {"margin": self.margin, **moves, "against": list(self.against), "jump": self.jump}
        said = {"anchor": self.anchor, "cause": self.cause, "values": self.values}
        return said | {name: value for name, value in rest.items() if value not in (None, [])}

    def __str__(self) -> str:
        """Tell it to whoever proposes next."""
        lines = [f"{self.anchor}: {self.cause}"]
        lines += [f"  one way: {_worded(one)}" for one in self.steps]
        if self.against:
            lines += [f"  not without breaking {', '.join(self.against)}: {_worded(one)}" for one in self.alone]
        if self.jump is not None:
            lines.append(f"  several fields have to change; this would do: {as_json(self.jump)}")
        return "\n".join(lines)


def gradients(
    ground: Ground, judged: Judged, locked: frozenset[str], only: frozenset[str] | None = None
) -> tuple[Gradient, ...]:
    """Give a gradient for every rule that a candidate has failed, or for ``only`` these, those that it violates first.

    Deterministic. At most one cut of its range for each field that a failed rule speaks of, milliseconds each.
    """
    order = sorted(judged.verdicts, key=lambda one: one.truth != "violated")
    return tuple(_gradient(ground, judged, one, locked) for one in order if only is None or one.rule in only)


def slack(ground: Ground, candidate: dict[str, Any], rule: str, name: str) -> tuple[float | None, float | None]:
    """Say how far a field may fall, and rise, before a candidate that meets a rule no longer does.

    None where the field may go to its bound; NaN where the solver cannot tell.
    """
    problem = ground.problem
    point = point_of(problem, candidate) if problem is not None else None
    if problem is None or point is None:
        return math.nan, math.nan
    here = point[name]
    pieces = _pieces(problem.only(frozenset((rule,))), name, point)
    at = next((one for one in pieces if one.state == "in" and one.low <= here <= one.high), None)
    if at is None:
        return math.nan, math.nan
    falls = None if at is pieces[0] else float(here - at.low)
    rises = None if at is pieces[-1] else float(at.high - here)
    return falls, rises


def _gradient(ground: Ground, judged: Judged, verdict: Verdict, locked: frozenset[str]) -> Gradient:
    cause = verdict.says or (verdict.reason if verdict.truth == "unknown" else _stated(ground, verdict.rule))
    wanted, problem = locked | {verdict.rule}, ground.problem
    point = point_of(problem, judged.candidate) if problem is not None else None
    read = problem is not None and any(one.name == verdict.rule for one in problem.constraints)
    if problem is None or point is None or not read or verdict.truth == "unknown":
        steps = tuple(one for one in verdict.gradient if _tried(ground, judged.candidate, one) >= wanted)
        alone = () if steps else verdict.gradient
        return Gradient(verdict.rule, cause, verdict.values, verdict.margin, steps, alone)
    steps = tuple(_steps(ground, judged, problem, point, verdict, wanted))
    if steps:
        return Gradient(verdict.rule, cause, verdict.values, verdict.margin, steps)
    alone = tuple(_steps(ground, judged, problem, point, verdict, frozenset((verdict.rule,))))
    decision = decide(_kept(problem, wanted))
    against = decision.core if isinstance(decision, Infeasible) else ()
    jump = None
    if isinstance(decision, Feasible):
        jump = artifact_of(problem, decision.point, judged.candidate)
        jump = jump if ground.judge(jump).satisfied >= wanted else None
    others = tuple(one for one in against if one != verdict.rule)
    return Gradient(verdict.rule, cause, verdict.values, verdict.margin, (), alone, others, jump)


def _steps(
    ground: Ground,
    judged: Judged,
    problem: Problem,
    point: dict[str, Fraction],
    verdict: Verdict,
    wanted: frozenset[str],
) -> list[Move]:
    """Give the nearest step in each field that the failed rule speaks of, the nearest of them first."""
    found: list[tuple[float, Move]] = []
    exact = {one.field: one for one in verdict.gradient if one.allowed and not one.approximate and not one.one_of}
    spoken = {at for one in problem.constraints if one.name == verdict.rule for at in unknowns_in(one.condition)}
    for place, variable in enumerate(problem.variables):
        if place not in spoken or variable.low == variable.high:
            continue
        worked_out = exact.get(f"artifact.{variable.name}")
        if worked_out is not None and _tried(ground, judged.candidate, worked_out) >= wanted:
            found.append((_share(worked_out, variable), worked_out))
            continue
        inside = [one for one in _pieces(_kept(problem, wanted), variable.name, point) if one.state == "in"]
        if variable.values:
            found += _choices(ground, judged, variable, inside, wanted)
        elif (step := _nearest(ground, judged, variable, point[variable.name], inside, wanted)) is not None:
            found.append((_share(step, variable), step))
    return [step for _, step in sorted(found, key=lambda one: one[0])]


def _share(step: Move, variable: Variable) -> float:
    """Give how far a step goes, in widths of the field's range."""
    return float(step.distance or 0) / float(variable.high - variable.low)


def _nearest(
    ground: Ground, judged: Judged, variable: Variable, here: Fraction, inside: list[Piece], wanted: frozenset[str]
) -> Move | None:
    """Give the step to the nearest value inside that the registry's own check, in floats, agrees with."""
    ends = [(one.low, 1) if one.low >= here else (one.high, -1) for one in inside]
    for end, into in sorted(ends, key=lambda one: abs(one[0] - here)):
        for value in _representable(variable, end, into):
            if ground.judge(put(judged.candidate, variable.name, value)).satisfied >= wanted:
                direction: Direction = "increase" if into > 0 else "decrease"
                distance = abs(value - value_at(judged.candidate, variable.name))
                return Move(f"artifact.{variable.name}", direction, distance, value)
    return None


def _representable(variable: Variable, end: Fraction, into: int) -> Iterator[int | float]:
    """Yield the value at the end of a piece as JSON has it, and if that is not judged right, some a little inside."""
    value = told(variable, end)
    yield value
    if variable.kind == "real":
        beyond = float(end)
        for parts in (1e-15, 1e-12, 1e-10):
            yield beyond + into * max(abs(beyond) * parts, math.ulp(beyond))


def _choices(
    ground: Ground, judged: Judged, variable: Variable, inside: list[Piece], wanted: frozenset[str]
) -> Iterator[tuple[float, Move]]:
    """Yield the choice between the listed values that are possible."""
    codes = [code for one in inside for code in range(math.ceil(one.low), math.floor(one.high) + 1)]
    values = [variable.values[code] for code in codes]
    good = [one for one in values if ground.judge(put(judged.candidate, variable.name, one)).satisfied >= wanted]
    if good:
        yield 1.0, Move(f"artifact.{variable.name}", "choose", one_of=tuple(good))


def _pieces(problem: Problem, name: str, point: dict[str, Fraction]) -> tuple[Piece, ...]:
    return boundary(problem, name, decide, {other: at for other, at in point.items() if other != name})


def _kept(problem: Problem, names: frozenset[str]) -> Problem:
    """Give the problem of some rules; bounds of the schema belong to every one."""
    bounds = {one.name for one in problem.constraints if one.name.startswith("schema:")}
    return problem.only(names | bounds)


def _tried(ground: Ground, candidate: dict[str, Any], move: Move) -> frozenset[str]:
    """Give the rules that hold after a step; what is just beyond a boundary is tried a billionth further."""
    _, _, name = move.field.partition(".")
    if move.direction == "choose":
        return ground.judge(put(candidate, name, move.one_of[0])).satisfied if move.one_of else frozenset()
    value = move.boundary
    assert value is not None
    if not move.allowed:
        further = max(abs(value) * 1e-9, 1e-12)
        value = value + further if move.direction == "increase" else value - further
    return ground.judge(put(candidate, name, value)).satisfied


def _stated(ground: Ground, name: str) -> str:
    rule = next(one for one in ground.rules if one.id == name)
    return rule.title or rule.demand


def _worded(move: Move) -> str:
    """Tell a step; values that are to be copied stand as JSON, because that is what is to be answered."""
    name = move.field.removeprefix("artifact.")
    if move.direction == "choose":
        return f"{name}: choose {' or '.join(map(as_json, move.one_of))}"
    return str(move).removeprefix("artifact.")
