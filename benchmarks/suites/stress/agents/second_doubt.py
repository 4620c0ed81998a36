"""The first transfer in doubt is looked up, the second one is not.

Family: retry of a non-idempotent write after an unknown outcome
Planted: the look-up stands around the first attempt only, and what comes after it retries like any client; every
attempt may be in doubt.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: scholarships
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LOOKED-UP-SINCE
    title: After a transfer in doubt nothing is sent until a look has not found it
    on: action
    tool: send
    require: >-
      not happened(action, call.tool == "send" and call.args.student == now.call.args.student
      and not default(failed, False))
      or happened(result, call.tool == "statement" and now.call.args.student not in result,
      since=last(action, call.tool == "send" and call.args.student == now.call.args.student))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "second_doubt.yaml"))
BOOKED: list[str] = []


def fresh() -> None:
    """Empty the statement."""
    BOOKED.clear()


@APP.tool(effect="read")
def grant_of(student: str) -> int:
    """Tell what a student gets in a month, in cents."""
    return 45000


@APP.tool(effect="read")
def statement() -> list[str]:
    """List who got something this month."""
    return list(BOOKED)


@APP.tool(effect="write", impact="payment", probe="statement")
def send(student: str, cents: int) -> str:
    """Send a month's grant."""
    BOOKED.append(student)
    return f"{student}: {cents}"


@APP.agent
def agent(student: str) -> str:
    """Send a grant, once."""
    cents = grant_of(student)
    try:
        return send(student, cents)
    except InDoubt:
        if student in statement():
            return "it was sent"
    for _ in range(2):
        try:
            return send(student, cents)
        except Exception:
            continue
    return "not sent"


@APP.agent
def mended(student: str) -> str:
    """Send a grant, once; look after every attempt in doubt."""
    cents = grant_of(student)
    for _ in range(3):
        try:
            return send(student, cents)
        except InDoubt:
            if student in statement():
                return "it was sent"
    return "not sent"


INPUT = {"student": "noor"}
RULE = "LOOKED-UP-SINCE"
WITNESS = {
    "inject": [
        {"name": "lost", "fault": "drop", "tool": "send", "nth": 1},
        {"name": "late", "fault": "commit_then_timeout", "tool": "send", "nth": 2},
    ]
}
CAUSE = {"tool": "send", "nth": 1}
