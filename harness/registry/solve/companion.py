"""z3 beside our own search: for limits that touch, for values that are no fractions, and for logic.

A problem is told to z3 exactly, numbers as fractions and every operation with where it is defined; comparisons with
``exp`` or ``log``, which z3 does not know, are left out. What it answers is evidence and no proof: a model is a point
to be certified like any other, and for *unsat* there is nothing to replay.

Work is limited by the resource count of z3, never by seconds, and every question has a context of its own, so an answer
depends on the problem alone. That count hardly sees the projections of polynomials, of which one may take minutes: it
is shorter where real variables are multiplied, and of many such variables z3 is told what is linear only.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from harness.registry.solve.bound import Step, steps_of
from harness.registry.solve.certificate import Point
from harness.registry.solve.joining import is_place
from harness.registry.solve.problem import Below, Condition, Equal, Every, Problem, Some

DIGITS: Final = (12, 24, 48)  # to which a value that is no fraction is tried
CURVED_PART: Final = 100  # the part of the resources that is left where comparisons are not linear in real variables
MAX_CURVED: Final = 4  # variables in which comparisons are not linear
MAX_DEGREE: Final = 12  # of one comparison


class Told(NamedTuple):
    """What z3 says of a problem: ``points`` are its model, or fractions near it, of which none may be a solution."""

    answer: Literal["feasible", "infeasible", "unknown"]
    points: tuple[Point, ...] = ()


def ask(problem: Problem, limit: int) -> Told:
    """Ask z3 whether some point meets a problem, at most so many resources long.

    Of a problem that z3 was not told in whole it is never said to be feasible, though points may be given.
    """
    import z3

    said = _Saying(problem, z3)
    try:
        solver = z3.Solver(ctx=said.context)
        solver.set("rlimit", max(1, limit // CURVED_PART) if said.curved else limit)
        for fact in said.facts():
            solver.add(fact)
        answer = solver.check()
        if answer == z3.unsat:
            return Told("infeasible")
        if answer == z3.sat:
            return Told("feasible" if said.whole else "unknown", said.points(solver.model()))
    except z3.Z3Exception:  # out of resources, or out of depth
        pass
    return Told("unknown")


class _Form(NamedTuple):
    """What a term is as a polynomial: its degree, its variables, and those among them that it is not linear in."""

    degree: int
    variables: frozenset[int]
    curved: frozenset[int]


def _form_of(steps: list[Step]) -> _Form | None:
    """Give the form of a term; None where it has operations that z3 does not know, or too high a degree."""
    forms: list[_Form] = []
    for step in steps:
        if step.operation in ("exp", "log"):
            return None
        parts = [forms[part] for part in step.parts]
        variables = frozenset[int]().union(*(part.variables for part in parts))
        curved = frozenset[int]().union(*(part.curved for part in parts))
        degrees = [part.degree for part in parts]
        degree = max(degrees, default=0)
        if step.operation == "unknown":
            degree, variables = 1, frozenset((step.detail,))
        elif step.operation in ("*", "/"):
            degree = sum(degrees)
            if all(degrees) or (step.operation == "/" and degrees[1]):
                curved = variables
        elif step.operation == "power":
            degree, curved = degree * abs(step.detail), variables
        elif step.operation == "sqrt":
            degree, curved = max(2, degree), variables
        if degree > MAX_DEGREE:
            return None
        forms.append(_Form(degree, variables, curved))
    return forms[-1]


def _atoms(condition: Condition) -> Iterator[Below | Equal]:
    if isinstance(condition, Every | Some):
        for part in condition.parts:
            yield from _atoms(part)
    else:
        yield condition


class _Saying:
    """A problem in the words of z3.

    ``whole`` tells whether all of it could be said, ``curved`` whether some of it is not linear in real variables.

    A choice of two is a truth value, so that logic stays logic. An atom is said together with all that makes it
    defined, which is exact since nothing is ever negated: where that is false, the atom is.
    """

    def __init__(self, problem: Problem, z3: Any) -> None:
        self.whole, self.context = True, z3.Context()
        self._problem, self._z3, self._roots = problem, z3, 0
        self._truths = {
            at: z3.Bool(f"x{at}", self.context)
            for at, one in enumerate(problem.variables)
            if one.kind == "choice" and one.low == 0 and one.high == 1
        }
        self._unknowns = [self._unknown(at, one.kind == "real") for at, one in enumerate(problem.variables)]
        forms = (_form_of(steps_of(atom.term)) for one in problem.constraints for atom in _atoms(one.condition))
        curved = frozenset[int]().union(*(form.curved for form in forms if form))
        self._linear_only = len(curved) > MAX_CURVED
        self.curved = not self._linear_only and any(problem.variables[at].kind == "real" for at in curved)

    def facts(self) -> Iterator[Any]:
        """Yield the bounds of the variables and what each constraint says."""
        for at, one in enumerate(self._problem.variables):
            if at not in self._truths:
                yield self._unknowns[at] >= self._number(one.low)
                yield self._unknowns[at] <= self._number(one.high)
        for constraint in self._problem.constraints:
            yield self._said(constraint.condition)

    def points(self, model: Any) -> tuple[Point, ...]:
        """Give the point of a model, or where it has values that are no fractions, points near it."""
        values = [model.eval(one, model_completion=True) for one in self._unknowns]
        if any(self._z3.is_algebraic_value(one) for one in values):
            return tuple(tuple(self._near(one, digits) for one in values) for digits in DIGITS)
        return (tuple(map(_fraction, values)),)

    def _near(self, value: Any, digits: int) -> Fraction:
        return _fraction(value.approx(digits) if self._z3.is_algebraic_value(value) else value)

    def _unknown(self, at: int, real: bool) -> Any:
        if at in self._truths:
            return self._z3.If(self._truths[at], self._number(Fraction(1)), self._number(Fraction(0)))
        return (self._z3.Real if real else self._z3.Int)(f"x{at}", self.context)

    def _number(self, value: Fraction) -> Any:
        if value.denominator == 1:
            return self._z3.IntVal(value.numerator, self.context)
        return self._z3.RealVal(str(value), self.context)

    # --- conditions ---

    def _said(self, condition: Condition) -> Any:
        match condition:
            case Every(parts):
                return self._z3.And(self._constant(True), *map(self._said, parts))
            case Some(parts):
                return self._z3.Or(self._constant(False), *map(self._said, parts))
        if isinstance(condition, Equal) and (place := is_place(condition)) and place[0] in self._truths:
            said = self._z3.And(self._constant(place[1] in (0, 1)), self._truths[place[0]] == bool(place[1]))
            return self._z3.Not(said) if condition.differs else said
        return self._compared(condition)

    def _constant(self, truth: bool) -> Any:
        return self._z3.BoolVal(truth, self.context)

    def _compared(self, atom: Below | Equal) -> Any:
        steps = steps_of(atom.term)
        form = _form_of(steps)
        if form is None or (self._linear_only and form.curved):
            self.whole = False
            return self._constant(True)
        defined: list[Any] = [self._constant(True)]
        values: list[Any] = []
        for step in steps:
            values.append(self._value(step, [values[part] for part in step.parts], defined))
        term = values[-1]
        if isinstance(atom, Below):
            return self._z3.And(*defined, term < 0 if atom.strict else term <= 0)
        return self._z3.And(*defined, term != 0 if atom.differs else term == 0)

    def _value(self, step: Step, parts: list[Any], defined: list[Any]) -> Any:
        """Give one step of a term; what it takes to be defined is added."""
        match step.operation:
            case "number":
                return self._number(step.detail)
            case "unknown":
                return self._unknowns[step.detail]
            case "+":
                return parts[0] + parts[1]
            case "-":
                return parts[0] - parts[1]
            case "*":
                return parts[0] * parts[1]
            case "/":
                return self._quotient(parts[0], parts[1], defined)
            case "power":
                return self._power(parts[0], step.detail, defined)
            case "abs":
                return self._z3.If(parts[0] >= 0, parts[0], -parts[0])
            case "min":
                return self._z3.If(parts[0] <= parts[1], *parts)
            case "max":
                return self._z3.If(parts[0] >= parts[1], *parts)
            case "sqrt":
                return self._root(parts[0], defined)
        raise ValueError(f"not told to z3: {step.operation}")

    def _quotient(self, above: Any, below: Any, defined: list[Any]) -> Any:
        defined.append(below != 0)
        return self._real(above) / self._real(below)  # of whole numbers, / would be the whole quotient

    def _real(self, value: Any) -> Any:
        return value if value.is_real() else self._z3.ToReal(value)

    def _power(self, base: Any, exponent: int, defined: list[Any]) -> Any:
        product = self._number(Fraction(1))
        for _ in range(abs(exponent)):
            product = product * base
        return product if exponent >= 0 else self._quotient(self._number(Fraction(1)), product, defined)

    def _root(self, square: Any, defined: list[Any]) -> Any:
        self._roots += 1
        root = self._z3.Real(f"r{self._roots}", self.context)
        defined += [root >= 0, root * root == square]
        return root


def _fraction(value: Any) -> Fraction:
    return Fraction(str(value.as_fraction() if value.is_real() else value.as_long()))
