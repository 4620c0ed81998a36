"""Points that may meet a problem: evaluation in floats, and a descent on the constraint that is missed by most.

A point found here is a proposal; whether it certainly meets the problem is for the checker.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from harness.registry.solve.contract import Atom, Both, Clause, clause_of
from harness.registry.solve.floats import Empty, Steep
from harness.registry.solve.linear import least
from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Equal,
    Every,
    Number,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
)
from harness.registry.solve.simplex import INFINITE
from harness.registry.solve.tape import Tape

Values = list[float]
Excess = Callable[[Values], float]  # by how much a condition is missed; infinite where it is undefined

# --- conditions as float functions ------------------------------------------------------------------------------------


def _guarded(call: Callable[..., float]) -> Callable[..., float]:
    def answer(*values: float) -> float:
        try:
            return call(*values)
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return math.nan

    return answer


def _atom(value: float) -> float:
    return value if value == value else math.inf


_NAMES: Final[dict[str, Any]] = {
    "div": _guarded(lambda a, b: a / b),
    "exp": _guarded(math.exp),
    "log": _guarded(math.log),
    "sqrt": _guarded(math.sqrt),
    "power": _guarded(pow),
    "least": lambda a, b: math.nan if a != a or b != b else min(a, b),
    "greatest": lambda a, b: math.nan if a != a or b != b else max(a, b),
    "abs": abs,
    "atom": _atom,
    "equal": lambda value: abs(value) or -1.0,
    "differs": lambda value: (-1.0 if value else 1.0) if abs(value) < math.inf else math.inf,
    "inf": math.inf,
    "max": max,
    "min": min,
}


def _source(node: Term | Condition, lines: list[str]) -> str:
    """Write what computes a node as lines, one for each operation; give the name of the result."""
    match node:
        case Number(value):
            return f"({float(value)!r})"
        case Unknown(index):
            return f"x[{index}]"
        case Apply(operation, terms):
            operands = [_source(one, lines) for one in terms]
            name = {"/": "div", "min": "least", "max": "greatest"}.get(operation, operation)
            text = operation.join(operands) if operation in "+-*" else f"{name}({','.join(operands)})"
        case Power(term, exponent):
            text = f"power({_source(term, lines)},{exponent})"
        case Below(term):
            text = f"atom({_source(term, lines)})"
        case Equal(term, differs):
            text = f"{'differs' if differs else 'equal'}(atom({_source(term, lines)}))"
        case Every(parts):
            text = f"max(({','.join(_source(one, lines) for one in parts)},))" if parts else "-inf"
        case Some(parts):
            text = f"min(({','.join(_source(one, lines) for one in parts)},))" if parts else "inf"
    lines.append(f"t{len(lines)} = {text}")
    return f"t{len(lines) - 1}"


@lru_cache(maxsize=4096)
def excess_of(condition: Condition) -> Excess:
    """Compile a condition to the function that tells by how much it is missed; negative where it is met. O(size)."""
    names, lines = dict(_NAMES), list[str]()
    result = _source(condition, lines)
    body = "\n ".join(lines)
    exec(f"def excess(x):\n {body}\n return {result}", names)  # noqa: S102 - of the frozen problem, never of text
    found: Excess = names["excess"]
    return found


# --- the points to try ------------------------------------------------------------------------------------------------


def spread(digest: str, lows: Values, highs: Values, count: int) -> Iterator[Values]:
    """Give points that fill a box evenly, the same for the same digest (an additive recurrence)."""
    size = len(lows)
    base = 2.0
    for _ in range(30):
        base = (1 + base) ** (1 / (size + 1))
    steps = [base ** -(j + 1) % 1 for j in range(size)]
    seed = int.from_bytes(digest.encode()[-12:], "big")
    starts = [(seed // 997**j % 997) / 997 for j in range(size)]
    for at in range(1, count + 1):
        yield [
            low + (high - low) * ((start + at * step) % 1)
            for low, high, start, step in zip(lows, highs, starts, steps, strict=True)
        ]


class Sampler:
    """The float side of a problem: how far a point misses it, and a way down from there.

    ``evaluated`` counts the points that were looked at.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.lows = [float(one.low) for one in problem.variables]
        self.highs = [float(one.high) for one in problem.variables]
        self.whole = [at for at, one in enumerate(problem.variables) if one.kind != "real"]
        self.functions = [excess_of(one.condition) for one in problem.constraints]
        self.clauses = [clause_of(one.condition) for one in problem.constraints]
        self.evaluated = 0
        self.scales = self._sizes()

    def _sizes(self) -> list[float]:
        sizes = [0.0] * len(self.functions)
        for point in spread(self.problem.digest, self.lows, self.highs, 8):
            for place, function in enumerate(self.functions):
                found = abs(function(point))
                if found < math.inf:
                    sizes[place] = max(sizes[place], found)
        return [size if size > 0 else 1.0 for size in sizes]

    def excesses(self, point: Values) -> list[float]:
        """Give by how much each constraint is missed, in its own unit."""
        self.evaluated += 1
        return [function(point) for function in self.functions]

    def worst(self, point: Values) -> float:
        """Give by how much of its own size the constraint that is missed most is missed."""
        self.evaluated += 1
        top = -math.inf
        for function, scale in zip(self.functions, self.scales, strict=True):
            found = function(point) / scale
            if found > top:
                top = found
        return top

    def rounded(self, point: Values) -> Values:
        """Give a point in the bounds, whole numbers whole."""
        found = [min(max(x, low), high) for x, low, high in zip(point, self.lows, self.highs, strict=True)]
        for at in self.whole:
            found[at] = float(round(found[at]))
        return found

    def descend(self, point: Values, lows: Values, highs: Values, rounds: int) -> tuple[float, Values]:
        """Go down along one variable at a time, steps halved where none helps. O(rounds x variables) points."""
        point = self.rounded(point)
        best = self.worst(point)
        steps = [(high - low) / 4 for low, high in zip(lows, highs, strict=True)]
        for _ in range(rounds):
            if best < 0:
                break
            moved = False
            for at, step in enumerate(steps):
                for to in self._moves(point, at, step):
                    trial = self.rounded([*point[:at], to, *point[at + 1 :]])
                    found = self.worst(trial)
                    if found < best:
                        best, point, moved = found, trial, True
            if not moved:
                steps = [step / 3 for step in steps]
        return best, point

    def _moves(self, point: Values, at: int, step: float) -> list[float]:
        if at not in self.whole:
            return [point[at] - step, point[at] + step]
        if self.highs[at] - self.lows[at] <= 8:
            return [self.lows[at] + k for k in range(int(self.highs[at] - self.lows[at]) + 1)]
        jump = max(1.0, float(round(step)))
        return [point[at] - jump, point[at] + jump, point[at] - 1, point[at] + 1]

    # --- linearised descent ---

    def slide(self, point: Values, rounds: int) -> tuple[float, Values]:
        """Go down by linear programs in a shrinking neighbourhood. O(rounds) programs and slopes of all constraints."""
        point = self.rounded(point)
        best = self.worst(point)
        reach = 0.25
        for _ in range(rounds):
            if best < 0 or reach < 1e-9:
                break
            trial = self._slid(point, reach)
            found = self.worst(trial) if trial else math.inf
            if trial and found < best:
                best, point, reach = found, trial, min(0.5, reach * 1.5)
            else:
                reach /= 3
        return best, point

    def _slid(self, point: Values, reach: float) -> Values | None:
        count = len(point)
        table, limits = [], []
        for clause, scale in zip(self.clauses, self.scales, strict=True):
            for tape in _wanted(clause, point):
                try:
                    value, slopes = tape.range(point, point)[1], tape.slopes(point, point)
                except (Empty, Steep):
                    continue
                row = [0.0] * count + [-1.0]
                for j, (low, high) in slopes.items():
                    row[j] = (low + high) / 2 / scale
                if all(abs(one) < 1e15 for one in row) and abs(value / scale) < 1e15:
                    table.append(row)
                    limits.append((-INFINITE, -value / scale))
        if not table:
            return None
        bounds = []
        for x, low, high, index in zip(point, self.lows, self.highs, range(count), strict=True):
            width = (high - low) * reach
            if index in self.whole:
                width = max(width, 1.0)
            bounds.append((max(low - x, -width), min(high - x, width)))
        found = least([0.0] * count + [1.0], [*bounds, (-10.0, INFINITE)], table, limits)
        return self.rounded([x + d for x, d in zip(point, found, strict=False)]) if found else None


