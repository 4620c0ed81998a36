"""What makes an answer count: it is to this very question, and it has not expired."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.determinism import canonical
from harness.ports import Approval, Pending, Question
from harness.trace.event import Event


def taken(said: Any) -> Approval | Pending:
    """Take what an approver gave; what is neither yes nor no, such as the text "no", is no answer, and says so."""
    if isinstance(said, Pending) or (isinstance(said, Approval) and type(said.allowed) is bool):
        return said
    return Pending(why=f"the approver gave {said!r:.100}, which is neither yes nor no")


def missing(error: Exception) -> Pending:
    """Say that there is no answer because the approver failed."""
    return Pending(why=f"the approver failed: {type(error).__name__}: {error}")


def objection(approval: Approval, question: Question) -> str:
    """Say why a yes does not count; empty where it does, and for a no.

    Verified are the digest, where the answer names one, and the time it came. Not verified: who gave it; a signature is
    checked by whoever brought the answer.
    """
    if not approval.allowed:
        return ""
    if approval.digest and approval.digest != question.digest:
        return f"the answer of {approval.by} is to another question, {approval.digest}"
    return expiry(approval)


def expiry(approval: Approval) -> str:
    """Say that an answer had expired when it came; empty where it had not, or never does."""
    if approval.expires is None:
        return ""
    if approval.expires.tzinfo is None:
        return f"the answer of {approval.by} expires at {approval.expires.isoformat()}, which names no time zone"
    if approval.answered is None or approval.answered > approval.expires:
        return f"the answer of {approval.by} expired at {approval.expires.isoformat()}"
    return ""


def digest_of_question(announced: str, registry: str) -> str:
    """Give the digest of a question, from that of the line that announces the call and that of the registry."""
    return canonical.digest_of({"call": announced, "registry": registry})


def written(approval: Approval) -> dict[str, Any]:
    """Give what a decision in the trace keeps of an answer."""
    said: dict[str, Any] = {"allowed": approval.allowed, "by": approval.by}
    if approval.digest:
        said["digest"] = approval.digest
    if approval.expires is not None:
        said["expires"] = approval.expires.isoformat()
        said["answered"] = approval.answered.isoformat() if approval.answered is not None else None
    if approval.later:
        said["later"] = True
    return said


def read_back(decision: Event) -> Approval:
    """Give the answer that a decision in the trace was made from."""
    said = decision.body["answer"]
    return Approval(
        said["allowed"],
        said["by"],
        decision.body["reason"],
        said.get("digest", ""),
        _time(said.get("expires")),
        _time(said.get("answered")),
        said.get("later", False),
    )


def _time(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
