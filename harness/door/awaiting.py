"""What is awaited where nobody can await it."""

from __future__ import annotations

import inspect
from typing import Any

from harness.errors import UsageError


def refuse_awaitable(value: Any, what: str, verb: str) -> None:
    """Raise UsageError for an answer that would have to be awaited; ``verb`` of the session is the one that does."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise asynchronous(what, verb)


def asynchronous(what: str, verb: str) -> UsageError:
    """Give the error for something asynchronous that a synchronous verb was handed."""
    return UsageError(f"{what} is asynchronous", cure=f"await session.{verb}(…)")
