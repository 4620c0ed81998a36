"""The variables of a problem, out of the JSON Schema of an artifact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from harness.errors import Mistake
from harness.registry.document import Written
from harness.registry.solve.joining import applied
from harness.registry.solve.problem import Below, Condition, Number, Unknown, Variable

_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_SAYS_NOTHING: Final = frozenset(
    ("unit", "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly")
)
_READ: Final = {
    "number": frozenset(_BOUNDS),
    "integer": frozenset(_BOUNDS),
    "boolean": frozenset[str](),
    "enum": frozenset(("enum", "const")),
}
_CURE_KIND: Final = "write type: number or integer with minimum and maximum, type: boolean, or enum: […]"


class UnreadableError(ValueError):
    """Say why a field of an artifact is no variable, and the likely cure; ``key`` is the keyword at fault."""

    def __init__(self, message: str, cure: str, key: str = "") -> None:
        self.message, self.cure, self.key = message, cure, key
        super().__init__(message, cure, key)


class EmptyError(UnreadableError):
    """Say that no value fits a field."""


class Unknowns:
    """The variables that rules have spoken of so far, each read from the schema when it is first spoken of.

    ``beyond`` are what bounds that are not included say, by the name of the variable.
    """

    def __init__(self, artifact: str, at: Written | None) -> None:
        self.variables: list[Variable] = []
        self.beyond: dict[str, list[Condition]] = {}
        self.mistakes: list[Mistake] = []
        self._at = at.find(["schema"]) if at else None
        self._artifact, self._places = artifact, dict[tuple[str, ...], int | None]()

    def index(self, path: tuple[str, ...]) -> int | None:
        """Give the place of the variable that a field is; None where it cannot be one, which ``mistakes`` then tell."""
        if path not in self._places:
            self._places[path] = self._added(path)
        return self._places[path]

    def is_object(self, path: tuple[str, ...]) -> bool:
        """Tell whether the schema says that there is an object at a path."""
        schema = self._schema(path)[0] if self._at else None
        return isinstance(schema, dict) and schema.get("type") == "object"

    def is_required(self, path: tuple[str, ...]) -> bool:
        """Tell whether the schema says that a field is always there."""
        for depth, name in enumerate(path):
            above, _ = self._schema(path[:depth])
            if not isinstance(above, dict) or name not in above.get("required", ()):
                return False
        return True

    def look_at_required(self, path: tuple[str, ...] = ()) -> None:
        """Tell of required fields that no rule speaks of and that no value fits: then no artifact fits either."""
        schema, _ = self._schema(path)
        for name in schema.get("required", ()) if isinstance(schema, dict) else ():
            below = (*path, name)
            inner, place = self._schema(below)
            if below in self._places or not isinstance(inner, dict):
                continue
            if inner.get("type") == "object":
                self.look_at_required(below)
            elif inner.get("type") in ("number", "integer") and place is not None:
                field = ".".join(below)
                try:
                    read_variable(field, inner)
                except EmptyError as error:
                    self.mistakes.append(place.mistake(f"{self._artifact}.{field}: {error.message}", error.cure))
                except UnreadableError:
                    pass  # no rule wants to know

    def _added(self, path: tuple[str, ...]) -> int | None:
        name, place = ".".join(path), len(self.variables)
        schema, at = self._schema(path)
        try:
            variable = read_variable(name, schema)
        except UnreadableError as error:
            if at is not None:
                fault = at.keys.get(error.key, at)
                self.mistakes.append(fault.mistake(f"{self._artifact}.{name}: {error.message}", error.cure))
            return None
        self.variables.append(variable)
        if variable.kind == "real" and (beyond := list(bounds_of(schema, Unknown(place), only_beyond=True))):
            self.beyond[name] = beyond
        return place

    def _schema(self, path: tuple[str, ...]) -> tuple[Any, Written | None]:
        """Give the schema of a field, None where there is none, and where it, or what is nearest to it, is written."""
        at = self._at
        schema = at.plain() if at else None
        for name in path:
            properties = schema.get("properties") if isinstance(schema, dict) else None
            schema = properties.get(name) if isinstance(properties, dict) else None
            at = at.find(["properties", name]) if at else None
        return schema, at


def read_variable(name: str, schema: Any) -> Variable:
    """Give the variable that a JSON Schema describes; UnreadableError says why it describes none. O(size)."""
    if schema is None:
        raise UnreadableError("a rule speaks of it, and the schema does not say what it is", _CURE_KIND)
    kind = "enum" if isinstance(schema, dict) and {"enum", "const"} & schema.keys() else _stated(schema)
    allowed = _READ[kind] | _SAYS_NOTHING | {"type"}
    for key in schema:
        if key not in allowed and not key.startswith(("$comment", "x-")):
            raise UnreadableError(f"{key!r} is not read by the solver", "say it as a rule", key)
    unit = schema.get("unit", "")
    if kind == "boolean":
        return Variable(name, "choice", Fraction(0), Fraction(1), (False, True))
    if kind == "enum":
        return _choice(name, schema, unit)
    low, high = _ends(schema, whole=kind == "integer")
    if low > high:
        what = "whole number" if kind == "integer" else "value"
        raise EmptyError(f"no {what} lies within its bounds", "put the bounds in order, or further apart")
    return Variable(name, "integer" if kind == "integer" else "real", low, high, unit=unit)


def exact(number: float | Fraction) -> Fraction:
    """Give a number as its decimals say it: 0.1 is one tenth."""
    return Fraction(repr(number)) if type(number) is float else Fraction(number)


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number, which a truth value is not."""
    return type(value) in (int, Fraction) or (type(value) is float and math.isfinite(value))


