"""What operators do to JSON values, exactly.

Both meanings of an expression use these functions, so that they cannot drift apart. Types are strict: a truth value is
no number (``True == 1`` is false), text is never compared with a number by ``<`` (undefined) and never equal to one
(false), 1 equals 1.0. Whatever has no answer raises ``Undefined``; so does whatever would cost too much: integers
beyond 256 bits, text and lists grown beyond the limits below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

MAX_INTEGER: Final = 1 << 256
MAX_TEXT: Final = 1_000_000
MAX_LIST: Final = 100_000
MAX_ITERATIONS: Final = 3_000  # of one evaluation: the exact meaning takes up to 20 µs for each
MAX_EXPONENT: Final = 64

_SHOWN: Final = 60  # characters of a value in a message
_TOO_DEEP: Final = "nested too deeply to compare"

Number = int | float


class Undefined(Exception):
    """Say why an expression has no value here."""


class Budget:
    """Count the iterations of one evaluation; Undefined after ``MAX_ITERATIONS``."""

    def __init__(self) -> None:
        self._left = MAX_ITERATIONS

    def each(self, value: Any) -> Iterator[Any]:
        """Yield the items of a list or the keys of an object."""
        if type(value) is not list and type(value) is not dict:
            raise Undefined(f"cannot go through {named(value)}; expected a list or an object")
        for item in value:
            self.spend()
            yield item

    @property
    def spent(self) -> int:
        """The number of iterations so far."""
        return MAX_ITERATIONS - self._left

    def spend(self) -> None:
        """Count one iteration."""
        self._left -= 1
        if self._left < 0:
            raise Undefined(f"more than {MAX_ITERATIONS} iterations")


def kind_of(value: Any) -> str:
    """Name the JSON type of a value as the messages of this package do."""
    return _KINDS.get(type(value), type(value).__name__)


def named(value: Any) -> str:
    """Show a value with its type, shortened, for a message. O(1)."""
    text = _beginning(value, _SHOWN)
    return f"{kind_of(value)} {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"


def _beginning(value: Any, length: int) -> str:
    """Spell a value, or no less than the first ``length`` characters of it: the rest would be work for nothing."""
    kind = type(value)
    if kind is str:
        return repr(value[:length])
    if kind is not list and kind is not dict:
        return repr(value)
    opening, closing = "[]" if kind is list else "{}"
    text = opening
    for number, key in enumerate(value):
        text += ", " if number else ""
        text += _beginning(key, length - len(text))
        if kind is dict and len(text) <= length:
            text += ": " + _beginning(value[key], length - len(text))
        if len(text) > length:
            return text
    return text + closing


def number(value: Any) -> Number:
    """Give a number back; Undefined for anything else, truth values included."""
    if type(value) is int or type(value) is float:
        return value
    raise Undefined(f"expected a number, got {named(value)}")


def text(value: Any) -> str:
    """Give a text back; Undefined for anything else."""
    if type(value) is str:
        return value
    raise Undefined(f"expected text, got {named(value)}")


def truth(value: Any) -> bool:
    """Give a truth value back; Undefined for anything else."""
    if value is True or value is False:
        return value
    raise Undefined(f"expected true or false, got {named(value)}")


def bounded(value: Any) -> Any:
    """Give a freshly made value back; Undefined where it is too big or no JSON number."""
    kind = type(value)
    if kind is int and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise Undefined("the number is beyond 256 bits")
    if kind is float and not math.isfinite(value):
        raise Undefined("the number is too big")
    if kind is str and len(value) > MAX_TEXT:
        raise Undefined(f"the text is longer than {MAX_TEXT} characters")
    if kind is list and len(value) > MAX_LIST:
        raise Undefined(f"the list is longer than {MAX_LIST} items")
    return value


def add(left: Any, right: Any) -> Any:
    """Add numbers, or join two texts or two lists."""
    if type(left) is type(right) and type(left) in (str, list):
        return bounded(left + right)
    return _arithmetic(lambda: number(left) + number(right))


def subtract(left: Any, right: Any) -> Number:
    """Subtract numbers."""
    return _arithmetic(lambda: number(left) - number(right))


def multiply(left: Any, right: Any) -> Number:
    """Multiply numbers."""
    return _arithmetic(lambda: number(left) * number(right))


def divide(left: Any, right: Any) -> Number:
    """Divide numbers; the answer is a float."""
    return _arithmetic(lambda: number(left) / number(right))


def divide_down(left: Any, right: Any) -> Number:
    """Divide numbers and round down."""
    return _arithmetic(lambda: number(left) // number(right))


def remainder(left: Any, right: Any) -> Number:
    """Give what ``divide_down`` leaves."""
    return _arithmetic(lambda: number(left) % number(right))


def power(left: Any, right: Any) -> Number:
    """Raise a number to an exponent that the parser has bounded."""
    base = number(left)
    if type(base) is int:
        bounded(base)  # or the power of a huge number would be worked out before it is refused
    return _arithmetic(lambda: _real(base ** number(right)))


def negate(value: Any) -> Number:
    """Give the number of opposite sign."""
    return -number(value)


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are equal, deeply; a truth value equals no number. O(size)."""
    if left is right:
        return True
    kind, other = type(left), type(right)
    try:
        if kind is dict and other is dict:
            return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
        if kind is list and other is list:
            return len(left) == len(right) and all(map(same, left, right))
    except RecursionError:
        raise Undefined(_TOO_DEEP) from None
    return (kind is bool) == (other is bool) and bool(left == right)


