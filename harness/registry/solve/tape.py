"""A term as a flat tape over float intervals: its range on a box, what a condition leaves of each variable, its slopes.

Part of the search: nothing here is trusted, a checker with other arithmetic replays what comes of it. Ends are still
rounded outward, because a step that is right by a hair is a step that the checker can follow.

Backward projection is HC4-revise (Benhamou, Goualard, Granvilliers and Puget 1999) on the tree of occurrences, siblings
taken from the forward pass: so the part of a box that is cut off is one on which the forward range alone misses the
condition, which is what a certificate can say of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from harness.registry.solve.problem import Apply, Number, Power, Term, Unknown

INFINITE: Final = math.inf
Interval = tuple[float, float]
Binary = Callable[[float, float, float, float], Interval]
Ends = tuple[float, float, float, float]
Backward = Callable[[float, float, float, float, float, float], Ends]

_next = math.nextafter


class Empty(Exception):
    """The term is undefined everywhere on the box."""


class Steep(Exception):
    """A slope is unbounded on the box."""


def _down(x: float) -> float:
    if x != x:
        return -INFINITE
    return _next(x, -INFINITE) if x else x


def _up(x: float) -> float:
    if x != x:
        return INFINITE
    return _next(x, INFINITE) if x else x


def enclosed(value: Fraction) -> Interval:
    """Give the narrowest float interval around an exact number."""
    try:
        near = float(value)
    except OverflowError:
        return (1.7976931348623157e308, INFINITE) if value > 0 else (-INFINITE, -1.7976931348623157e308)
    exact = Fraction(near)
    if exact == value:
        return near, near
    return (near, _next(near, INFINITE)) if exact < value else (_next(near, -INFINITE), near)


# --- forward ----------------------------------------------------------------------------------------------------------


def add(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a sum."""
    return _down(a + c), _up(b + d)


