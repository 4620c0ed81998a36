"""The environment: variables by name, and what a process is told about itself and its machine.

A value whose variable is named like a secret is kept out of the trace: a recording writes a placeholder and teaches
the redactor the value, a replay gives the agent a stand-in of plain letters that is redacted alike.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

from harness.adapters.interpreter.scope import Scope, asker, module_of, plain, reading, taken
from harness.adapters.interpreter.slots import AttributeSlot, FunctionSlot, Slot
from harness.run.site import is_installed

_SECRET: Final = re.compile("KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SHORTEST: Final = 8  # characters; fewer are not redacted anywhere, so MAX_TOKENS=100 stays what it says
_SPEAKERS: Final = frozenset({"decouple", "dotenv", "dynaconf", "environ", "environs", "pydantic_settings"})
"""Packages that read variables for whoever calls them; others configure themselves, once per process."""


def replacements() -> Iterator[tuple[Slot, Any]]:
    """Yield each slot with what is to stand in it."""
    for owner, name in ((os, "getpid"), (os, "getppid"), (os, "cpu_count"), (socket, "gethostname")):
        slot = FunctionSlot(getattr(owner, name), f"{owner.__name__}.{name}")
        yield slot, plain(f"{owner.__name__}.{name}", slot.original)
    yield from _variables()


def _variables() -> Iterator[tuple[Slot, Any]]:
    kind: Any = type(os.environ)
    get, drop, names, count = (
        AttributeSlot(kind, name) for name in ("__getitem__", "__delitem__", "__iter__", "__len__")
    )

    def captured_get(self: Any, key: Any) -> Any:
        scope = _reader()
        if scope is None:
            return get.original(self, key)
        value = _variable(scope, os.fsdecode(key), lambda: _text(get.original, self, key))
        if value is None:
            raise KeyError(key)
        return os.fsencode(value) if isinstance(key, bytes) else value

    def captured_drop(self: Any, key: Any) -> None:
        scope = _reader()
        if scope is None:
            drop.original(self, key)
            return
        there = taken(scope, f"env:{os.fsdecode(key)}?", lambda: _text(get.original, self, key) is not None)
        if _text(get.original, self, key) is not None:
            drop.original(self, key)
        if not there:
            raise KeyError(key)

    def captured_names(self: Any) -> Iterator[Any]:
        scope = _reader()
        if scope is None:
            return names.original(self)  # type: ignore[no-any-return]
        said = taken(scope, "env", lambda: [_written(os.fsdecode(name)) for name in names.original(self)])
        return iter([_read(name) if self is os.environ else os.fsencode(_read(name)) for name in said])

    def captured_count(self: Any) -> int:
        scope = _reader()
        if scope is None:
            return count.original(self)  # type: ignore[no-any-return]
        size: int = taken(scope, "env#", lambda: count.original(self))
        return size

    yield get, captured_get
    yield drop, captured_drop
    yield names, captured_names
    yield count, captured_count


def _variable(scope: Scope, name: str, real: Callable[[], str | None]) -> str | None:
    """Read a variable by name; None where it is not set."""
    found: list[str] = []

    def written() -> Any:
        value = real()
        if value is None:
            return None
        found.append(value)
        return _placeholder(name) if _is_secret(name, value) else _written(value)

    said = taken(scope, f"env:{name}", written)
    if said is None:
        return None
    if said != _placeholder(name):
        return _read(said)
    value = found[0] if found else f"stand-in-for-{name}"
    assert scope.run is not None
    scope.run.machine.learn_secret(value, f"env.{name}")
    return value


def _is_secret(name: str, value: str) -> bool:
    return len(value) >= _SHORTEST and _SECRET.search(name) is not None


def _placeholder(name: str) -> str:
    return f"⟦secret:env.{name}⟧"


def _text(get: Callable[[Any, Any], Any], environment: Any, key: Any) -> str | None:
    try:
        return os.fsdecode(get(environment, key))
    except KeyError:
        return None


def _reader() -> Scope | None:
    """Give the scope in which the agent's own code asks the environment something, now."""
    scope = reading(3)
    if scope is None:
        return None
    frame = asker(3)
    speaks = not is_installed(frame.f_code.co_filename) or module_of(frame).partition(".")[0] in _SPEAKERS
    return scope if speaks else None


def _written(text: str) -> Any:
    """Write a text as JSON data; one that is not UTF-8 as a list with its bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return [os.fsencode(text).hex()]
    return text


def _read(said: Any) -> str:
    return os.fsdecode(bytes.fromhex(said[0])) if isinstance(said, list) else str(said)
