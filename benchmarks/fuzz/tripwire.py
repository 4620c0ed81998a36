"""Notice whatever reaches out of the expression language, and whatever takes too long.

Python's audit events tell of every file opened, module imported, code executed, process started or socket made. While
a case is tried none may come but those of our own parser and compiler. ``Trap`` and ``TrapText`` are data that tell of
every attribute that is looked up on them.
"""

from __future__ import annotations

import ast
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

LIMIT_MS: Final = 100.0
STUCK_S: Final = 10  # after so long a case is broken off

# what parsing and compiling a rule is made of: ast.parse, and the code made from a checked tree
_OWN_FILES: Final = ("<unknown>", "<rules>")


class Escape(BaseException):
    """Tell that a case has reached something it must not; no ``except Exception`` may hide it."""


class Stuck(BaseException):
    """Tell that a case did not come to an end."""


class Laps:
    """Measure the CPU time of a case: of what is done once, and the longest of what is done for each step."""

    def __init__(self) -> None:
        self._start = time.thread_time_ns()
        self._once_ns = self._longest_ns = 0

    def once(self) -> None:
        """End a part that is done once, such as loading a rule."""
        self._once_ns += self._lap()

    def again(self) -> None:
        """End a part that is done for each step."""
        self._longest_ns = max(self._longest_ns, self._lap())

    def apart(self) -> None:
        """End a part that is not measured."""
        self._lap()

    @property
    def cpu_ms(self) -> float:
        """Loading and the longest step."""
        return (self._once_ns + self._longest_ns) / 1e6

    def _lap(self) -> int:
        begin, self._start = self._start, time.thread_time_ns()
        return self._start - begin


class Attempt(NamedTuple):
    """What came of a case: ``outcome`` in one word, or what went wrong in ``fault``; its CPU time."""

    outcome: str
    fault: str
    cpu_ms: float


class Trap(dict[str, Any]):
    """An object of JSON data, but for its type: looking up any attribute of it is an escape."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        return _looked_up(self, name)


class TrapText(str):
    """A text, but for its type, that tells of every attribute that is looked up."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        return _looked_up(self, name)


def _looked_up(value: Any, name: str) -> Any:
    if (
        name == "__class__"
    ):  # compiled rules and isinstance tell types apart by it; the parser lets no such name through
        return type(value)
    raise Escape(f"the attribute {name!r} of a value was looked up")


class Wire:
    """The audit hook of this process; hooks cannot be taken off, so there is one, armed while a case is tried."""

    def __init__(self, *, deaf: bool = False) -> None:
        self._armed = False
        self.seen: list[str] = []
        if not deaf:
            sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._armed and not _is_own(event, arguments):
            self.seen.append(f"{event} {str(arguments)[:200]}")
            raise Escape(f"audit event {event} {str(arguments)[:200]}")

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Listen."""
        self.seen.clear()
        self._armed = True
        try:
            yield
        finally:
            self._armed = False


def _is_own(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "compile":
        return isinstance(arguments[0], ast.AST) or arguments[1] in _OWN_FILES
    if event == "exec":
        return getattr(arguments[0], "co_filename", "") in _OWN_FILES
    return event in ("builtins.id", "array.__new__")


def attempt(wire: Wire, case: Callable[[Laps], str]) -> Attempt:
    """Try a case: it gives its outcome in one word; whatever it raises is a fault."""
    signal.signal(signal.SIGALRM, _stuck)
    signal.setitimer(signal.ITIMER_REAL, STUCK_S)
    laps = Laps()
    outcome = fault = ""
    try:
        with wire.armed():
            outcome = case(laps)
    except Stuck:
        fault = f"no end after {STUCK_S} s"
    except Escape as error:
        fault = f"escape: {error}"
    except BaseException as error:  # noqa: BLE001 - whatever else comes out is what is looked for
        fault = f"{type(error).__name__}: {str(error)[:200]} {_place(error)}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    laps.again()
    if wire.seen and not fault:  # somebody has caught even that
        fault = f"escape: {wire.seen[0]}"
    if not fault and laps.cpu_ms > LIMIT_MS:
        fault = f"slow: {laps.cpu_ms:.0f} ms"
    return Attempt(outcome, fault, laps.cpu_ms)


def _stuck(*_: Any) -> None:
    raise Stuck


def _place(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"({at.tb_frame.f_code.co_filename}:{at.tb_lineno})" if at else ""
