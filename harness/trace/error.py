"""Exceptions as data and back."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from harness.determinism import canonical
from harness.errors import NotRecordable, RecordedError, UsageError
from harness.trace.value import decode_value, encode_value, holds_objects, module_of

_RECORDED: Final = "__harness_recorded__"  # what was recorded of an exception that now says something else of itself


def describe(error: BaseException) -> dict[str, Any]:
    """Write an exception as ``{"type": "module:Name", "message", "args"}``; args only where they can be written.

    One that was rebuilt is written as the one that was recorded.
    """
    recorded: dict[str, Any] | None = vars(error).get(_RECORDED)
    if recorded is not None:
        return dict(recorded)
    kind = type(error)
    described: dict[str, Any] = {"message": str(error), "type": f"{module_of(kind.__module__)}:{kind.__qualname__}"}
    return described | {"args": encode_value([*error.args])} if _comes_back([*error.args]) else described


def describe_end(error: BaseException) -> dict[str, Any]:
    """Write what a run ended with, as on every host: of a UsageError without the place in a file that it names."""
    described = describe(error)
    if not isinstance(error, UsageError) or not error.where:
        return described
    return {"message": described["message"].removeprefix(f"{error.where}: "), "type": described["type"]}


def describe_whole(error: BaseException) -> dict[str, Any]:
    """Write an exception as ``describe`` does, with what else makes it again.

    That is ``new``, what its class is called with where its ``args`` are something else (an OSError with a file), and
    ``state``, those of its attributes that can be written.
    """
    described = describe(error)
    new = _called_with(error)
    if new != [*error.args] and _comes_back(new):
        described["new"] = encode_value(new)
    state = {
        name: encode_value(value) for name, value in vars(error).items() if name != _RECORDED and _comes_back(value)
    }
    return described | {"state": state} if state else described


def rebuild(described: dict[str, Any]) -> Exception:
    """Give back an exception equal in class and message, or a RecordedError that names the class.

    Only a class of a module that is already imported is used: reading a trace never imports anything. A class whose
    constructor takes something else is made without it, as a pickle would; attributes that could not be written are
    missing then.
    """
    error = _made(described) or RecordedError(described["type"], described["message"])
    plain = {name: described[name] for name in ("message", "type", "args") if name in described}
    if describe(error) != plain:
        vars(error)[_RECORDED] = plain
    return error


def _comes_back(value: Any) -> bool:
    """Tell whether a value can be written, and read again without knowing its type."""
    try:
        data = encode_value(value)
        canonical.encode(data)
    except (NotRecordable, RecursionError):
        return False
    return not holds_objects(data)


def _called_with(error: BaseException) -> list[Any]:
    """Give what its class is to be called with to make an exception again, as it says itself; else its ``args``."""
    try:
        reduced = error.__reduce__()
    except Exception:  # noqa: BLE001 - whatever a class's own code does
        reduced = ""
    return [*reduced[1]] if isinstance(reduced, tuple) and reduced[0] is type(error) else [*error.args]


def _made(described: dict[str, Any]) -> Exception | None:
    kind = _find(described["type"])
    if kind is None or kind is RecordedError:  # the latter stands for a class that could not be found, and does again
        return None
    return _as_recorded(kind, described) or _as_recorded(partial(kind.__new__, kind), described)


def _as_recorded(make: Callable[..., Any], described: dict[str, Any]) -> Exception | None:
    """Make an exception in one way; None where nothing equal comes of it."""
    try:
        error = make(*decode_value(described.get("new", described.get("args", [described["message"]]))))
        vars(error).update(decode_value(described.get("state", {})))
        return error if isinstance(error, Exception) and str(error) == described["message"] else None
    except Exception:  # noqa: BLE001 - whatever a class's constructor does with arguments it does not like
        return None


def _find(name: str) -> Any:
    module_name, _, path = name.partition(":")
    found: Any = builtins if module_name == "builtins" else sys.modules.get(module_name)
    if found is None and module_name == module_of("__main__"):
        found = sys.modules["__main__"]
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None
