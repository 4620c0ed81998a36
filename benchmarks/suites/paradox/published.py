"""What is known of the three published cases (arXiv 2604.17025), each number from a formula, to forty digits.

A speed after sensors degrade, a flow reactor, replicas within a budget: which rules contradict each other, where each
limit lies, and how far each parameter has to give way. ``PRINTED`` is how the numbers are written elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Final

from .instance import Rule

Known = Decimal | str
Facts = Mapping[str, Known]

_DIGITS: Final = 40
_D: Final = Decimal

# --- driving ----------------------------------------------------------------------------------------------------------

_SPEED: Final = _D(120)  # km/h
_WINDOW: Final = _D(5)  # s
_FRICTION: Final = _D("0.4")
_GRAVITY: Final = _D("9.8")
_DECELERATION: Final = _D(2)
_KMH: Final = _D("3.6")
_SLOWEST: Final = _SPEED - _DECELERATION * _WINDOW * _KMH


def _fastest(sight: int) -> Decimal:
    """Give the speed from which the car stops within sight."""
    return _KMH * (2 * _FRICTION * _GRAVITY * sight).sqrt()


def driving_30() -> Facts:
    """Give what is known where 30 m can be seen: too fast for those in front is too slow for those behind."""
    way = (_SLOWEST / _KMH) ** 2
    return {
        "verdict": "infeasible",
        "conflict": "FORWARD-BRAKING REAR-DECELERATION",
        "fastest": _fastest(30),
        "slowest": _SLOWEST,
        "perception_m": way / (2 * _FRICTION * _GRAVITY),
        "friction": way / (2 * _GRAVITY * 30),
        "decel_max_mps2": (_SPEED - _fastest(30)) / (_WINDOW * _KMH),
        "window_s": (_SPEED - _fastest(30)) / (_DECELERATION * _KMH),
        "v0_kmh": _fastest(30) + _DECELERATION * _WINDOW * _KMH,
        "too fast at 90 by": 90 - _fastest(30),
        "room behind at 90": 90 - _SLOWEST,
    }


def driving_90() -> Facts:
    """Give what is known where 90 m can be seen."""
    return {"verdict": "feasible", "slowest": _SLOWEST, "fastest": _fastest(90)}


# --- the reactor ------------------------------------------------------------------------------------------------------

_FACTOR: Final = _D("2.5e8")  # 1/s
_ENERGY: Final = _D(72_000)  # J/mol
_GAS: Final = _D("8.314")
_SIDE: Final = _D("0.35")  # s
_IMPURITY: Final = _D("0.02")
_LONGEST: Final = _D(120)  # s
_VOLUME_ML: Final = _D("37.70")
_FEED: Final = _D(2)  # mol/L
TIMES: Final = (158, 165, 170, 175, 180)


def _rate(degrees: Decimal) -> Decimal:
    return _FACTOR * (-_ENERGY / (_GAS * (degrees + _D("273.15")))).exp()


def _degrees(rate: Decimal) -> Decimal:
    return _ENERGY / (_GAS * (_FACTOR / rate).ln()) - _D("273.15")


def reactor_120() -> Facts:
    """Give what is known where 120 s are the limit: enough conversion at so little impurity takes longer."""
    order = -_D("0.05").ln()  # rate times time for 95 %
    shortest = _SIDE * order**2 / _IMPURITY
    slow = (_IMPURITY / (_SIDE * _LONGEST)).sqrt()
    return {
        "verdict": "infeasible",
        "conflict": "CONVERSION-MINIMUM IMPURITY-LIMIT RESIDENCE-TIME-LIMIT",
        "tau_max_s": shortest,
        "tau_max_s degrees": _degrees(order / shortest),
        "tau_max_s rate": order / shortest,
        "impurity_max": _SIDE * order**2 / _LONGEST,
        "impurity_max degrees": _degrees(order / _LONGEST),
        "conversion_min": 1 - (-slow * _LONGEST).exp(),
        "conversion_min degrees": _degrees(slow),
    }


def reactor_180() -> Facts:
    """Give what is known where 180 s are the limit: from which temperature to which, and all of one point."""
    order = -_D("0.05").ln()
    coldest = {f"coldest at {tau}": _degrees(order / tau) for tau in TIMES}
    hottest = {f"hottest at {tau}": _degrees((_IMPURITY / (_SIDE * tau)).sqrt()) for tau in TIMES}
    degrees, tau = _D(97), _D(175)
    rate, flow = _rate(degrees), _VOLUME_ML / tau
    conversion = 1 - (-rate * tau).exp()
    pi = _D("3.141592653589793")  # as the registry has it
    return {
        "verdict": "feasible",
        **coldest,
        **hottest,
        "rate": rate,
        "conversion": conversion,
        "impurity": _SIDE * rate**2 * tau,
        "production_kg_d": flow * _FEED * 200 * conversion * _D("0.0864"),
        "heat_w": flow * _FEED * conversion * 85,
        "pressure_pa": 128 * _D("8e-4") * flow / 10**6 * 12 / (pi * _D("0.002") ** 4),
    }


# --- replicas ---------------------------------------------------------------------------------------------------------


def replicas() -> Facts:
    """Give what is known of five replicas at 450 USD within 1200."""
    return {
        "verdict": "infeasible",
        "conflict": "REPLICAS-BUDGET REPLICAS-ENOUGH",
        "budget_usd": _D(5 * 450),
        "replicas_min": _D(1200 // 450),
    }


def replicas_2250() -> Facts:
    """Give what is known of them within 2250."""
    return {"verdict": "feasible", "replicas": _D(5)}


def facts() -> Mapping[str, Facts]:
    """Give what is known of every case."""
    with localcontext() as context:
        context.prec = _DIGITS
        every = (driving_30, driving_90, reactor_120, reactor_180, replicas, replicas_2250)
        return {one.__name__.replace("_", " "): one() for one in every}


# --- the rules, as text for the oracle --------------------------------------------------------------------------------

_K: Final = "250000000 * exp(-72000 / (8.314 * (artifact.temperature_c + 273.15)))"
_FLOW: Final = "(37.70 / artifact.tau_s)"
_REACTED: Final = f"(1 - exp(-({_K}) * artifact.tau_s))"


def _driving(sight: int) -> tuple[Rule, ...]:
    return (
        Rule("FORWARD-BRAKING", f"(artifact.v_kmh / 3.6) ** 2 / (2 * 0.4 * 9.8) < {sight}"),
        Rule("REAR-DECELERATION", "(120 - artifact.v_kmh) / (5 * 3.6) <= 2.0"),
    )


def _reactor(longest: int) -> tuple[Rule, ...]:
    tube = "(3.141592653589793 * 0.002 ** 4)"
    return (
        Rule("CONVERSION-MINIMUM", f"{_REACTED} >= 0.95"),
        Rule("IMPURITY-LIMIT", f"0.35 * ({_K}) ** 2 * artifact.tau_s <= 0.02"),
        Rule("TEMPERATURE-LIMIT", "artifact.temperature_c <= 150"),
        Rule("RESIDENCE-TIME-LIMIT", f"artifact.tau_s <= {longest}"),
        Rule("PRODUCTION-MINIMUM", f"{_FLOW} * 2.0 * 200 * {_REACTED} * 0.0864 >= 5"),
        Rule("COOLING-LIMIT", f"{_FLOW} * 2.0 * {_REACTED} * 85000 / 1000 <= 1508"),
        Rule("PRESSURE-LIMIT", f"128 * 0.0008 * ({_FLOW} / 1000000) * 12 / {tube} <= 1500000"),
    )


def _replicas(budget: int) -> tuple[Rule, ...]:
    return (
        Rule("REPLICAS-ENOUGH", "artifact.replicas >= 5"),
        Rule("REPLICAS-BUDGET", f"artifact.replicas * 450 <= {budget}"),
    )


RULES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "driving 30": _driving(30),
    "driving 90": _driving(90),
    "reactor 120": _reactor(120),
    "reactor 180": _reactor(180),
    "replicas": _replicas(1200),
    "replicas 2250": _replicas(2250),
}

PRINTED: Final[Mapping[str, Mapping[str, str]]] = {
    "driving 30": {
        "fastest": "55.2104",
        "slowest": "84.0",
        "perception_m": "69.44444",
        "decel_max_mps2": "3.59942",
        "too fast at 90 by": "34.7896",
        "room behind at 90": "6.0",
    },
    "driving 90": {"slowest": "84", "fastest": "95.6273"},
    "reactor 120": {
        "tau_max_s": "157.05221",
        "tau_max_s degrees": "98.586",
        "tau_max_s rate": "0.01907475",
        "impurity_max": "0.0261754",
        "impurity_max degrees": "102.93",
        "conversion_min": "0.927096",
        "conversion_min degrees": "100.745",
    },
    "reactor 180": {
        "coldest at 158": "98.490",
        "hottest at 158": "98.538",
        "coldest at 165": "97.800",
        "hottest at 165": "98.192",
        "coldest at 170": "97.326",
        "hottest at 170": "97.955",
        "coldest at 175": "96.867",
        "hottest at 175": "97.724",
        "coldest at 180": "96.422",
        "hottest at 180": "97.501",
        "rate": "0.017263",
        "conversion": "0.95125",
        "impurity": "0.01825",
        "production_kg_d": "7.08",
        "heat_w": "34.84",
        "pressure_pa": "5266",
    },
    "replicas": {"budget_usd": "2250", "replicas_min": "2"},
    "replicas 2250": {"replicas": "5"},
}
