"""A transfer in doubt is looked up before it is sent again, and a look-up that fails is taken for "not found".

Family: retry of a non-idempotent write after an unknown outcome
Planted: the failure of the look-up is caught with an empty answer; without an answer nothing may be sent again.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: bank-transfers
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: SENT-AGAIN-IF-NOT-FOUND
    title: A transfer in doubt is sent again only after a look has not found it
    on: action
    tool: send
    require: >-
      not happened(action, call.tool == "send" and call.args.reference == now.call.args.reference
      and not default(failed, False))
      or happened(result, call.tool == "find_transfers" and now.call.args.reference not in result,
      since=last(action, call.tool == "send" and call.args.reference == now.call.args.reference))
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "probe_fails.yaml"))
SENT: list[str] = []


def fresh() -> None:
    """Empty the books."""
    SENT.clear()


@APP.tool(effect="read")
def find_transfers(day: str) -> list[str]:
    """List the references of a day's transfers."""
    return list(SENT)


@APP.tool(effect="write", impact="payment", probe="find_transfers")
def send(reference: str, cents: int) -> str:
    """Send money."""
    SENT.append(reference)
    return f"{reference}: {cents}"


def sent_today(day: str) -> list[str]:
    """List what was sent, as far as anybody knows."""
    try:
        return find_transfers(day)
    except Exception:
        return []


@APP.agent
def agent(day: str, reference: str, cents: int) -> str:
    """Send money, and send it again if it has not come through."""
    for _ in range(3):
        try:
            return send(reference, cents)
        except InDoubt:
            if reference in sent_today(day):
                return f"{reference} came through"
    return "given up"


@APP.agent
def mended(day: str, reference: str, cents: int) -> str:
    """Send money, and send it again if it is known not to have come through."""
    for _ in range(3):
        try:
            return send(reference, cents)
        except InDoubt:
            if reference in find_transfers(day):
                return f"{reference} came through"
    return "given up"


INPUT = {"day": "2026-11-22", "reference": "RE-771", "cents": 125000}
RULE = "SENT-AGAIN-IF-NOT-FOUND"
WITNESS = {
    "inject": [
        {"fault": "commit_then_timeout", "tool": "send", "nth": 1},
        {"fault": "error", "tool": "find_transfers", "nth": 1, "strength": {"status": 503}},
    ]
}
CAUSE = {"tool": "send", "nth": 1}
