"""The result of an action, as one value that can be stored and delivered later."""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Ok(NamedTuple):
    """The call came back with a value (encoded as JSON, see ``trace.value``)."""

    value: Any


class Failed(NamedTuple):
    """The call came back with an error; ``error`` is ``{"type", "message", …}``."""

    error: dict[str, Any]
    retryable: bool = False


class Unknown(NamedTuple):
    """The call was sent and no answer came: its effect may have happened. Never retried silently."""

    reason: str


Outcome = Ok | Failed | Unknown

CANCELLED: Final = Unknown("cancelled")
"""What came of a call whose agent has gone."""


def is_cancelled(outcome: Outcome | None) -> bool:
    """Tell whether nobody waited for an outcome any more; a tool that gives the word is another thing."""
    return isinstance(outcome, Unknown) and outcome == CANCELLED


def to_body(outcome: Outcome) -> dict[str, Any]:
    """Spell an outcome as the keys it adds to an observation's body."""
    if isinstance(outcome, Ok):
        return {"ok": outcome.value}
    if isinstance(outcome, Failed):
        return {"failed": {"error": outcome.error, "retryable": outcome.retryable}}
    return {"unknown": {"reason": outcome.reason}}


def from_body(body: dict[str, Any]) -> Outcome:
    """Read the outcome out of an observation's body; ValueError unless exactly one is there."""
    if "ok" in body and "failed" not in body and "unknown" not in body:
        return Ok(body["ok"])
    said = [key for key in ("ok", "failed", "unknown") if key in body]
    if len(said) != 1:
        raise ValueError(f"an observation needs exactly one of ok, failed, unknown; this one has {said or 'none'}")
    try:
        if said[0] == "failed":
            return Failed(body["failed"]["error"], body["failed"]["retryable"])
        return Unknown(body["unknown"]["reason"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"a malformed {said[0]} outcome: {error}") from None
