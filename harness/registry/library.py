"""The functions an expression may call, as one table: what they take, what they give, what they do.

There are no others, and none of them touches a clock, chance or the disk. ``any``, ``all``, ``exists``, ``default``
and ``source`` look at more than the value of their argument; they are here for their arity and types only and have
their meaning in ``explain`` and ``compile``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import orjson
import re2

from harness.registry import values
from harness.registry.addresses import addresses_in
from harness.registry.values import Number, Undefined, named
from harness.trace.chat import reserved_by, tokens_of

Type = Literal["any", "truth", "number", "text", "list", "object", "null", "record"]


MAX_GATHERED: Final = 100_000


class Function(NamedTuple):
    """Declare a function: the types it takes (the last ``optional`` of them may be left out) and the type it gives.

    ``variadic`` means that the last argument may be repeated.
    """

    takes: tuple[Type, ...]
    gives: Type
    call: Callable[..., Any]
    optional: int = 0
    variadic: bool = False

    @property
    def fewest(self) -> int:
        """The number of arguments it needs."""
        return len(self.takes) - self.optional

    @property
    def most(self) -> int | None:
        """The number of arguments it may have; None without limit."""
        return None if self.variadic else len(self.takes)


class PatternError(ValueError):
    """Say what is wrong with a regular expression."""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise PatternError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None


@lru_cache(maxsize=1024)
def searcher(pattern: str) -> Callable[[str], Any]:
    """Give the search for a pattern of RE2's syntax, which has no backtracking; PatternError says what is wrong."""
    search = _compiled(pattern).search
    # bytes: re2 would translate the places of what it found, which nobody asks for, back into characters
    return lambda text: search(text.encode())


def matches(text: Any, pattern: str) -> bool:
    """Tell whether the pattern is found anywhere in the text. O(text)."""
    return searcher(pattern)(values.text(text)) is not None


def length(value: Any) -> int:
    """Count the characters of a text, the items of a list, the keys of an object."""
    if type(value) in (str, list, dict):
        return len(value)
    raise Undefined(f"{named(value)} has no length")


def absolute(value: Any) -> Number:
    """Give a number without its sign."""
    return abs(values.number(value))


def smallest(*items: Any) -> Any:
    """Give the smallest of a list or of the arguments."""
    return _ordered(items)[0]


def largest(*items: Any) -> Any:
    """Give the largest of a list or of the arguments."""
    return _ordered(items)[-1]


def total(items: Any) -> Any:
    """Add up the numbers of a list; 0 for an empty one."""
    result: Any = 0
    for value in _list(items):
        result = values.add(result, values.number(value))
    return result


def rounded(value: Any, digits: Any = 0) -> Number:
    """Round to a number of decimals (0 to 15), halves to the even neighbour; without decimals to a whole number."""
    if type(digits) is not int or not 0 <= digits <= 15:
        raise Undefined(f"expected 0 to 15 decimals, got {named(digits)}")
    number = values.number(value)
    return round(number, digits) if digits else round(number)


def items_of(value: Any) -> list[Any]:
    """Give a list as it is, nothing as an empty list, and any other value as a list of itself."""
    if type(value) is list:
        return value
    return [] if value is None else [value]


def all_text(value: Any) -> str:
    """Join the texts inside a value by line ends, in their order, without keys; at most 100,000 characters."""
    if type(value) is str:
        return value
    found: list[str] = []
    _gather(value, found)
    return "\n".join(found)[:MAX_GATHERED]


def tokens(response: Any) -> int:
    """Give the tokens that the recorded response of a model says it took, streamed or whole."""
    stated = tokens_of(response)
    if stated is None:
        raise Undefined("the response does not say how many tokens it took; a stream says so if asked to")
    return stated


def reserves(request: Any) -> int:
    """Give the most tokens that the answers to a request to a model may take, as the request bounds them."""
    bound = reserved_by(request)
    if bound is None:
        raise Undefined("the request does not say how many tokens its answer may take")
    return bound


def clamp(value: Any, least: Any, most: Any) -> Number:
    """Give the number of an interval that is nearest to a value."""
    low, high = values.number(least), values.number(most)
    if low > high:
        raise Undefined(f"there is nothing between {low} and {high}")
    return min(max(values.number(value), low), high)


def clip(value: Any, length: Any) -> str:
    """Give the first characters of a text, no more than so many."""
    return values.text(value)[: _count(length)]


def mask(value: Any, keep: Any = 4) -> str:
    """Put a star in the place of each character of a text but the last few."""
    text, kept = values.text(value), _count(keep)
    hidden = max(len(text) - kept, 0)
    return "*" * hidden + text[hidden:]


def replaced(value: Any, old: Any, new: Any) -> str:
    """Put one text in the place of each occurrence of another."""
    text, word = values.text(value), values.text(old)
    if not word:
        raise Undefined("the text to replace is empty")
    found: str = values.bounded(text.replace(word, values.text(new)))
    return found


def substituted(value: Any, pattern: Any, new: Any) -> str:
    """Put a text in the place of whatever matches a pattern (RE2); groups are not referred to. O(text)."""
    text, instead = values.text(value), values.text(new)
    found: str = values.bounded(_compiled(values.text(pattern)).sub(lambda _: instead, text))
    return found


def in_order(items: Any) -> list[Any]:
    """Sort a list of numbers or a list of texts, smallest first."""
    return _sorted(_list(items))


def unique(items: Any) -> list[Any]:
    """Drop the repetitions of a list."""
    return values.unique(_list(items))


def to_text(value: Any) -> str:
    """Spell a number, truth value or text."""
    if type(value) is bool:
        return "true" if value else "false"
    return value if type(value) is str else str(values.number(value))


