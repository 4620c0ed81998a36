"""One spelling for every JSON value, and the digest of it.

Canonical form: compact UTF-8 JSON, object keys by code point, the shortest decimal of a float that reads back equal
and keeps its ``.0``, integers of any size, NaN and infinities refused. Deliberately not RFC 8785, which turns 1.0
into 1. ``orjson`` is the fast encoder; ``encode_slowly`` gives the same bytes from the standard library alone and also
serves what orjson cannot write (integers beyond 64 bits).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

import orjson

from harness.errors import NotRecordable

MAX_DEPTH: Final = 200  # orjson stops at 254; a margin keeps both encoders and every walker on the same side of it

_PLAIN: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_SORTED: Final = _PLAIN | orjson.OPT_SORT_KEYS
_BIG: Final = re.compile(rb"(?<![\d.eE+-])-?\d{19,}(?![\d.eE])")
_NINES: Final = bytes(ord("9") if chr(byte).isdecimal() else 0 for byte in range(128)) + bytes(128)
_LONG: Final = b"9" * 19
_MAY_HOLD_NAN: Final = frozenset({float, dict, list, tuple})


def encode(value: Any, option: int = _SORTED) -> bytes:
    """Write a JSON value in canonical form; NotRecordable names the place of anything else. O(size)."""
    try:
        data = orjson.dumps(value, option=option)
    except TypeError:
        return encode_slowly(value, sort_keys=option == _SORTED)
    if b"null" in data:  # orjson writes NaN as null: look again only where a null stands
        _refuse_nan(value, "")
    return data


def encode_as_is(value: Any) -> bytes:
    """Write a JSON value like ``encode``, object keys in their own order, which an agent can observe. O(size)."""
    return encode(value, _PLAIN)


def decode(data: bytes) -> Any:
    """Read JSON bytes, integers of any size included; ValueError says what is wrong. O(size)."""
    if _LONG in data.translate(_NINES) and _BIG.search(data):  # the first look is 20 times as fast
        return json.loads(data, parse_constant=_refuse_constant)
    return orjson.loads(data)


def decode_strictly(text: str) -> Any:
    """Read JSON text in which two readers cannot find two meanings: no key comes twice in one object, and no NaN.

    ValueError says what is wrong, RecursionError that it is nested too deep. O(size), several times that of ``decode``.
    """
    return json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse_constant)


def digest(data: bytes) -> str:
    """Give the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """Give the digest of a JSON value's canonical form."""
    return hashlib.sha256(encode(value)).hexdigest()


def encode_slowly(value: Any, *, sort_keys: bool = True) -> bytes:
    """Write the same bytes as ``encode`` with the standard library; the reference in tests. O(size)."""
    out: list[str] = []
    _write(value, out, sort_keys, "", 0)
    try:
        return "".join(out).encode()
    except UnicodeEncodeError as error:
        raise NotRecordable(
            f"text with a lone surrogate {error.object[error.start : error.end]!r}",
            cure="decode bytes with errors='replace', or pass them as bytes",
        ) from None


def _write(value: Any, out: list[str], sort_keys: bool, pointer: str, depth: int) -> None:
    kind = type(value)
    if depth > MAX_DEPTH:
        raise NotRecordable(f"nested deeper than {MAX_DEPTH} levels", where=pointer[:80], cure="flatten the value")
    if kind is str:
        out.append(json.dumps(value, ensure_ascii=False))
    elif value is None:
        out.append("null")
    elif kind is bool:
        out.append("true" if value else "false")
    elif kind is int:
        out.append(_spell_integer(value, pointer))
    elif kind is float:
        out.append(spell_float(value, pointer))
    elif kind is list or kind is tuple:
        out.append("[")
        for index, item in enumerate(value):
            if index:
                out.append(",")
            _write(item, out, sort_keys, f"{pointer}/{index}", depth + 1)
        out.append("]")
    elif kind is dict:
        _write_object(value, out, sort_keys, pointer, depth)
    else:
        raise NotRecordable(f"a {kind.__name__} is not JSON", where=pointer or "/")


def _write_object(value: dict[Any, Any], out: list[str], sort_keys: bool, pointer: str, depth: int) -> None:
    for key in value:
        if type(key) is not str:
            raise NotRecordable(f"object key {key!r} is not text", where=pointer or "/")
    out.append("{")
    for index, key in enumerate(sorted(value) if sort_keys else value):
        if index:
            out.append(",")
        out.append(json.dumps(key, ensure_ascii=False))
        out.append(":")
        _write(value[key], out, sort_keys, f"{pointer}/{escape(key)}", depth + 1)
    out.append("}")


def spell_float(value: float, pointer: str = "") -> str:
    """Write a finite float as orjson does: shortest digits, ``.0`` kept, plain decimals from 1e-5 up to 1e16."""
    if value != value or value in (float("inf"), float("-inf")):
        raise NotRecordable(f"{value} has no JSON form", where=pointer or "/", cure="send None, or text")
    text = repr(value)
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    power = int(exponent)
    if power == -5:
        sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
        return f"{sign}0.0000{digits.replace('.', '')}"
    return f"{digits}e{'+' if power > 0 else '-'}{abs(power)}"


def _spell_integer(value: int, pointer: str) -> str:
    try:
        return str(value)
    except ValueError:  # Python's own bound on digits, beyond which nobody could read them back either
        raise NotRecordable(
            f"an integer of {value.bit_length()} bits", where=pointer or "/", cure="pass its digits as text"
        ) from None


def escape(key: str) -> str:
    """Write an object key as one token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _refuse_nan(value: Any, pointer: str) -> None:
    if type(value) is float:
        spell_float(value, pointer)
    elif type(value) is dict:
        for key, item in value.items():
            if type(item) in _MAY_HOLD_NAN:
                _refuse_nan(item, f"{pointer}/{escape(key)}")
    elif type(value) in (list, tuple):
        for index, item in enumerate(value):
            if type(item) in _MAY_HOLD_NAN:
                _refuse_nan(item, f"{pointer}/{index}")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
