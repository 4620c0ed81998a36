"""What a proxy says when there is no answer of the service to pass on, in the shape that the client's API gives errors.

Known are OpenAI's and Anthropic's; whole, or as an event in the middle of a stream.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import httpx2

from harness.determinism import canonical
from harness.errors import Refused
from harness.mediation.refusal import facts

_ANTHROPIC_TYPES: Final = {400: "invalid_request_error", 403: "permission_error", 413: "request_too_large"}


class Problem(NamedTuple):
    """Why there is no answer: an HTTP status, a sentence, and a word for programs."""

    status: int
    message: str
    code: str
    refused: Refused | None = None


def refused(reason: Refused) -> Problem:
    """Give the problem that a rule's refusal is."""
    return Problem(403, str(reason), reason.rule, reason)


def unreached(error: httpx2.HTTPError) -> Problem:
    """Give the problem that a service is which could not be reached, said nothing in time, or no HTTP."""
    name, said = type(error).__name__, str(error) or "nothing came"
    if isinstance(error, httpx2.TimeoutException):
        return Problem(504, f"the upstream gave no answer in time ({name}: {said})", "upstream_timeout")
    if isinstance(error, httpx2.ConnectError):
        return Problem(502, f"the upstream cannot be reached ({name}: {said})", "upstream_unreachable")
    return Problem(502, f"the upstream's answer broke off or is none ({name}: {said})", "upstream_broken")


def as_body(problem: Problem, *, anthropic: bool) -> bytes:
    """Spell a problem as the body of an error response."""
    return canonical.encode_as_is(_said(problem, anthropic))


def as_event(problem: Problem, *, anthropic: bool, named: bool) -> bytes:
    """Spell a problem as an event that ends a stream; ``named`` is for streams whose events have names."""
    said = _said(problem, anthropic)
    if named and not anthropic:
        said = {"type": "error", **said, "code": problem.code, "message": problem.message, "param": None}
    name = b"event: error\n" if named else b""
    return name + b"data: " + canonical.encode_as_is(said) + b"\n\n"


def _said(problem: Problem, anthropic: bool) -> dict[str, Any]:
    more = {"refused": facts(problem.refused)} if problem.refused else {}
    if anthropic:
        kind = _ANTHROPIC_TYPES.get(problem.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": problem.message, **more}}
    kind = "refused_by_rule" if problem.refused else "proxy_error" if problem.status >= 500 else "invalid_request_error"
    return {"error": {"message": problem.message, "type": kind, "code": problem.code, "param": None, **more}}
