"""Problems for tests, written as people write them: ``x = X(0); number(1) - exp(x) <= 0`` by a small builder."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from harness.registry.solve.problem import (
    Apply,
    Below,
    Condition,
    Constraint,
    Equal,
    Every,
    Number,
    Power,
    Problem,
    Some,
    Term,
    Unknown,
    Variable,
)

_PI = Fraction("3.14159265358979")


class T:
    """A term with the operators of Python; comparisons give conditions."""

    def __init__(self, term: Term) -> None:
        self.term = term

    def __add__(self, other: Any) -> T:
        return _two("+", self, other)

    def __radd__(self, other: Any) -> T:
        return _two("+", other, self)

    def __sub__(self, other: Any) -> T:
        return _two("-", self, other)

    def __rsub__(self, other: Any) -> T:
        return _two("-", other, self)

    def __mul__(self, other: Any) -> T:
        return _two("*", self, other)

    def __rmul__(self, other: Any) -> T:
        return _two("*", other, self)

    def __truediv__(self, other: Any) -> T:
        return _two("/", self, other)

    def __rtruediv__(self, other: Any) -> T:
        return _two("/", other, self)

    def __neg__(self) -> T:
        return _two("-", 0, self)

    def __pow__(self, exponent: int) -> T:
        return T(Power(self.term, exponent))

    def __le__(self, other: Any) -> Condition:
        return Below((self - other).term)

    def __lt__(self, other: Any) -> Condition:
        return Below((self - other).term, strict=True)

    def __ge__(self, other: Any) -> Condition:
        return Below((other - self).term)

    def __gt__(self, other: Any) -> Condition:
        return Below((other - self).term, strict=True)

    def equals(self, other: Any) -> Condition:
        """Give that the two are equal."""
        return Equal((self - other).term)

    def differs(self, other: Any) -> Condition:
        """Give that the two are not equal."""
        return Equal((self - other).term, differs=True)


def number(value: Any, parameter: str = "") -> T:
    """Give an exact number: a whole one, a fraction, or the decimal that a float is written as."""
    return T(Number(Fraction(repr(value) if isinstance(value, float) else value), parameter))


def _term(value: Any) -> T:
    return value if isinstance(value, T) else number(value)


def _two(operation: Any, one: Any, two: Any) -> T:
    return T(Apply(operation, (_term(one).term, _term(two).term)))


def apply(operation: Any, *terms: Any) -> T:
    """Apply abs, min, max, exp, log or sqrt."""
    return T(Apply(operation, tuple(_term(one).term for one in terms)))


def exp(term: Any) -> T:
    """Give e to a power."""
    return apply("exp", term)


def X(index: int) -> T:
    """Give a variable by its place."""
    return T(Unknown(index))


def every(*parts: Condition) -> Condition:
    """Give that all of these hold."""
    return Every(parts)


def some(*parts: Condition) -> Condition:
    """Give that at least one of these holds."""
    return Some(parts)


def real(name: str, low: Any, high: Any) -> Variable:
    """Give a real variable."""
    return Variable(name, "real", number(low).term.value, number(high).term.value)  # type: ignore[union-attr]


def integer(name: str, low: int, high: int) -> Variable:
    """Give a whole variable."""
    return Variable(name, "integer", Fraction(low), Fraction(high))


def choice(name: str, *values: Any) -> Variable:
    """Give a choice."""
    return Variable(name, "choice", Fraction(0), Fraction(len(values) - 1), values)


def problem(variables: list[Variable], **constraints: Condition) -> Problem:
    """Give a problem; each constraint by its name."""
    return Problem(tuple(variables), tuple(Constraint(name, one) for name, one in constraints.items()))


def driving(perception: Any = 30, a_max: Any = 2.0) -> Problem:
    """Give the speed after degradation: low enough to stop in sight, high enough not to brake hard."""
    v = X(0)
    return problem(
        [real("v", 0, 120)],
        forward=(v / 3.6) ** 2 / (2 * number(0.4) * 9.8) < number(perception, "perception"),
        rear=(120 - v) / (number(5) * 3.6) <= number(a_max, "a_max"),
    )


def reactor(tau_max: Any = 120) -> Problem:
    """Give the flow reactor: temperature in Celsius, residence time in seconds."""
    temperature, tau = X(0), X(1)
    k = number(250_000_000) * exp(number(-72000) / (number(8.314) * (temperature + 273.15)))
    conversion = 1 - exp(-(k * tau))
    flow_ml_min = number(37.70) * 60 / tau
    flow_m3_s = number(Fraction("37.70") / 10**6) / tau
    return problem(
        [real("T", 0, 200), real("tau", 1, 600)],
        C1=conversion >= number(0.95, "X_min"),
        C2=number(0.35, "alpha") * k**2 * tau <= number(0.02, "I_max"),
        C3=temperature <= number(150, "T_decomp"),
        C4=tau <= number(tau_max, "tau_max"),
        C5=number(0.576) * flow_ml_min * conversion >= 5,
        C6=flow_m3_s * 2000 * conversion * 85000 <= 1508,
        C7=number(Fraction(128) * Fraction("8e-4") * 12) * flow_m3_s / number(_PI * Fraction("0.002") ** 4)
        <= 1_500_000,
    )
