"""Units of measure: which numbers may be added and compared, and by which factor they differ.

A unit is a product of powers of named units such as ``km/h``, ``m/s^2`` or ``USD``. Every currency is a dimension of
its own, as there is no fixed rate between two of them; so are tokens. Steps are counted, so a step is a plain number.
A number written out in an expression fits any unit. Not verified: that a number really is in the unit stated of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, NamedTuple

from harness.registry.complaint import nearest

# the currencies of ISO 4217
_CURRENCIES: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""

Powers = tuple[tuple[str, int], ...]

# each named unit as its size and the dimensions it is made of
_TIME: Final[Powers] = (("time", 1),)
_LENGTH: Final[Powers] = (("length", 1),)
_MASS: Final[Powers] = (("mass", 1),)
_FORCE: Final[Powers] = (("length", 1), ("mass", 1), ("time", -2))
_ENERGY: Final[Powers] = (("length", 2), ("mass", 1), ("time", -2))
_POWER: Final[Powers] = (("length", 2), ("mass", 1), ("time", -3))
_DATA: Final[Powers] = (("data", 1),)

_UNITS: Final[dict[str, tuple[Fraction, Powers]]] = {
    name: (Fraction(size), powers)
    for powers, sizes in (
        ((), {"1": "1", "step": "1", "%": "1/100", "percent": "1/100", "‰": "1/1000", "ppm": "1/1000000"}),
        (_TIME, {"ns": "1e-9", "us": "1e-6", "µs": "1e-6", "ms": "1e-3", "s": "1", "min": "60", "h": "3600"}),
        (_TIME, {"d": "86400", "week": "604800"}),
        (_LENGTH, {"nm": "1e-9", "um": "1e-6", "µm": "1e-6", "mm": "1e-3", "cm": "1e-2", "m": "1", "km": "1000"}),
        (_LENGTH, {"in": "0.0254", "ft": "0.3048", "yd": "0.9144", "mi": "1609.344", "nmi": "1852"}),
        (_MASS, {"mg": "1e-6", "g": "1e-3", "kg": "1", "t": "1000", "oz": "0.028349523125", "lb": "0.45359237"}),
        ((("temperature", 1),), {"mK": "1e-3", "K": "1"}),
        ((("temperature in °C", 1),), {"°C": "1", "degC": "1"}),
        ((("temperature in °F", 1),), {"°F": "1", "degF": "1"}),
        ((("current", 1),), {"mA": "1e-3", "A": "1"}),
        ((("amount of substance", 1),), {"mmol": "1e-3", "mol": "1"}),
        ((("luminous intensity", 1),), {"cd": "1"}),
        ((("angle", 1),), {"deg": "1", "°": "1"}),
        (_FORCE, {"N": "1", "kN": "1000"}),
        (_ENERGY, {"J": "1", "kJ": "1000", "MJ": "1e6", "Wh": "3600", "kWh": "3.6e6"}),
        (_POWER, {"mW": "1e-3", "W": "1", "kW": "1000", "MW": "1e6"}),
        ((("length", -1), ("mass", 1), ("time", -2)), {"Pa": "1", "kPa": "1000", "bar": "1e5"}),
        ((("current", -1), ("length", 2), ("mass", 1), ("time", -3)), {"mV": "1e-3", "V": "1", "kV": "1000"}),
        ((("time", -1),), {"Hz": "1", "kHz": "1000"}),
        ((("length", 3),), {"ml": "1e-6", "l": "1e-3", "L": "1e-3"}),
        (_DATA, {"bit": "1/8", "byte": "1", "kB": "1e3", "MB": "1e6", "GB": "1e9", "TB": "1e12"}),
        (_DATA, {"KiB": "1024", "MiB": "1048576", "GiB": "1073741824"}),
        ((("tokens", 1),), {"token": "1"}),
        ((("money in USD", 1),), {"cent": "1/100"}),
    )
    for name, size in sizes.items()
}
_UNITS.update({code: (Fraction(1), ((f"money in {code}", 1),)) for code in _CURRENCIES.split()})
_UNITS.update({f"{code}_cent": (Fraction(1, 100), ((f"money in {code}", 1),)) for code in _CURRENCIES.split()})

_FACTOR: Final = re.compile(r"\s*([*·/]?)\s*([A-Za-zµ°%‰_]+|1)\s*(?:(?:\^|\*\*)\s*(-?[1-9][0-9]?))?\s*")
_MAX_FACTORS: Final = 16


class UnitError(ValueError):
    """Say why a text is no unit, and the likely cure."""

    def __init__(self, message: str, cure: str) -> None:
        self.message, self.cure = message, cure
        super().__init__(message, cure)


class Unit(NamedTuple):
    """A product of powers of named units; none of them for a plain number.

    ``rough`` says that a number written out is among the factors: ``usd * 100`` may be so many cents, or a hundred
    times the dollars. Then only the dimension is known.
    """

    factors: tuple[tuple[str, int], ...]
    rough: bool = False

    @property
    def text(self) -> str:
        """The unit as it is written."""
        over = "*".join(_raised(name, power) for name, power in self.factors if power > 0)
        under = "".join(f"/{_raised(name, -power)}" for name, power in self.factors if power < 0)
        return (over or "1") + under

    @property
    def size(self) -> Fraction:
        """How many of the base unit of its dimension one of it is."""
        size = Fraction(1)
        for name, power in self.factors:
            size *= _UNITS[name][0] ** power
        return size

    @property
    def dimension(self) -> Powers:
        """The powers of the dimensions it is made of, in the order of their names."""
        return _merged((of, one * power) for name, power in self.factors for of, one in _UNITS[name][1])

    @property
    def fits_any(self) -> bool:
        """Whether this is a number written out, or a plain one times such a number."""
        return self.rough and not self.dimension


PLAIN: Final = Unit(())
LITERAL: Final = Unit((), rough=True)
SECONDS: Final = Unit((("s", 1),))


def read_unit(text: str) -> Unit:
    """Read a unit such as ``km/h`` or ``USD``; each ``/`` divides by the next name only. UnitError says what is wrong.

    O(length of the text).
    """
    factors: list[tuple[str, int]] = []
    at = 0
    while at < len(text) or not factors:
        match = _FACTOR.match(text, at)
        if match is None or bool(match[1]) != bool(factors) or len(factors) == _MAX_FACTORS:
            raise UnitError(
                f"{text!r} is no unit", "write a product of powers such as km/h, m/s^2, USD, or 1 for a count"
            )
        sign, name, power = match.groups()
        if name not in _UNITS:
            raise UnitError(f"unknown unit {name!r}", nearest(name, _UNITS) or "write 1 for a plain count")
        factors.append((name, int(power or 1) * (-1 if sign == "/" else 1)))
        at = match.end()
    return Unit(_merged((name, power) for name, power in factors if name != "1"))


def product(one: Unit | None, other: Unit | None, power: int = 1) -> Unit | None:
    """Give the unit of ``one * other``, with a power of -1 of ``one / other``; None where one of them is unknown."""
    if one is None or other is None:
        return None
    factors = (*one.factors, *((name, exponent * power) for name, exponent in other.factors))
    return Unit(_merged(factors), one.rough or other.rough)


def power(unit: Unit | None, exponent: Any) -> Unit | None:
    """Give the unit of a number raised to a power; None where that is unknown, or no whole number."""
    if unit is None or unit == PLAIN:
        return unit
    if type(exponent) is not int or abs(exponent) > _MAX_FACTORS:
        return None
    return Unit(tuple((name, one * exponent) for name, one in unit.factors if exponent), unit.rough)


def root(unit: Unit | None) -> Unit | None:
    """Give the unit of a square root; None where it is unknown, or no whole powers come out."""
    if unit is None or any(power % 2 for _, power in unit.factors):
        return None
    return Unit(tuple((name, power // 2) for name, power in unit.factors), unit.rough)


def joined(one: Unit | None, other: Unit | None) -> Unit | None:
    """Give the unit of a sum, or of either of two numbers that fit; what is known of one is known of both."""
    if one is None or other is None:
        return one if other is None else other
    for first, second in ((one, other), (other, one)):
        if first.rough:
            return second if first.fits_any or not second.rough else first
    return one


def common(units: Iterable[Unit | None]) -> Unit | None:
    """Give the unit of a number that is in any of some units: the one that is stated; None where several are."""
    different = set(units)
    stated = {unit for unit in different if unit is not None and not unit.fits_any}
    if len(stated) == 1:
        return stated.pop()
    return LITERAL if not stated and different == {LITERAL} else None


def clash(one: Unit | None, other: Unit | None) -> tuple[str, str] | None:
    """Name two units whose numbers cannot be added or compared, with the reason and the cure; None where they can."""
    if one is None or other is None or one.fits_any or other.fits_any:
        return None
    if one.dimension != other.dimension:
        return f"{one.text} and {other.text}: {_told(one)} is not {_told(other)}", ""
    if one.rough or other.rough or one.size == other.size:
        return None
    ratio = one.size / other.size
    greater, smaller = (one, other) if ratio > 1 else (other, one)
    factor = max(ratio, 1 / ratio)
    written = str(factor) if factor.denominator == 1 else f"{factor.numerator} / {factor.denominator}"
    cure = f"multiply {greater.text} by {written} to have {smaller.text}"
    return f"{one.text} and {other.text}: they differ by a factor of {factor}", cure


def _told(unit: Unit) -> str:
    return "·".join(_raised(of, power) for of, power in unit.dimension) or "a plain number"


def _raised(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


def _merged(factors: Iterable[tuple[str, int]]) -> Powers:
    """Add up the powers of equal names, in the order of the names."""
    powers: dict[str, int] = {}
    for name, power in factors:
        powers[name] = powers.get(name, 0) + power
    return tuple(sorted((name, power) for name, power in powers.items() if power))
