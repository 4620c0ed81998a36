"""Redirect every source while at least one session is open in this process, and put everything back after the last.

Capture is built when the first session is entered. What it redirects is given per session by ``scope``: code that
belongs to none gets the real thing, at the price of one call more.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Token
from typing import Any, Final, TypeVar, cast

from harness.adapters.interpreter import chance, clock, environment, threads
from harness.adapters.interpreter.doors import Watch
from harness.adapters.interpreter.packages import KNOWN, Arrivals
from harness.adapters.interpreter.scope import Scope
from harness.adapters.interpreter.scope import enter as enter_scope
from harness.adapters.interpreter.scope import leave as leave_scope
from harness.adapters.interpreter.slots import FunctionSlot, Slot

F = TypeVar("F", bound=Callable[..., Any])


class _Capture:
    """All slots of this process; ``open`` counts the sessions that need them filled."""

    def __init__(self) -> None:
        self.open = 0
        self.lock = _thread.allocate_lock()
        self.doors = Watch()
        self.replacements: list[tuple[Slot, Any]] = []
        self.originals: dict[int, Any] = {}
        self.arrivals = Arrivals(self.imported)
        self._known: set[str] = set()

    def build(self) -> None:
        for name in KNOWN.keys() & sys.modules.keys():
            if not getattr(sys.modules[name].__spec__, "_initializing", False):  # another thread is at it
                self.arrived(name)
        if not self.originals:
            self.replacements += list(_replacements())  # all or none
            slots = [slot for slot, _ in self.replacements if isinstance(slot, FunctionSlot)]
            self.originals = {id(slot.function): slot.original for slot in slots}

    def fill(self) -> None:
        self.build()
        try:
            for slot, replacement in self.replacements:
                slot.fill(replacement)
            self.doors.begin()
            sys.meta_path.insert(0, self.arrivals)
        except BaseException:
            self.empty()
            raise

    def empty(self) -> None:
        self.doors.end()
        with suppress(ValueError):  # it was not reached, or somebody has made a new path
            sys.meta_path.remove(self.arrivals)
        for slot, _ in reversed(self.replacements):
            slot.empty()

    def imported(self, name: str) -> None:
        """Take up a package that came while a session is open."""
        with self.lock:
            self.arrived(name)

    def arrived(self, name: str) -> None:
        """Redirect what an imported package holds, once."""
        if name in self._known:
            return
        came = list(KNOWN[name](sys.modules[name]))
        self._known.add(name)
        self.replacements += came
        if self.open:
            for slot, replacement in came:
                slot.fill(replacement)


_capture: Final = _Capture()


def _replacements() -> Iterator[tuple[Slot, Any]]:
    yield from clock.replacements()
    yield from chance.replacements()
    yield from environment.replacements()
    yield from threads.replacements()


def enter(scope: Scope) -> Token[Scope | None]:
    """Capture what code from here on reads, for the scope of a session; UsageError where the interpreter forbids it."""
    with _capture.lock:
        if not _capture.open:
            _capture.fill()
        _capture.open += 1
    return enter_scope(scope)


def leave(token: Token[Scope | None]) -> None:
    """End what ``enter`` began; after the last session nothing is redirected.

    ValueError where the scope was entered in another context (a generator that somebody else closed): capture has
    ended all the same.
    """
    with _capture.lock:
        _capture.open -= 1
        if not _capture.open:
            _capture.empty()
    leave_scope(token)


@contextmanager
def held() -> Iterator[None]:
    """Keep everything redirected while this is open, for many sessions one after another; it belongs to none."""
    with _capture.lock:
        if not _capture.open:
            _capture.fill()
        _capture.open += 1
    try:
        yield
    finally:
        with _capture.lock:
            _capture.open -= 1
            if not _capture.open:
                _capture.empty()


def real(function: F) -> F:
    """Give what a function does where nothing is captured: for harness's own clock, which then costs no redirection."""
    with _capture.lock:
        _capture.build()
    return cast("F", _capture.originals.get(id(function), function))
