"""A customer is told that the refund is made before it is, and nobody takes that back when the refund fails.

Family: notification before commit
Planted: the mail goes out before the refund, because the answer was drafted already; it has to wait until the refund
has come back.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: support-refunds
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: TOLD-IS-DONE
    title: A refund that a customer was told of is made by the end
    on: end
    require: >-
      not happened(action, call.tool == "send_mail" and call.args.subject == "Your refund")
      or happened(result, call.tool == "refund")
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "notified_too_early.yaml"))
ORDERS = {"W-77": {"cents": 1999, "mail": "ann@example.com"}}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def find_order(order: str) -> dict[str, object]:
    """Look an order up."""
    return ORDERS[order]


@APP.tool(effect="write")
def refund(order: str, cents: int) -> str:
    """Give the money back."""
    return f"refunded {cents} for {order}"


@APP.tool(effect="write")
def send_mail(to: str, subject: str, text: str) -> str:
    """Send a mail."""
    return "queued"


def answer(order: str, cents: object) -> str:
    """Draft what a customer is told."""
    return f"We have refunded {cents} cents for your order {order}."


@APP.agent
def agent(order: str) -> str:
    """Refund an order and tell the customer."""
    found = find_order(order)
    send_mail(found["mail"], "Your refund", answer(order, found["cents"]))
    return refund(order, found["cents"])


@APP.agent
def mended(order: str) -> str:
    """Refund an order, and then tell the customer."""
    found = find_order(order)
    done = refund(order, found["cents"])
    send_mail(found["mail"], "Your refund", answer(order, found["cents"]))
    return done


INPUT = {"order": "W-77"}
RULE = "TOLD-IS-DONE"
WITNESS = {"inject": [{"fault": "error", "tool": "refund", "nth": 1}]}
CAUSE = {"tool": "refund", "nth": 1}
