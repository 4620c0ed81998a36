"""The values of OTLP JSON: attributes, times and identifiers as the protocol spells them.

OTLP JSON is protobuf's JSON mapping with identifiers in hexadecimal: 64-bit integers are text, and a value says its
type (``{"stringValue": …}``). Integers are read as numbers too, because some producers write them so.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from harness.errors import UsageError

_INT64: Final = range(-(1 << 63), 1 << 63)


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write attributes in the order of their names; one that is None is left out."""
    return [{"key": name, "value": _written(value)} for name, value in sorted(values.items()) if value is not None]


def plain(pairs: Any) -> dict[str, Any]:
    """Read a list of attributes; UsageError says what is not one. The last of equal names counts. O(size)."""
    if not isinstance(pairs, list):
        raise UsageError(f"attributes are a list, not {type(pairs).__name__}")
    found = {}
    for pair in pairs:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            raise UsageError(f"an attribute is an object with a key, not {str(pair)[:80]!r}")
        found[pair["key"]] = _read(pair.get("value"))
    return found


def nanoseconds(said: Any) -> int | None:
    """Read a time as nanoseconds since 1970; None where it is missing, 0 or no number."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said)
    return said if type(said) is int and 0 < said < 1 << 64 else None


def _written(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if value in _INT64 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_written(item) for item in value]}}
    return {"stringValue": str(value)}


def _read(value: Any) -> Any:
    """Read one value; an empty one is None, as a producer writes null."""
    if not isinstance(value, dict) or len(value) > 1:
        raise UsageError(f'a value is an object of its type, {{"stringValue": …}}, not {str(value)[:80]!r}')
    for kind, said in value.items():
        return _READERS[kind](said) if kind in _READERS else _refused(kind)
    return None


def _refused(kind: str) -> Any:
    raise UsageError(f"unknown type of value {kind!r}; known: {', '.join(_READERS)}")


def _integer(said: Any) -> int:
    if type(said) is int:
        return said
    if isinstance(said, str) and said.removeprefix("-").isdecimal() and said.isascii():
        return int(said)
    raise UsageError(f"{said!r} is no intValue")


def _double(said: Any) -> float | str:
    if isinstance(said, str) and said in ("NaN", "Infinity", "-Infinity"):
        return said  # JSON has no such number, and a trace keeps it as the text it travelled as
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise UsageError(f"{said!r} is no doubleValue")
    return float(said)


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise UsageError(f"{str(said)[:80]!r} is no text")
    return said


def _bool(said: Any) -> bool:
    if not isinstance(said, bool):
        raise UsageError(f"{said!r} is no boolValue")
    return said


def _bytes(said: Any) -> bytes:
    try:
        return base64.b64decode(_text(said), validate=True)
    except ValueError as error:
        raise UsageError(f"{said[:80]!r} is no bytesValue: {error}") from None


def _list(said: Any) -> list[Any]:
    values = said.get("values", []) if isinstance(said, dict) else None
    if not isinstance(values, list):
        raise UsageError(f"{str(said)[:80]!r} is no arrayValue")
    return [_read(item) for item in values]


def _object(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise UsageError(f"{str(said)[:80]!r} is no kvlistValue")
    return plain(said.get("values", []))


_READERS: Final = {
    "stringValue": _text,
    "boolValue": _bool,
    "intValue": _integer,
    "doubleValue": _double,
    "arrayValue": _list,
    "kvlistValue": _object,
    "bytesValue": _bytes,
}
