"""What the solver proves of the rules on an artifact: none fits them, one adds nothing, a field has one value left.

Parameters that a caller may bind count as open within their bounds; where one has none, only the first is looked for.
Only what is certified is a finding. What was not looked at, because the rules cannot be read as constraints, the budget
is used up or the solver is not installed, is a note. Not verified: rounding in the check of an artifact, as everywhere
in the solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Final

from harness.errors import RegistryError
from harness.registry.document import Written
from harness.registry.invariant import Invariant
from harness.registry.parameter import Parameter, span
from harness.registry.registry import Registry
from harness.registry.solve.checker import certainly
from harness.registry.solve.coding import told
from harness.registry.solve.decide import Budget, Feasible, Infeasible, decide
from harness.registry.solve.extract import extract
from harness.registry.solve.joining import applied
from harness.registry.solve.mus import one_mus
from harness.registry.solve.needs import CURE, missing_packages
from harness.registry.solve.problem import Below, Constraint, Number, Problem, Unknown
from harness.registry.solve.relax import parameters_of, with_variable
from harness.registry.solve.rewrite import negated, within
from harness.registry.solve.unknowns import exact
from harness.review.lint.diagnostic import Diagnostic, Level, diagnostic

BUDGET: Final = Budget(boxes=300, work=10_000, resources=0)  # of each question
_ENFORCED: Final = ("block", "escalate")

_decide: Final = partial(decide, budget=BUDGET)


def of_artifacts(registry: Registry) -> Iterator[Diagnostic]:
    """Yield what is proven of the rules on each artifact. One question for each rule, and three for each field."""
    for artifact in dict.fromkeys(rule.artifact for rule in registry.invariants if rule.on == "artifact"):
        if artifact in registry.artifacts:
            yield from _of_artifact(registry, artifact)


def _of_artifact(registry: Registry, artifact: str) -> Iterator[Diagnostic]:
    at = registry.places[f"artifacts.{artifact}"]
    if missing := missing_packages():
        yield _unseen(artifact, at, f"{', '.join(missing)} not installed", CURE)
        return
    try:
        problem = extract(registry, artifact)
    except RegistryError as error:
        first = error.mistakes[0]
        yield _unseen(artifact, at, f"{first.message} ({first.file}:{first.line})", first.cure)
        return
    decision = _decide(problem)
    if isinstance(decision, Infeasible):
        yield from _conflict(registry, artifact, problem)
    elif isinstance(decision, Feasible):
        freed = _freed(problem, registry)
        if freed is not None:
            yield from _implied(freed, {rule.id: rule for rule in registry.invariants})
            yield from _pinned(freed, len(problem.variables), at)
    else:
        longer = f"harness registry solve {registry.file} --artifact {artifact} looks longer"
        yield _unseen(artifact, at, decision.reason, longer)


def _unseen(artifact: str, at: Written, why: str, cure: str) -> Diagnostic:
    said = f"whether any {artifact} can meet the rules was not decided: {why}"
    return diagnostic("not-solved", "", at, said, cure)


# --- rules that no artifact can meet ----------------------------------------------------------------------------------


def _conflict(registry: Registry, artifact: str, problem: Problem) -> Iterator[Diagnostic]:
    """Yield the finding at the last rule of a smallest set that no artifact can meet."""
    found = one_mus(problem, _decide, certainly)
    rules = [rule for name in (found.names if found else ()) if (rule := registry.invariant(name))]
    if found is None or not rules:
        return
    part = problem.only(frozenset(found.names))
    freed = _freed(part, registry)
    always = freed is not None and isinstance(_decide(freed), Infeasible)
    level: Level = "error" if always and all(rule.otherwise in _ENFORCED for rule in rules) else "warning"
    *others, last = rules
    with_others = f" and {', '.join(f'{one.id} ({one.place})' for one in others)}" if others else ""
    said = f"no {artifact} can meet this{with_others}" + ("" if always else ", with the parameters as they are")
    at = last.at.find(["require"])
    yield diagnostic(
        "conflict" if others else "never-satisfiable",
        last.id,
        at,
        said,
        _way_out(registry, artifact, part),
        level=level,
    )


def _way_out(registry: Registry, artifact: str, part: Problem) -> str:
    """Name the parameters of which another value, within what may be bound, certainly suffices."""
    enough = [
        name
        for name in parameters_of(part)
        if (ends := _bounds(name, registry))
        and ends[0] != ends[1]
        and isinstance(_decide(with_variable(part, name, *ends, whole=_is_whole(name, registry))), Feasible)
    ]
    if not enough:
        return "change a threshold, or give one of them a guard"
    told = f"another value of {' or '.join(enough)} would do"
    return f"{told}: harness registry negotiate {registry.file} --artifact {artifact}"


def _bounds(parameter: str, registry: Registry) -> tuple[Fraction, Fraction] | None:
    """Give the ends of what a caller may bind, equal ones where nothing may be; None where there is no end."""
    low, high = span(registry.about.get(parameter, Parameter()), registry.parameters[parameter])
    return None if low is None or high is None else (exact(low), exact(high))


def _freed(problem: Problem, registry: Registry) -> Problem | None:
    """Give the problem in which parameters that may be bound are variables, the last; None where one has no end."""
    for name in parameters_of(problem):
        ends = _bounds(name, registry)
        if ends is None:
            return None
        if ends[0] != ends[1]:
            problem = with_variable(problem, name, *ends, whole=_is_whole(name, registry))
    return problem


def _is_whole(parameter: str, registry: Registry) -> bool:
    return registry.about.get(parameter, Parameter()).whole


# --- rules that add nothing -------------------------------------------------------------------------------------------


def _implied(problem: Problem, rules: dict[str, Invariant]) -> Iterator[Diagnostic]:
    """Yield each rule that is met wherever the others are that block."""
    enforced = [one for one in problem.constraints if one.name not in rules or rules[one.name].otherwise in _ENFORCED]
    for one in problem.constraints:
        if one.name in rules:
            others = tuple(other for other in enforced if other is not one)
            against = Problem(problem.variables, (*others, Constraint(one.name, negated(one.condition))))
            decision = _decide(against)
            core = decision.core if isinstance(decision, Infeasible) else ()
            if used := [f"{name} ({rules[name].place})" for name in core if name in rules and name != one.name]:
                said = f"every artifact that meets {' and '.join(used)} meets this too"
                at = rules[one.name].at.find(["require"])
                yield diagnostic("implied", one.name, at, said, "drop it, unless it is a second line of defence")


# --- fields without a choice ------------------------------------------------------------------------------------------


def _pinned(problem: Problem, fields: int, at: Written) -> Iterator[Diagnostic]:
    """Yield each field, of the first so many variables, that has one value in all artifacts that meet the rules."""
    decision = _decide(problem)
    if not isinstance(decision, Feasible):
        return
    for place, variable in enumerate(problem.variables[:fields]):
        value = decision.point[place]
        if variable.low < variable.high and not any(
            not isinstance(_decide(part), Infeasible) for part in _elsewhere(problem, place, value)
        ):
            path = [step for name in variable.name.split(".") for step in ("properties", name)]
            said = f"the rules leave one value: {variable.name} is {told(variable, value)!r}"
            level: Level = "warning" if variable.kind == "real" else "note"
            cure = "loosen one of them: rounding may miss a single number" if level == "warning" else "make it a const"
            yield diagnostic("single-value", "", at.find(["schema", *path]), said, cure, level=level)


def _elsewhere(problem: Problem, place: int, value: Fraction) -> Iterator[Problem]:
    """Yield the problem with a variable below a value, and with it above."""
    variable, one, other = problem.variables[place], Unknown(place), Number(value)
    if variable.kind == "real":
        for sides in ((one, other), (other, one)):
            beyond = Constraint("elsewhere", Below(applied("-", *sides), strict=True))
            yield Problem(problem.variables, (*problem.constraints, beyond))
        return
    if value > variable.low:
        yield within(problem, place, variable.low, value - 1)
    if value < variable.high:
        yield within(problem, place, value + 1, variable.high)
