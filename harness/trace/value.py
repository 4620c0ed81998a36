"""Python values as JSON and back.

JSON data stays itself. A closed list of other types is written as ``{"$type": NAME, "value": …}``, and so is an object
that has such a key of its own. Anything else is refused where it happens, because a trace that cannot give a value back
would replay something else. Dataclass instances and pydantic models are written as objects and rebuilt from the
annotation of whoever receives them.
"""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from harness.determinism import canonical
from harness.errors import NotRecordable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_TEXT: Final = frozenset({str})
ATOMS: Final = frozenset({str, int, float, bool, NoneType})


def encode_value(value: Any, pointer: str = "") -> Any:
    """Write a Python value as JSON data; NotRecordable names the type and the place of what it cannot hold. O(size)."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is dict:
        if _TEXT.issuperset(map(type, value)) and "$type" not in value:
            return {
                key: item if type(item) in ATOMS else encode_value(item, f"{pointer}/{canonical.escape(key)}")
                for key, item in value.items()
            }
        return _typed(
            "dict", [[encode_value(key, pointer), encode_value(item, pointer)] for key, item in value.items()]
        )
    if kind is list:
        return [
            item if type(item) in ATOMS else encode_value(item, f"{pointer}/{index}")
            for index, item in enumerate(value)
        ]
    if kind in _WRITERS:
        written = _typed(_WRITERS[kind][0], _WRITERS[kind][1](value))
        return written | _place_in_year(value) if kind in _CLOCKS else written
    return _encode_object(value, kind, pointer)


def module_of(name: str) -> str:
    """Name a module as whoever imports it does; a script, which is ``__main__`` to itself, goes by its file's name."""
    if name != "__main__":
        return name
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return spec.name if spec is not None else Path(file).stem if file else name


def with_fields(value: Any) -> Any:
    """Give a value in which dataclasses and pydantic models are plain objects of their fields; any other as it is.

    For data that comes from code and has to be JSON: what is not is for whoever asked for it to refuse. O(size).
    """
    try:
        data = encode_value(value)
    except NotRecordable:
        return value
    return encode_value(decode_value(data)) if holds_objects(data) else value


def decode_value(data: Any, annotation: Any = None) -> Any:
    """Read JSON data written by ``encode_value``.

    Objects are rebuilt as ``annotation`` says (a type, or a generic such as ``list[Booking]``); without one they are
    dicts of their fields. ValueError where a ``$type`` is not in the list. O(size).
    """
    found: list[str] = []
    value = _decode(data, found)
    if not found or annotation is None:
        return value
    try:
        adapter = _adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed
        adapter = _adapter.__wrapped__(annotation)
    return adapter.validate_python(value, by_alias=False, by_name=True)


@lru_cache(maxsize=256)
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # imported here: 60 ms that only such values need

    return TypeAdapter(annotation)


def holds_objects(data: Any) -> bool:
    """Tell whether encoded data needs an annotation to come back as it was."""
    return holds_types(data, "object")


def holds_types(data: Any, only: str = "") -> bool:
    """Tell whether encoded data, or only what is of one type, comes back as something that is no JSON. O(size)."""
    if type(data) is dict:
        if "$type" in data and only in ("", data["$type"]):
            return True
        items: Iterable[Any] = data.values()
    elif type(data) is list:
        items = data
    else:
        return False
    for item in items:  # a loop, not any(): this is asked of every call and result
        if type(item) in ATOMS:
            continue
        if holds_types(item, only):
            return True
    return False


def _typed(name: str, value: Any) -> dict[str, Any]:
    return {"$type": name, "value": value}


def _place_in_year(value: datetime | time) -> dict[str, Any]:
    """Give what an offset does not say: the zone, whose offset changes with the seasons, and which of two hours."""
    from zoneinfo import ZoneInfo  # here, because few values have one

    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return ({"fold": 1} if value.fold else {}) | ({"zone": zone} if zone else {})


def _placed(value: Any, data: dict[str, Any]) -> Any:
    if "zone" in data:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            value = value.replace(tzinfo=ZoneInfo(data["zone"]))
        except ZoneInfoNotFoundError:
            raise ValueError(f"this host knows no time zone {data['zone']!r}; pip install tzdata") from None
    return value.replace(fold=data.get("fold", 0))


def _encode_object(value: Any, kind: type, pointer: str) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):
        fields = {name: getattr(value, name) for name in kind.model_fields}
    else:
        raise NotRecordable(
            f"a {module_of(kind.__module__)}.{kind.__qualname__} cannot be written to a trace",
            where=pointer or "/",
            cure="pass JSON data, bytes, Decimal, datetime, UUID, a tuple or set, a dataclass or a pydantic model",
        )
    encoded = {name: encode_value(item, f"{pointer}/{name}") for name, item in fields.items()}
    return {"$type": "object", "name": kind.__qualname__, "value": encoded}


def _decode(data: Any, found: list[str]) -> Any:
    if type(data) is list:
        return [item if type(item) in ATOMS else _decode(item, found) for item in data]
    if type(data) is not dict:
        return data
    name = data.get("$type")
    if name is None:
        return {key: item if type(item) in ATOMS else _decode(item, found) for key, item in data.items()}
    if name == "object":
        found.append(data["name"])
        return {key: _decode(item, found) for key, item in data["value"].items()}
    if name == "dict":
        return {_hashable(_decode(key, found)): _decode(item, found) for key, item in data["value"]}
    if name in _CONTAINERS:
        return _contained(name, [_decode(item, found) for item in data["value"]])
    if name in _READERS:
        value = _READERS[name](data["value"])
        return _placed(value, data) if type(value) in _CLOCKS else value
    raise ValueError(f"unknown $type {name!r}; a newer version of harness may know it")


def _contained(name: str, items: list[Any]) -> Any:
    """Give a tuple or a set; a list where objects in a set are still dicts, which an annotation makes a set again."""
    try:
        return _CONTAINERS[name](items)
    except TypeError:
        return items


def _hashable(key: Any) -> Any:
    return tuple(key) if type(key) is list else key


def _in_order(items: Any) -> list[Any]:
    return sorted(map(encode_value, items), key=canonical.encode)  # a set's own order hangs on the hash seed


_WRITERS: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    Decimal: ("decimal", str),
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    UUID: ("uuid", str),
    tuple: ("tuple", lambda value: [encode_value(item) for item in value]),
    set: ("set", _in_order),
    frozenset: ("frozenset", _in_order),
}
_CLOCKS: Final = frozenset({datetime, time})
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "bytes": base64.b64decode,
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda value: timedelta(*value),
    "uuid": UUID,
}
_CONTAINERS: Final[dict[str, Callable[[Any], Any]]] = {"tuple": tuple, "set": set, "frozenset": frozenset}
