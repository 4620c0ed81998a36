"""A queue delivers a message again, and what it asks for is done again.

Family: duplicate message handled twice
Planted: whatever the queue gives counts as new; the number of a message that was handled has to be remembered.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: voucher-queue
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: MESSAGE-HANDLED-ONCE
    title: A message is answered by one voucher at most
    on: action
    tool: issue_voucher
    require: not happened(action, call.tool == "issue_voucher" and call.args.message == now.call.args.message)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "message_twice.yaml"))
QUEUE: list[dict[str, Any]] = []


def fresh() -> None:
    """Fill the queue."""
    QUEUE[:] = [
        {"message": "M-1", "customer": "ann", "cents": 1000},
        {"message": "M-2", "customer": "bob", "cents": 500},
        {"message": "M-3", "customer": "cyd", "cents": 2500},
    ]


@APP.tool(effect="read")
def receive(queue: str) -> dict[str, Any] | None:
    """Take the next message, None where there is none."""
    return QUEUE.pop(0) if QUEUE else None


@APP.tool(effect="write")
def issue_voucher(message: str, customer: str, cents: int) -> str:
    """Send a voucher to a customer."""
    return f"{customer}: {cents}"


@APP.agent
def agent(queue: str, most: int) -> list[str]:
    """Answer the messages of a queue."""
    said = []
    for _ in range(most):
        message = receive(queue)
        if message is None:
            break
        said.append(issue_voucher(**message))
    return said


@APP.agent
def mended(queue: str, most: int) -> list[str]:
    """Answer the messages of a queue, each once."""
    said, handled = [], set()
    for _ in range(most):
        message = receive(queue)
        if message is None:
            break
        if message["message"] not in handled:
            handled.add(message["message"])
            said.append(issue_voucher(**message))
    return said


INPUT = {"queue": "complaints", "most": 5}
VARY = {"/most": [1, 2]}
RULE = "MESSAGE-HANDLED-ONCE"
WITNESS = {"inject": [{"fault": "stale", "tool": "receive", "nth": 2}]}
CAUSE = {"tool": "receive", "nth": 2}
