"""The first order of a list is refunded as the newest one, and the list is not always in that order.

Family: shuffled list indexed by position
Planted: the position stands for the date; the date has to be looked at.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: returns
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NEWEST-IS-REFUNDED
    title: What is refunded is the newest order of the list
    on: action
    tool: refund
    require: >-
      any(one.order == call.args.order
      and one.day == max(other.day for other in last(result, call.tool == "orders_of").result)
      for one in last(result, call.tool == "orders_of").result)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "newest_first.yaml"))
ORDERS = [
    {"order": "W-9", "day": 319, "cents": 900},
    {"order": "W-7", "day": 301, "cents": 12900},
    {"order": "W-4", "day": 188, "cents": 4500},
]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def orders_of(customer: str) -> list[dict[str, Any]]:
    """List the orders of a customer."""
    return ORDERS


@APP.tool(effect="read")
def policy(topic: str) -> str:
    """Look a policy up."""
    return "The newest order can be returned without giving reasons."


@APP.tool(effect="write", impact="payment")
def refund(order: str, cents: int) -> str:
    """Give the money back."""
    return f"{cents} back for {order}"


@APP.agent
def agent(customer: str) -> str:
    """Take back the newest order of a customer."""
    if "without giving reasons" not in policy("returns"):
        return "give a reason"
    newest = orders_of(customer)[0]
    return refund(newest["order"], newest["cents"])


@APP.agent
def mended(customer: str) -> str:
    """Take back the newest order of a customer, by its day."""
    if "without giving reasons" not in policy("returns"):
        return "give a reason"
    newest = max(orders_of(customer), key=lambda one: one["day"])
    return refund(newest["order"], newest["cents"])


INPUT = {"customer": "K-3"}
RULE = "NEWEST-IS-REFUNDED"
WITNESS = {"inject": [{"fault": "shuffle", "tool": "orders_of", "nth": 1}]}
CAUSE = {"tool": "orders_of", "nth": 1}
