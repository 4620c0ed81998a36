"""Whether what a set states of itself is so, before any solver has seen it.

A point is worked out exactly. That there is none is stated with its reason; here it is confirmed, by halving the box
of the fields until on each piece one rule is false (``boxes``), by z3 where the rules are polynomials (``z3``), or
else, as far as it goes, by many points of which each certainly breaks a rule (``points``).
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any, Final, Literal

from benchmarks.fuzz.solve.judge import Judge, parsed
from benchmarks.fuzz.solve.sets import Version
from benchmarks.fuzz.solve.spans import Span

Confirmed = Literal["boxes", "z3", "points"]

_BOXES: Final = 4_000
_POINTS: Final = 2_000
_Z3_MS: Final = 10_000


def met(version: Version, point: Any) -> list[str]:
    """Give the rules and domains that a point does not certainly meet."""
    judge = Judge({**_parameters(version), **{name: _exact(value) for name, value in point.items()}}, version.define)
    missed = [name for name, domain in version.fields.items() if not _inside(domain, point[name])]
    return missed + [name for name, text in version.rules.items() if not judge.always(str(text))]


def confirmed(version: Version, boxes: int = _BOXES) -> Confirmed | None:
    """Tell how it was confirmed that no point meets a set; None where some point could not be told from one."""
    if _by_boxes(version, boxes):
        return "boxes"
    if _by_z3(version):
        return "z3"
    return "points" if _by_points(version) else None


def _parameters(version: Version) -> dict[str, Any]:
    return {name: _exact(value) for name, value in version.parameters.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, str | bool):
        return value
    exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    return Span(exact, exact)


def _inside(domain: Any, value: Any) -> bool:
    if domain == "bool" or isinstance(domain[0], str):
        return isinstance(value, bool) if domain == "bool" else value in domain
    whole = len(domain) == 3
    return domain[0] <= value <= domain[1] and (not whole or float(value).is_integer())


# --- boxes ------------------------------------------------------------------------------------------------------------


def _choices(version: Version) -> Iterator[dict[str, Any]]:
    """Give each way to choose the fields that are chosen from a list."""
    listed = {name: _options(domain) for name, domain in version.fields.items() if _options(domain)}
    for taken in itertools.product(*listed.values()):
        yield dict(zip(listed, taken, strict=True))


def _options(domain: Any) -> list[Any]:
    return [False, True] if domain == "bool" else list(domain) if isinstance(domain[0], str) else []


def _start(version: Version) -> dict[str, Span]:
    spans = {name: domain for name, domain in version.fields.items() if not _options(domain)}
    return {name: Span(_exact(domain[0]).low, _exact(domain[1]).low) for name, domain in spans.items()}


def _by_boxes(version: Version, boxes: int) -> bool:
    waiting = [(chosen, _start(version)) for chosen in _choices(version)]
    for _ in range(boxes):
        if not waiting:
            return True
        chosen, box = waiting.pop()
        judge = Judge({**_parameters(version), **chosen, **box}, version.define, digits=30)
        if all(judge.may(str(text)) for text in version.rules.values()):
            waiting += [(chosen, half) for half in _halves(version, box)]
    return not waiting


def _halves(version: Version, box: dict[str, Span]) -> Iterator[dict[str, Span]]:
    """Cut a box across the side that is longest for its domain, between whole numbers where it has to be."""
    start = _start(version)

    def share(name: str) -> Fraction:
        return Fraction(box[name].high - box[name].low) / (start[name].high - start[name].low or 1)

    name = max(box, key=share)
    (low, high, _), middle = box[name], (box[name].low + box[name].high) / 2
    below = above = middle
    if len(version.fields[name]) == 3:
        below, above = Fraction(middle // 1), Fraction(middle // 1 + 1)
    if low <= below and above <= high:
        yield {**box, name: Span(low, below)}
        yield {**box, name: Span(above, high)}


def _by_points(version: Version) -> bool:
    """Tell whether each of many points certainly breaks a rule."""
    random, start, chosen = Random(version.name), _start(version), list(_choices(version))
    for _ in range(_POINTS):
        point: dict[str, Any] = dict(random.choice(chosen))
        for name, (low, high, _) in start.items():
            at = low + (high - low) * Fraction(random.choice((0, 1000, *[random.randrange(1001)] * 8)), 1000)
            at = Fraction(at // 1) if len(version.fields[name]) == 3 else at
            point[name] = Span(at, at)
        judge = Judge({**_parameters(version), **point}, version.define)
        if all(judge.may(str(text)) for text in version.rules.values()):
            return False
    return True


# --- z3 ---------------------------------------------------------------------------------------------------------------


def _by_z3(version: Version) -> bool:
    """Tell whether z3 proves that there is no point; it reads polynomials and quotients of what is never 0."""
    import z3

    solver = z3.Solver()
    solver.set("timeout", _Z3_MS)
    names: dict[str, Any] = {name: z3.RealVal(str(_exact(value).low)) for name, value in version.parameters.items()}
    for name, domain in version.fields.items():
        if _options(domain):
            names[name] = z3.Bool(name) if domain == "bool" else z3.String(name)
            if domain != "bool":
                solver.add(z3.Or([names[name] == one for one in domain]))
        else:
            names[name] = z3.ToReal(z3.Int(name)) if len(domain) == 3 else z3.Real(name)
            solver.add(names[name] >= str(_exact(domain[0]).low), names[name] <= str(_exact(domain[1]).low))
    try:
        for text in version.rules.values():
            solver.add(_z3(parsed(str(text)), names, version.define))
    except KeyError:
        return False
    return bool(solver.check() == z3.unsat)


def _z3(node: ast.expr, names: dict[str, Any], define: Any) -> Any:
    """Translate; KeyError for what z3 has no exact meaning of."""
    import z3

    def inner(one: ast.expr) -> Any:
        return _z3(one, names, define)

    match node:
        case ast.Constant(str() | bool() as value):
            return value
        case ast.Constant(value):
            return z3.RealVal(str(Fraction(repr(value))))
        case ast.Name(name):
            return inner(parsed(define[name])) if name in define else names[name]
        case ast.BoolOp(op, parts):
            return (z3.And if isinstance(op, ast.And) else z3.Or)([inner(part) for part in parts])
        case ast.UnaryOp(op, operand):
            return z3.Not(inner(operand)) if isinstance(op, ast.Not) else -inner(operand)
        case ast.Compare(left, operators, others):
            sides = [left, *others]
            return z3.And([_PAIRS[type(op)](inner(sides[at]), inner(sides[at + 1])) for at, op in enumerate(operators)])
        case ast.BinOp(base, ast.Pow(), ast.Constant(int() as exponent)) if exponent > 0:
            return inner(base) ** exponent
        case ast.BinOp(left, op, right):
            return _PAIRS[type(op)](inner(left), inner(right))
        case ast.IfExp(test, then, otherwise):
            return z3.If(inner(test), inner(then), inner(otherwise))
    raise KeyError(ast.unparse(node))


_PAIRS: Final[dict[type, Any]] = {
    ast.Add: lambda one, two: one + two,
    ast.Sub: lambda one, two: one - two,
    ast.Mult: lambda one, two: one * two,
    ast.Div: lambda one, two: one / two,
    ast.Lt: lambda one, two: one < two,
    ast.LtE: lambda one, two: one <= two,
    ast.Gt: lambda one, two: one > two,
    ast.GtE: lambda one, two: one >= two,
    ast.Eq: lambda one, two: one == two,
    ast.NotEq: lambda one, two: one != two,
}
