"""Questions and answers as JSON, and the signatures that tell a forged one.

An answer is an object with ``allowed``, ``by`` and ``digest``, and perhaps ``reason`` and ``expires`` (ISO 8601 with a
time zone). Its ``signature`` is the HMAC-SHA256, in hexadecimal digits, of the canonical JSON of all the rest.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

from harness.determinism import canonical
from harness.ports import Approval, Pending, Question

_REQUIRED: Final = {"allowed": bool, "by": str, "digest": str}
_OPTIONAL: Final = {"reason": str, "expires": str, "signature": str}


def question_bytes(question: Question) -> bytes:
    """Write a question as canonical JSON."""
    return canonical.encode(question._asdict())


def answer_to(
    digest: str, *, allowed: bool, by: str, reason: str = "", expires: datetime | None = None
) -> dict[str, Any]:
    """Give an answer as JSON data, not signed yet."""
    until = {} if expires is None else {"expires": expires.isoformat()}
    return {"allowed": allowed, "by": by, "digest": digest, **({"reason": reason} if reason else {}), **until}


def signed(answer: dict[str, Any], key: bytes) -> dict[str, Any]:
    """Give an answer with its signature; without a key as it is."""
    return {**answer, "signature": signature(canonical.encode(answer), key)} if key else answer


def signature(content: bytes, key: bytes) -> str:
    """Give the HMAC-SHA256 of some bytes, in hexadecimal digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def read_answer(content: bytes, where: str, key: bytes) -> Approval | Pending:
    """Read an answer.

    What cannot be read is no answer yet, because it may still be being written, and Pending says why. One that is not
    signed with the key is a no that says so. Whether it is to the right question is for the session to verify.
    """
    try:
        said = canonical.decode(content)
    except ValueError as error:
        return Pending(where, f"it is not JSON: {error}")
    mistake = _mistake(said)
    if mistake:
        return Pending(where, mistake)
    given = said.pop("signature", "")
    if given and not key:
        return Pending(where, "it is signed, and no key is set to check that by")
    if key and not hmac.compare_digest(given.encode(), signature(canonical.encode(said), key).encode()):
        forged = f"the answer in the name of {said['by']} is {'signed with another key' if given else 'not signed'}"
        return Approval(False, where, forged, said["digest"])
    expires = datetime.fromisoformat(said["expires"]) if "expires" in said else None
    return Approval(said["allowed"], said["by"], said.get("reason", ""), said["digest"], expires)


def _mistake(said: Any) -> str:
    """Say what keeps decoded JSON from being an answer; empty where nothing does."""
    if not isinstance(said, dict):
        return "it is not a JSON object"
    for name in said:
        if name not in _REQUIRED and name not in _OPTIONAL:
            return f"it has a field {name!r}, which no answer has"
    for name, kind in (_REQUIRED | _OPTIONAL).items():
        if name not in said and name in _REQUIRED:
            return f"it has no field {name!r}"
        if name in said and type(said[name]) is not kind:
            return f"{name!r} is {said[name]!r}, and has to be {'true or false' if kind is bool else 'a text'}"
    if not said["digest"]:  # it would be an answer to every question
        return "'digest' is empty, and has to be that of the question"
    if "expires" not in said:
        return ""
    try:
        zoned = datetime.fromisoformat(said["expires"]).tzinfo is not None
    except ValueError:
        zoned = False
    return "" if zoned else f"'expires' is {said['expires']!r}, and has to be a time such as 2026-11-21T18:00:00+00:00"