def frozen(value: Any) -> Any:
    """Give a JSON value as one that can be a key: equal exactly where ``same`` says so. O(size)."""
    kind = type(value)
    if kind is bool:
        return (bool, value)
    try:
        if kind is list:
            return (list, *map(frozen, value))
        if kind is dict:
            # most objects are flat, and text and numbers are themselves
            items = [(key, one if type(one) in _PLAIN else frozen(one)) for key, one in value.items()]
            return (dict, frozenset(items))
    except RecursionError:
        raise Undefined(_TOO_DEEP) from None
    return value


def less(left: Any, right: Any) -> bool:
    """Order two numbers, or two texts by code point."""
    if type(left) is str and type(right) is str:
        return left < right
    return number(left) < number(right)


def contains(item: Any, whole: Any) -> bool:
    """Tell whether a list has an item, an object a key, a text a part."""
    if type(whole) is list:
        return any(same(item, one) for one in whole)
    if type(whole) is dict or type(whole) is str:
        return text(item) in whole
    raise Undefined(f"cannot look inside {named(whole)}; expected a list, an object or text")


def item(whole: Any, index: Any) -> Any:
    """Take the item of a list, the character of a text, or the value of an object's key."""
    if type(whole) is dict:
        return field(whole, text(index))
    if type(whole) is not list and type(whole) is not str:
        raise Undefined(f"{named(whole)} has no items")
    if type(index) is not int:
        raise Undefined(f"a position is a whole number, not {named(index)}")
    if not -len(whole) <= index < len(whole):
        raise Undefined(f"no item {index}: there are {len(whole)}")
    return whole[index]


def field(whole: Any, name: str) -> Any:
    """Take the value of an object's key."""
    if type(whole) is not dict:
        raise Undefined(f"{kind_of(whole)} has no field {name!r}")
    if name not in whole:
        raise Undefined(f"no field {name!r}")
    return whole[name]


def unique(values: list[Any]) -> list[Any]:
    """Drop repetitions, keeping the first of each. O(size)."""
    seen: set[Any] = set()
    kept: list[Any] = []
    for value in values:
        key = frozen(value)
        if key not in seen:
            seen.add(key)
            kept.append(value)
    return kept


COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": less,
    "<=": lambda left, right: not less(right, left),
    ">": lambda left, right: less(right, left),
    ">=": lambda left, right: not less(left, right),
    "in": contains,
    "not in": lambda item, whole: not contains(item, whole),
}
ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "//": divide_down,
    "%": remainder,
    "**": power,
}
_PLAIN: Final = frozenset({str, int, float})
_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "truth value",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}


def _arithmetic(operation: Callable[[], Number]) -> Number:
    try:
        value: Number = bounded(operation())
    except ZeroDivisionError:
        raise Undefined("division by zero") from None
    except OverflowError:
        raise Undefined("the number is too big") from None
    return value


def _real(value: Any) -> Number:
    if type(value) is complex:
        raise Undefined("the root of a negative number")
    real: Number = value
    return real
