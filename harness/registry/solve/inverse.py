"""What a wanted range leaves of the operands of an operation, and how steep the operation is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from harness.registry.solve.floats import (
    INFINITE,
    Backward,
    Binary,
    Ends,
    Interval,
    Steep,
    absolute,
    add,
    div,
    down,
    exponential,
    greatest,
    least,
    logarithm,
    mul,
    power,
    root,
    sub,
    up,
)

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
    right, left = down(right), up(left)
    if a > left:
        return right, INFINITE
    return (-INFINITE, left) if b < right else (-INFINITE, INFINITE)


_ANY: Final = (-INFINITE, INFINITE)


def _b_add(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return down(yl - d), up(yh - c), down(yl - b), up(yh - a)


def _b_sub(yl: float, yh: float, a: float, b: float, c: float, d: float) -> Ends:
    return down(yl + c), up(yh + d), down(a - yh), up(b - yl)


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
    return (down(yl * yl) if yl > 0 else 0.0), up(yh * yh) if yh > 0 else 0.0, *_ANY


def _rooted(x: float, n: int) -> Interval:
    """Give two floats around the n-th root of a number that is not negative."""
    if not 0 < x < INFINITE:
        return x, x
    near: float = math.sqrt(x) if n == 2 else math.cbrt(x) if n == 3 else x ** (1 / n)
    slack = 4e-16 + (2e-17 * abs(math.log(x)) if n > 4 else 0)  # 1 / n is rounded
    return near * (1 - slack), near * (1 + slack)


def power_back(n: int) -> Backward:
    """Give what a wanted range of a whole power leaves of its base."""

    def whole(yl: float, yh: float, a: float, b: float, _c: float, _d: float) -> Ends:
        if n % 2:
            lo = _rooted(yl, n)[0] if yl >= 0 else -_rooted(-yl, n)[1]
            hi = _rooted(yh, n)[1] if yh >= 0 else -_rooted(-yh, n)[0]
            return lo, hi, *_ANY
        if yh < 0:
            return *_ANY, *_ANY
        return _b_abs(_rooted(max(yl, 0.0), n)[0], _rooted(yh, n)[1], a, b, 0.0, 0.0)

    if n > 0:
        return whole
    if n == 0:
        return lambda *_: (*_ANY, *_ANY)
    positive, forward = power_back(-n), power(-n)

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


def power_slope(n: int) -> Callable[[float, float, float, float], Ends]:
    """Give the slope of a whole power."""
    raised = power(n - 1)

    def slope(a: float, b: float, _c: float, _d: float) -> Ends:
        if n < 0 and a <= 0 <= b:
            raise Steep
        return *mul(n, n, *raised(a, b, 0.0, 0.0)), 0.0, 0.0

    return slope


OPERATIONS: Final[dict[str, tuple[Binary, Backward, Callable[[float, float, float, float], Ends]]]] = {
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