def bounds_of(schema: dict[str, Any], term: Unknown, *, only_beyond: bool = False) -> Iterator[Condition]:
    """Yield what the bounds of a schema say of a number; ``only_beyond`` leaves out those that are included."""
    for key in _BOUNDS:
        if is_number(schema.get(key)) and (key.startswith("exclusive") or not only_beyond):
            end = Number(exact(schema[key]))
            sides = (end, term) if key.lower().endswith("minimum") else (term, end)
            yield Below(applied("-", *sides), strict=key.startswith("exclusive"))


def _stated(schema: Any) -> str:
    said = schema.get("type") if isinstance(schema, dict) else None
    if said == "string":
        raise UnreadableError("text is no variable unless its values are listed", "list them: enum: […]", "type")
    if said not in ("number", "integer", "boolean"):
        raise UnreadableError("the schema does not say that it is one number, truth value or listed text", _CURE_KIND)
    return str(said)


def _ends(schema: dict[str, Any], *, whole: bool) -> tuple[Fraction, Fraction]:
    said = {key: exact(schema[key]) for key in _BOUNDS if is_number(schema.get(key))}
    above, below = said.get("exclusiveMinimum"), said.get("exclusiveMaximum")
    if whole:
        above = None if above is None else Fraction(math.floor(above) + 1)
        below = None if below is None else Fraction(math.ceil(below) - 1)
    lows = [end for end in (said.get("minimum"), above) if end is not None]
    highs = [end for end in (said.get("maximum"), below) if end is not None]
    if missing := [word for word, ends in (("minimum", lows), ("maximum", highs)) if not ends]:
        raise UnreadableError(f"a number without {' and '.join(missing)}", f"add {': … and '.join(missing)}: …")
    low, high = max(lows), min(highs)
    return (Fraction(math.ceil(low)), Fraction(math.floor(high))) if whole else (low, high)


def _choice(name: str, schema: dict[str, Any], unit: str) -> Variable:
    said = [schema["const"]] if "const" in schema else schema["enum"]
    values = tuple(value for value in said if value is None or type(value) in (bool, str) or is_number(value))
    if len(values) != len(said) or not values:
        raise UnreadableError("only numbers, texts and truth values can be chosen from", "list plain values", "enum")
    numbers = sorted(value for value in values if is_number(value))
    if len(numbers) == len(values) and numbers == list(range(int(numbers[0]), int(numbers[0]) + len(numbers))):
        return Variable(name, "integer", Fraction(numbers[0]), Fraction(numbers[-1]), unit=unit)
    return Variable(name, "choice", Fraction(0), Fraction(len(values) - 1), values, unit)
