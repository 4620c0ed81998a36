"""What an outcome means for a route: served, worth another try, out of the question, or in doubt.

Judged from what a trace keeps of an outcome and from what the tool declares, so that a replay judges alike.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple

from harness.tool import ToolSpec
from harness.trace.outcome import Failed, Ok, Outcome, Unknown

How = Literal["ok", "transient", "permanent", "doubt", "wrong"]

_NOT_SENT_TEXT: Final = """
ConnectionRefusedError ConnectError ConnectTimeout ConnectTimeoutError ConnectionTimeoutError NewConnectionError
NameResolutionError PoolTimeout ClientConnectorError gaierror
"""
NOT_SENT: Final = frozenset(_NOT_SENT_TEXT.split())
"""Errors of well-known clients which say that a request never left: nothing has happened."""

_PASSING_TEXT: Final = """
BrokenPipeError RemoteProtocolError ReadError WriteError CloseError NetworkError RateLimitError InternalServerError
APIConnectionError ServiceUnavailable ServiceUnavailableError TooManyRequests ServerDisconnectedError
ClientConnectionError IncompleteRead
"""
_PASSING: Final = frozenset(_PASSING_TEXT.split()) | NOT_SENT


class Judged(NamedTuple):
    """How a call went and why, in words for a reader; ``how`` is ``ok`` where it served."""

    how: How
    why: str = ""


def judge(outcome: Outcome, spec: ToolSpec, clean: Collection[str] = ()) -> Judged:
    """Say what an outcome means for a tool of this declaration; whether a value is the right one is not asked here.

    ``clean`` names errors of the tool which say that nothing has happened. A write is in doubt unless the error says
    that nothing has happened: it is in ``clean``, it never left (``NOT_SENT``), or carries ``happened`` = False.
    """
    if isinstance(outcome, Ok):
        return Judged("ok")
    if isinstance(outcome, Unknown):
        why = f"no answer: {outcome.reason}"
        return Judged("transient" if spec.effect == "read" else "doubt", why)
    name, why = _name(outcome.error), _told(outcome.error)
    harmless = spec.effect == "read" or name in clean or name in NOT_SENT or outcome.error.get("happened") is False
    if not harmless:
        return Judged("doubt", why)
    return Judged("transient" if _passes(outcome, name) else "permanent", why)


def _passes(outcome: Failed, name: str) -> bool:
    return outcome.retryable or name in _PASSING or "Timeout" in name or name.startswith("Connection")


def _name(error: dict[str, Any]) -> str:
    return str(error.get("type", "")).rpartition(":")[2].rpartition(".")[2]


def _told(error: dict[str, Any]) -> str:
    message = str(error.get("message", ""))
    return f"{_name(error)}: {message}" if message else _name(error)
