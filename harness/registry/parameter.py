"""What is stated of a parameter besides its value: its unit, and whether and how far a caller may bind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import Mistake
from harness.registry.document import Written
from harness.registry.unit import Unit, UnitError, read_unit

Bind = Literal["narrow", "free", "no"]
Narrower = Literal["lower", "higher", "subset"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What is known of a parameter.

    ``bind`` says whether a caller may give it another value: ``narrow`` only one that makes the rules stricter, and
    ``narrower`` says which these are. No bound value lies below ``low`` or above ``high``, and where it is ``whole``
    none is a fraction. ``weight`` is what it costs to move it by its whole value, beside other parameters.
    """

    unit: Unit | None = None
    bind: Bind = "no"
    narrower: Narrower | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = False
    weight: float = 1.0


def read_parameter(node: Written) -> Parameter:
    """Read what a parameter's table states, as far as it can be read; ``mistakes_in_parameter`` says what cannot."""
    stated = node.plain()
    if not isinstance(stated, dict):
        return Parameter()
    ends = stated.get("range", {})
    narrower = stated.get("narrower")
    return Parameter(
        unit_of(stated.get("unit")),
        stated.get("bind", "narrow" if narrower else "no"),
        narrower,
        ends.get("min"),
        ends.get("max"),
        stated.get("whole", False),
        stated.get("weight", 1.0),
    )


def unit_of(text: Any) -> Unit | None:
    """Read a unit; None where there is none, or what stands there is none."""
    try:
        return read_unit(text) if isinstance(text, str) else None
    except UnitError:
        return None


def mistakes_in_parameter(node: Written) -> Iterator[Mistake]:
    """Yield what does not fit together in a parameter's table, whose single parts have the right form."""
    stated = node.plain()
    if not isinstance(stated, dict):
        return
    value, declared = stated["value"], read_parameter(node)
    if "unit" in stated:
        at = node.find(["unit"])
        if isinstance(value, str | bool) or value is None:
            yield at.mistake("only numbers have a unit", "leave 'unit' out")
        else:
            yield from mistake_in_unit(at)
    if declared.bind == "narrow" and declared.narrower is None:
        cure = "state narrower: lower, higher or subset"
        yield node.find(["bind"]).mistake("it is not stated which values are narrower", cure)
    elif declared.bind != "narrow" and declared.narrower is not None:
        yield node.find(["narrower"]).mistake("'narrower' needs bind: narrow", "write bind: narrow, or leave both out")
    if declared.narrower and (isinstance(value, list) if declared.narrower == "subset" else _is_number(value)) is False:
        wanted = "a list" if declared.narrower == "subset" else "a number"
        yield node.find(["narrower"]).mistake(f"narrower: {declared.narrower} is for {wanted}")
    if "range" in stated and (told := _beyond(declared, value)):
        yield node.find(["range"]).mistake(f"the value itself {told}")
    if declared.whole:
        yield from _fractions(node, stated)


def _fractions(node: Written, stated: dict[str, Any]) -> Iterator[Mistake]:
    """Yield what is no whole number in the table of a parameter that is declared whole."""
    if not _is_number(stated["value"]):
        yield node.find(["whole"]).mistake("only numbers are whole", "leave 'whole' out")
        return
    said = [(["value"], stated["value"]), *((["range", end], value) for end, value in stated.get("range", {}).items())]
    for path, value in said:
        if is_fraction(value):
            yield node.find(path).mistake(f"{value!r} is no whole number", "round it, or leave 'whole' out")


def mistake_in_unit(at: Written) -> Iterator[Mistake]:
    """Yield the mistake of a text that is no unit."""
    try:
        read_unit(at.value)
    except UnitError as error:
        yield at.mistake(error.message, error.cure)


def refusal(name: str, declared: Parameter, before: Any, after: Any) -> tuple[str, str] | None:
    """Say why a caller may not bind a parameter to a value, and the cure; None where that is allowed."""
    if declared.bind == "no":
        return (
            f"the parameter {name!r} may not be bound",
            "declare it with bind: free, or narrower: lower | higher | subset",
        )
    if _kind(before) != _kind(after):
        return f"{name}={after!r} is {_kind(after)}, and the parameter is {_kind(before)}", ""
    if declared.whole and is_fraction(after):
        return f"{name}={after!r} is no whole number", "the parameter is declared whole: true"
    if told := _beyond(declared, after):
        return f"{name}={after!r} {told}", ""
    if declared.bind == "narrow" and not _narrower(declared.narrower, before, after):
        allowed = {
            "lower": f"at most {before!r}",
            "higher": f"at least {before!r}",
            "subset": f"only what is in {before!r}",
        }
        return (
            f"{name}={after!r} is wider than {before!r}",
            f"a caller may bind {allowed[declared.narrower or 'lower']}",
        )
    return None


def span(declared: Parameter, value: Any) -> tuple[float | None, float | None]:
    """Give the lowest and the highest number that a caller may bind in place of a value; None where there is no end."""
    if declared.bind == "no":
        return value, value
    low = value if declared.narrower == "higher" else declared.low
    high = value if declared.narrower == "lower" else declared.high
    return low, high


def _narrower(way: Narrower | None, before: Any, after: Any) -> bool:
    if way == "lower":
        return bool(after <= before)
    if way == "higher":
        return bool(after >= before)
    return way == "subset" and all(any(_kind(one) == _kind(item) and one == item for one in before) for item in after)


def _beyond(declared: Parameter, value: Any) -> str:
    """Say that a value is outside of what is allowed; empty where it is not."""
    if declared.low is None and declared.high is None:
        return ""
    if not _is_number(value):
        return "is no number, and only numbers have a range"
    if declared.low is not None and not value >= declared.low:
        return f"is below {declared.low}"
    if declared.high is not None and not value <= declared.high:
        return f"is above {declared.high}"
    return ""


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def is_fraction(value: Any) -> bool:
    """Tell whether a value is a number and not a whole one, which 2.0 is."""
    return type(value) is float and not value.is_integer()


def _kind(value: Any) -> str:
    words = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return words.get(type(value), "nothing" if value is None else f"a {type(value).__name__}")
