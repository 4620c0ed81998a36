"""An order that cannot be shipped is closed as refunded although the refund has failed, too.

Family: compensation skipped on the second failure
Planted: the way back swallows its own failure so as not to hide the first one; what was not given back may not be
closed as such.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: order-desk
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CLOSED-AS-IT-IS
    title: An order is closed as refunded only if the money went back
    on: action
    tool: close_order
    when: call.args.how == "refunded"
    require: happened(result, call.tool == "refund" and call.args.order == now.call.args.order)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "refund_given_up.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", impact="payment", undo="refund")
def charge(order: str, cents: int) -> str:
    """Take the money for an order."""
    return f"charged {cents}"


@APP.tool(effect="write")
def ship(order: str) -> str:
    """Give an order to the carrier."""
    return f"{order} is on its way"


@APP.tool(effect="write", impact="payment")
def refund(order: str, cents: int) -> str:
    """Give the money back."""
    return f"refunded {cents}"


@APP.tool(effect="write")
def close_order(order: str, how: str) -> str:
    """Close an order."""
    return f"{order}: {how}"


@APP.agent
def agent(order: str, cents: int) -> str:
    """Charge and ship an order, or give the money back."""
    charge(order, cents)
    try:
        ship(order)
    except Exception:
        try:
            refund(order, cents)
        except Exception:
            pass  # the carrier's failure is the one to tell of
        return close_order(order, "refunded")
    return close_order(order, "shipped")


@APP.agent
def mended(order: str, cents: int) -> str:
    """Charge and ship an order, or give the money back; where that fails leave the order open."""
    charge(order, cents)
    try:
        ship(order)
    except Exception:
        try:
            refund(order, cents)
        except Exception as error:
            return f"{order} stays open: {error}"
        return close_order(order, "refunded")
    return close_order(order, "shipped")


INPUT = {"order": "W-31", "cents": 5990}
RULE = "CLOSED-AS-IT-IS"
WITNESS = {
    "inject": [
        {"fault": "error", "tool": "ship", "nth": 1},
        {"fault": "timeout", "tool": "refund", "nth": 1},
    ]
}
CAUSE = {"tool": "ship", "nth": 1}