def _wanted(clause: Clause, point: Values) -> Iterator[Tape]:
    """Give the terms that should come down: of alternatives, those of the one that is missed least."""
    if isinstance(clause, Atom):
        if not clause.differs:
            yield clause.tape
    elif isinstance(clause, Both):
        for part in clause.parts:
            yield from _wanted(part, point)
    elif clause.parts:
        yield from _wanted(min(clause.parts, key=lambda part: _missed(part, point)), point)


def _missed(clause: Clause, point: Values) -> float:
    if isinstance(clause, Atom):
        try:
            value = clause.tape.range(point, point)[1]
        except Empty:
            return math.inf
        if clause.differs:
            return 0.0 if value else 1.0
        return abs(value) if clause.equal else value
    found = [_missed(part, point) for part in clause.parts]
    return max(found, default=-math.inf) if isinstance(clause, Both) else min(found, default=math.inf)


def shorter(sampler: Sampler, point: Values) -> Iterator[tuple[Fraction, ...]]:
    """Give a point as exact fractions, first with as few decimals as keep it good, then as it is."""
    exact = [Fraction(round(x)) if at in sampler.whole else Fraction(x) for at, x in enumerate(point)]
    bounds = [(one.low, one.high) for one in sampler.problem.variables]
    short = list(exact)
    limit = min(0.0, sampler.worst(point) / 2)
    for at, value in enumerate(exact):
        if at in sampler.whole:
            continue
        for digits in range(17):
            trial = Fraction(round(value * 10**digits), 10**digits)
            if not bounds[at][0] <= trial <= bounds[at][1]:
                continue
            if sampler.worst([float(x) for x in [*short[:at], trial, *short[at + 1 :]]]) <= limit:
                short[at] = trial
                break
    clamped = tuple(min(max(x, low), high) for x, (low, high) in zip(exact, bounds, strict=True))
    yield tuple(min(max(x, low), high) for x, (low, high) in zip(short, bounds, strict=True))
    yield clamped


def tidy(sampler: Sampler, point: Values) -> Iterator[tuple[Fraction, ...]]:
    """Give the exact points of few digits next to one that misses by a hair, where limits may meet."""
    bounds = [(one.low, one.high) for one in sampler.problem.variables]
    exact = [Fraction(x) for x in point]
    forms = [[Fraction(round(x * 10**digits), 10**digits) for x in exact] for digits in (0, 1, 2, 3, 4, 6, 9)]
    forms += [[x.limit_denominator(size) for x in exact] for size in (12, 1000)]
    for form in forms:
        yield tuple(min(max(x, low), high) for x, (low, high) in zip(form, bounds, strict=True))
