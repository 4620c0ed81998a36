"""Leave a session for a moment, for whoever looks on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.determinism.address import inside
from harness.door.app import Harness
from harness.door.current import session_var
from harness.door.session import Session
from harness.errors import UsageError


@contextmanager
def aside() -> Iterator[None]:
    """Step out of a replay: clocks are real, nothing is compared, and tools are refused."""

    def shut(*_: Any) -> Any:
        raise UsageError("a call from outside the replayed agent", cure="a replay performs nothing; see trace[seq]")

    token = session_var.set(Session(Harness(), shut, shut, shut))
    try:
        with inside(0):
            yield
    finally:
        session_var.reset(token)


def from_aside(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that steps out of the replay before it does anything."""

    def apart(*args: Any) -> Any:
        with aside():
            return function(*args)

    return apart