def to_integer(value: Any) -> int:
    """Read a whole number from text, or cut a number's decimals."""
    if type(value) is str:
        if not _INTEGER.fullmatch(value.strip()):
            raise Undefined(f"{named(value)} is no whole number")
        value = int(value)
    return int(values.bounded(int(values.number(value))))


def to_float(value: Any) -> float:
    """Read a decimal number from text, or make a number one."""
    if type(value) is str:
        if not _DECIMAL.fullmatch(value.strip()):
            raise Undefined(f"{named(value)} is no number")
        value = float(value)
    return float(values.bounded(float(values.number(value))))


def to_truth(value: Any) -> bool:
    """Tell whether a value is neither empty, zero, false nor null."""
    return bool(value)


def parse_json(value: Any) -> Any:
    """Read JSON text."""
    try:
        return orjson.loads(values.text(value))
    except orjson.JSONDecodeError as error:
        raise Undefined(f"the text is not JSON: {error}") from None


def parse_time(value: Any) -> float:
    """Give the seconds since 1970 of an ISO 8601 date or time; without a zone it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(values.text(value))
    except ValueError:
        raise Undefined(f"{named(value)} is no ISO 8601 date or time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def seconds_between(earlier: Any, later: Any) -> float:
    """Give the seconds from one ISO 8601 time to another; negative where the second comes first."""
    return parse_time(later) - parse_time(earlier)


def parts(value: Any, separator: Any) -> list[str]:
    """Cut a text at each separator."""
    if values.text(separator) == "":
        raise Undefined("the separator is empty")
    pieces: list[str] = values.bounded(values.text(value).split(separator))
    return pieces


def _gather(value: Any, found: list[str]) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is str:
            found.append(one)
        elif type(one) is list:
            waiting += reversed(one)
        elif type(one) is dict:
            waiting += reversed(one.values())


def _math(function: Callable[[float], float]) -> Callable[[Any], float]:
    def call(value: Any) -> float:
        number = values.number(value)
        try:
            return float(values.bounded(function(number)))
        except (ValueError, OverflowError):
            raise Undefined(f"{function.__name__} of {number} is not defined") from None

    return call


def _on_text(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *texts: method(*map(values.text, texts))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Undefined(f"expected a number of characters, got {named(value)}")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    raise Undefined(f"expected a list, got {named(value)}")


def _sorted(items: list[Any]) -> list[Any]:
    check = values.text if items and type(items[0]) is str else values.number
    return sorted(map(check, items))


def _ordered(items: tuple[Any, ...]) -> list[Any]:
    ordered = _sorted(_list(items[0]) if len(items) == 1 else list(items))
    if not ordered:
        raise Undefined("the list is empty")
    return ordered


def _looked_at_before(*_: Any) -> Any:
    raise AssertionError("this function has its meaning in explain and compile")


_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,80}")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]{1,80}(\.[0-9]{0,80})?|\.[0-9]{1,80})([eE][+-]?[0-9]{1,3})?")

FUNCTIONS: Final[dict[str, Function]] = {
    "len": Function(("any",), "number", length),
    "abs": Function(("number",), "number", absolute),
    "min": Function(("any",), "any", smallest, variadic=True),
    "max": Function(("any",), "any", largest, variadic=True),
    "sum": Function(("list",), "number", total),
    "round": Function(("number", "number"), "number", rounded, optional=1),
    "any": Function(("list",), "truth", _looked_at_before),
    "all": Function(("list",), "truth", _looked_at_before),
    "items": Function(("any",), "list", items_of),
    "text": Function(("any",), "text", all_text),
    "addresses": Function(("any",), "list", addresses_in),
    "sorted": Function(("list",), "list", in_order),
    "unique": Function(("list",), "list", unique),
    "set": Function(("list",), "list", unique),
    "str": Function(("any",), "text", to_text),
    "int": Function(("any",), "number", to_integer),
    "float": Function(("any",), "number", to_float),
    "bool": Function(("any",), "truth", to_truth),
    "exists": Function(("any",), "truth", _looked_at_before),
    "default": Function(("any", "any"), "any", _looked_at_before),
    "source": Function(("any",), "list", _looked_at_before),
    "tokens": Function(("any",), "number", tokens),
    "reserves": Function(("any",), "number", reserves),
    "clamp": Function(("number", "number", "number"), "number", clamp),
    "clip": Function(("text", "number"), "text", clip),
    "mask": Function(("text", "number"), "text", mask, optional=1),
    "json": Function(("text",), "any", parse_json),
    "exp": Function(("number",), "number", _math(math.exp)),
    "log": Function(("number",), "number", _math(math.log)),
    "sqrt": Function(("number",), "number", _math(math.sqrt)),
    "parse_time": Function(("text",), "number", parse_time),
    "seconds_between": Function(("text", "text"), "number", seconds_between),
}

METHODS: Final[dict[str, Function]] = {
    "matches": Function(("text", "text"), "truth", matches),
    "lower": Function(("text",), "text", _on_text(str.lower)),
    "upper": Function(("text",), "text", _on_text(str.upper)),
    "strip": Function(("text",), "text", _on_text(str.strip)),
    "startswith": Function(("text", "text"), "truth", _on_text(str.startswith)),
    "endswith": Function(("text", "text"), "truth", _on_text(str.endswith)),
    "contains": Function(("text", "text"), "truth", _on_text(str.__contains__)),
    "split": Function(("text", "text"), "list", parts),
    "replace": Function(("text", "text", "text"), "text", replaced),
    "sub": Function(("text", "text", "text"), "text", substituted),
}

LIBRARY: Final[dict[str, Function]] = FUNCTIONS | METHODS
PATTERNS: Final = frozenset(("matches", "sub"))  # those whose second argument is a regular expression