def sub(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a difference."""
    return _down(a - d), _up(b - c)


def mul(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a product; zero times an infinite end is zero."""
    if a >= 0:
        if c >= 0:
            lo, hi = a * c, b * d
        elif d <= 0:
            lo, hi = b * c, a * d
        else:
            lo, hi = b * c, b * d
    elif b <= 0:
        if c >= 0:
            lo, hi = a * d, b * c
        elif d <= 0:
            lo, hi = b * d, a * c
        else:
            lo, hi = a * d, a * c
    elif c >= 0:
        lo, hi = a * d, b * d
    elif d <= 0:
        lo, hi = b * c, a * c
    else:
        lo, hi = min(a * d, b * c), max(a * c, b * d)
    if lo != lo or hi != hi:
        ends = [0.0 if not (x and y) else x * y for x in (a, b) for y in (c, d)]
        lo, hi = min(ends), max(ends)
    return _down(lo), _up(hi)


def div(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of a quotient where it is defined."""
    if c > 0:
        if a >= 0:
            lo, hi = a / d, b / c
        elif b <= 0:
            lo, hi = a / c, b / d
        else:
            lo, hi = a / c, b / c
        return _down(lo), _up(hi)
    if d < 0:
        return div(-b, -a, -d, -c)
    if c == 0 == d:
        raise Empty
    if c == 0:
        if a >= 0:
            return _down(a / d), INFINITE
        return (-INFINITE, _up(b / d)) if b <= 0 else (-INFINITE, INFINITE)
    if d == 0:
        return div(-b, -a, 0.0, -c)
    return (0.0, 0.0) if a == 0 == b else (-INFINITE, INFINITE)


def absolute(a: float, b: float, _c: float, _d: float) -> Interval:
    """Give the range of a magnitude."""
    if a >= 0:
        return a, b
    return (-b, -a) if b <= 0 else (0.0, max(-a, b))


def least(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of the lesser."""
    return min(a, c), min(b, d)


def greatest(a: float, b: float, c: float, d: float) -> Interval:
    """Give the range of the greater."""
    return max(a, c), max(b, d)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return INFINITE


def exponential(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of e to a power."""
    return max(0.0, _down(_down(_exp(a)))), _up(_up(_exp(b)))


def logarithm(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of the natural logarithm where it is defined."""
    if b <= 0:
        raise Empty
    return (_down(_down(math.log(a))) if a > 0 else -INFINITE), (_up(_up(math.log(b))) if b < INFINITE else INFINITE)


def root(a: float, b: float, _c: float = 0, _d: float = 0) -> Interval:
    """Give the range of the square root where it is defined."""
    if b < 0:
        raise Empty
    return _down(math.sqrt(a)) if a > 0 else 0.0, _up(math.sqrt(b))


def _pow(x: float, n: int) -> float:
    try:
        return float(x**n)
    except OverflowError:
        return -INFINITE if x < 0 and n % 2 else INFINITE


def power(n: int) -> Binary:
    """Give the range function of a whole power."""

    def raised(a: float, b: float, _c: float, _d: float) -> Interval:
        if n % 2 or a >= 0:
            lo, hi = _pow(a, n), _pow(b, n)
        elif b <= 0:
            lo, hi = _pow(b, n), _pow(a, n)
        else:
            lo, hi = 0.0, max(_pow(a, n), _pow(b, n))
        lo, hi = _down(_down(lo)), _up(_up(hi))
        return (max(lo, 0.0), hi) if n % 2 == 0 else (lo, hi)

    if n > 0:
        return raised
    if n == 0:
        return lambda _a, _b, _c, _d: (1.0, 1.0)
    positive = power(-n)
    return lambda a, b, c, d: div(1.0, 1.0, *positive(a, b, c, d))


# --- backward: what a wanted range leaves of each operand -------------------------------------------------------------


def _quotient(yl: float, yh: float, c: float, d: float, a: float, b: float) -> Interval:
    """Give what times an operand in [c, d] can be in [yl, yh], of the pieces that meet [a, b]."""
    if c > 0 or d < 0:
        return div(yl, yh, c, d)
    if yl <= 0 <= yh or c == 0 == d:
        return -INFINITE, INFINITE
    if yl > 0:
        right, left = (yl / d if d > 0 else INFINITE), (yl / c if c < 0 else -INFINITE)
    else:
        right, left = (yh / c if c < 0 else INFINITE), (yh / d if d > 0 else -INFINITE)
    right, left = _down(right), _up(left)
    if a > left:
        return right, INFINITE
    return (-INFINITE, left) if b < right else (-INFINITE, INFINITE)


_ANY: Final = (-INFINITE, INFINITE)


def _b_add(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return _down(yl - d), _up(yh - c), _down(yl - b), _up(yh - a)


def _b_sub(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return _down(yl + c), _up(yh + d), _down(a - yh), _up(b - yl)


def _b_mul(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return *_quotient(yl, yh, c, d, a, b), *_quotient(yl, yh, a, b, c, d)


def _b_div(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return *mul(yl, yh, c, d), *_quotient(a, b, yl, yh, c, d)


def _b_abs(yl: float, yh: float, a: float, b: float, _c: float, _d: float) -> Ends:
    lo, hi = -yh, yh
    if yl > 0:
        if a > -yl:
            lo = yl
        elif b < yl:
            hi = -yl
    return lo, hi, *_ANY


def _b_min(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return yl, (yh if c > yh else INFINITE), yl, (yh if a > yh else INFINITE)


def _b_max(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return (yl if d < yl else -INFINITE), yh, (yl if b < yl else -INFINITE), yh


def _b_exp(yl: float, yh: float, _a: float, _b: float, _c: float, _d: float) -> Ends:
    return (*logarithm(yl, yh), *_ANY) if yh > 0 else (*_ANY, *_ANY)


def _b_log(yl: float, yh: float, _a: float, _b: float, _c: float, _d: float) -> Ends:
    return *exponential(yl, yh), *_ANY


def _b_root(yl: float, yh: float, _a: float, _b: float, _c: float, _d: float) -> Ends:
    return (_down(yl * yl) if yl > 0 else 0.0), _up(yh * yh) if yh > 0 else 0.0, *_ANY


def _rooted(x: float, n: int) -> float:
    """Give the n-th root of a number that is not negative, with an error of a few units in the last place."""
    if not 0 < x < INFINITE:
        return x
    near: float = math.sqrt(x) if n == 2 else math.cbrt(x) if n == 3 else x ** (1 / n)
    return near


def _b_power(n: int) -> Backward:
    def whole(yl: float, yh: float, a: float, b: float, _c: float, _d: float) -> Ends:
        if n % 2:
            lo, hi = math.copysign(_rooted(abs(yl), n), yl), math.copysign(_rooted(abs(yh), n), yh)
            return lo - 4e-16 * abs(lo) if abs(lo) < INFINITE else lo, hi + 4e-16 * abs(hi), *_ANY
        if yh < 0:
            return *_ANY, *_ANY
        inner, outer = _rooted(max(yl, 0.0), n) * (1 - 4e-16), _rooted(yh, n) * (1 + 4e-16)
        return _b_abs(inner, outer, a, b, 0.0, 0.0)

    if n > 0:
        return whole
    if n == 0:
        return lambda *_: (*_ANY, *_ANY)
    positive, forward = _b_power(-n), power(-n)

    def inverse(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
        return positive(*_quotient(1.0, 1.0, yl, yh, *forward(a, b, c, d)), a, b, c, d)

    return inverse


# --- slopes: the partial derivatives by each operand ------------------------------------------------------------------


def _s_mul(a: float, b: float, c: float, d: float) -> Ends:
    return c, d, a, b


def _s_div(a: float, b: float, c: float, d: float) -> Ends:
    if c <= 0 <= d:
        raise Steep
    low, high = div(*div(a, b, c, d), c, d)
    return *div(1.0, 1.0, c, d), -high, -low


def _s_abs(a: float, b: float, _c: float, _d: float) -> Ends:
    return (1.0 if a >= 0 else -1.0), (-1.0 if b <= 0 else 1.0), 0.0, 0.0


def _s_min(a: float, b: float, c: float, d: float) -> Ends:
    if b < c:
        return 1.0, 1.0, 0.0, 0.0
    return (0.0, 0.0, 1.0, 1.0) if d < a else (0.0, 1.0, 0.0, 1.0)


def _s_max(a: float, b: float, c: float, d: float) -> Ends:
    return _s_min(-b, -a, -d, -c)


def _s_exp(a: float, b: float, _c: float, _d: float) -> Ends:
    return *exponential(a, b), 0.0, 0.0


def _s_log(a: float, b: float, _c: float, _d: float) -> Ends:
    if a <= 0:
        raise Steep
    return *div(1.0, 1.0, a, b), 0.0, 0.0


def _s_root(a: float, b: float, _c: float, _d: float) -> Ends:
    if a <= 0:
        raise Steep
    return *div(0.5, 0.5, *root(a, b)), 0.0, 0.0


def _s_power(n: int) -> Callable[[float, float, float, float], Ends]:
    raised = power(n - 1)

    def slope(a: float, b: float, _c: float, _d: float) -> Ends:
        if n < 0 and a <= 0 <= b:
            raise Steep
        return *mul(n, n, *raised(a, b, 0.0, 0.0)), 0.0, 0.0

    return slope


_OPERATIONS: Final[dict[str, tuple[Binary, Backward, Callable[[float, float, float, float], Ends]]]] = {
    "+": (add, _b_add, lambda _a, _b, _c, _d: (1.0, 1.0, 1.0, 1.0)),
    "-": (sub, _b_sub, lambda _a, _b, _c, _d: (1.0, 1.0, -1.0, -1.0)),
    "*": (mul, _b_mul, _s_mul),
    "/": (div, _b_div, _s_div),
    "abs": (absolute, _b_abs, _s_abs),
    "min": (least, _b_min, _s_min),
    "max": (greatest, _b_max, _s_max),
    "exp": (exponential, _b_exp, _s_exp),
    "log": (logarithm, _b_log, _s_log),
    "sqrt": (root, _b_root, _s_root),
}

Narrowed = dict[int, Interval]  # by variable: what is left of it; a low end above the high one leaves nothing


class Tape:
    """A term in the order in which it is computed; nodes that no variable is in are computed once, here.

    ``variables`` are the places of the variables in it.
    """

    def __init__(self, term: Term) -> None:
        self._low: list[float] = []
        self._high: list[float] = []
        self._leaves: list[tuple[int, int]] = []  # node, variable
        self._steps: list[
            tuple[int, int, int, Binary, Backward, Callable[[float, float, float, float], Ends], bool, bool]
        ] = []
        self._fixed: list[bool] = []
        self._root = self._add(term)
        self.variables = frozenset(variable for _, variable in self._leaves)
        self._back = self._steps[::-1]

    def _node(self, low: float, high: float, fixed: bool) -> int:
        self._low.append(low)
        self._high.append(high)
        self._fixed.append(fixed)
        return len(self._low) - 1

    def _add(self, term: Term) -> int:
        match term:
            case Number(value):
                return self._node(*enclosed(value), True)
            case Unknown(index):
                node = self._node(0.0, 0.0, False)
                self._leaves.append((node, index))
                return node
            case Power(inner, exponent):
                return self._apply((power(exponent), _b_power(exponent), _s_power(exponent)), (inner,))
            case Apply(operation, terms):
                return self._apply(_OPERATIONS[operation], terms)

    def _apply(
        self, how: tuple[Binary, Backward, Callable[[float, float, float, float], Ends]], terms: tuple[Term, ...]
    ) -> int:
        places = [self._add(one) for one in terms]
        i, j = places[0], places[-1]
        fixed = self._fixed[i] and self._fixed[j]
        if fixed:
            try:
                return self._node(*how[0](self._low[i], self._high[i], self._low[j], self._high[j]), True)
            except Empty:
                fixed = False
        node = self._node(0.0, 0.0, fixed)
        left, right = not self._fixed[i], len(places) == 2 and not self._fixed[j]
        self._steps.append((node, i, j, *how, left, right))
        return node

    def _forward(self, lows: list[float], highs: list[float]) -> tuple[list[float], list[float]]:
        low, high = self._low[:], self._high[:]
        for node, variable in self._leaves:
            low[node], high[node] = lows[variable], highs[variable]
        for node, i, j, forward, _, _, _, _ in self._steps:
            low[node], high[node] = forward(low[i], high[i], low[j], high[j])
        return low, high

    def range(self, lows: list[float], highs: list[float]) -> Interval:
        """Give an interval with every value of the term on the box; raise ``Empty`` where it has none. O(size)."""
        low, high = self._forward(lows, highs)
        return low[self._root], high[self._root]

    def narrow(self, lows: list[float], highs: list[float], floor: float, strict: bool) -> Narrowed | None:
        """Give what a term between ``floor`` and 0 leaves of variables; ``None`` where no point fits. O(size)."""
        try:
            low, high = self._forward(lows, highs)
        except Empty:
            return None
        end, at, top = self._root, low[self._root], high[self._root]
        if at > 0 or (strict and at == 0) or top < floor:
            return None
        if top <= 0 and at >= floor and not (strict and top == 0):
            return {}
        want_low, want_high = low[:], high[:]
        want_low[end], want_high[end] = max(at, floor), min(top, 0.0)
        for node, i, j, _, backward, _, left, right in self._back:
            a, b, c, d = backward(want_low[node], want_high[node], low[i], high[i], low[j], high[j])
            if left:
                want_low[i], want_high[i] = max(want_low[i], a), min(want_high[i], b)
                if want_low[i] > want_high[i]:
                    return {}
            if right:
                want_low[j], want_high[j] = max(want_low[j], c), min(want_high[j], d)
                if want_low[j] > want_high[j]:
                    return {}
        return self._left_over(want_low, want_high, lows, highs)

    def _left_over(
        self, want_low: list[float], want_high: list[float], lows: list[float], highs: list[float]
    ) -> Narrowed:
        found: Narrowed = {}
        for node, variable in self._leaves:
            low, high = want_low[node], want_high[node]
            if low > lows[variable] or high < highs[variable]:
                had = found.get(variable)
                found[variable] = (low, high) if had is None else (max(low, had[0]), min(high, had[1]))
        return found

    def slopes(self, lows: list[float], highs: list[float]) -> dict[int, Interval]:
        """Give an interval that holds the derivative by each variable, anywhere on the box. O(size).

        Raises:
            Empty: the term has no value on the box.
            Steep: a derivative is unbounded there.
        """
        low, high = self._forward(lows, highs)
        slope_low, slope_high = [0.0] * len(low), [0.0] * len(low)
        slope_low[self._root] = slope_high[self._root] = 1.0
        for node, i, j, _, _, slope, left, right in self._back:
            a, b, c, d = slope(low[i], high[i], low[j], high[j])
            if left:
                slope_low[i], slope_high[i] = mul(slope_low[node], slope_high[node], a, b)
            if right:
                slope_low[j], slope_high[j] = mul(slope_low[node], slope_high[node], c, d)
        found: dict[int, Interval] = {}
        for node, variable in self._leaves:
            one = (slope_low[node], slope_high[node])
            if not (abs(one[0]) < INFINITE and abs(one[1]) < INFINITE):
                raise Steep
            had = found.get(variable)
            found[variable] = one if had is None else add(*had, *one)
        return found
