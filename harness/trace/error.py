"""Exceptions as data and back."""

from __future__ import annotations

import builtins
import sys
from typing import Any

from harness.errors import NotRecordable, RecordedError
from harness.trace.value import decode_value, encode_value


def describe(error: BaseException) -> dict[str, Any]:
    """Write an exception as ``{"type": "module:Name", "message", "args"}``; args only where they can be written."""
    kind = type(error)
    described: dict[str, Any] = {"message": str(error), "type": f"{kind.__module__}:{kind.__qualname__}"}
    try:
        described["args"] = encode_value(list(error.args))
    except NotRecordable:
        pass  # the message says what can be said; on replay such an error is a RecordedError
    return described


def rebuild(described: dict[str, Any]) -> Exception:
    """Give back an exception equal in class and message, or a RecordedError that names the class.

    Only a class of a module that is already imported is used: reading a trace never imports anything.
    """
    name, message = described["type"], described["message"]
    kind = _find(name)
    if kind is not None and "args" in described:
        try:
            error = kind(*decode_value(described["args"]))
        except Exception:  # noqa: BLE001 - whatever a class's constructor does with arguments it does not like
            return RecordedError(name, message)
        if isinstance(error, Exception) and str(error) == message:
            return error
    return RecordedError(name, message)


def _find(name: str) -> Any:
    module_name, _, path = name.partition(":")
    found: Any = builtins if module_name == "builtins" else sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None
