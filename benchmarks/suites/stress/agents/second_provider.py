"""A charge that got no answer is made again with another provider, and the customer pays twice.

Family: timeout treated as failure
Planted: no answer counts as a no; what may have been charged must not be charged elsewhere before that is known.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: checkout-payments
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONE-CHARGE
    title: The second provider is asked only if the first is known to have failed
    on: action
    tool: charge_wallet
    require: not happened(action, call.tool == "charge_card" and not default(failed, False))
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "second_provider.yaml"))
CART = {"mug": 1250, "lamp": 4900}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def cart(customer: str) -> dict[str, int]:
    """Tell what somebody wants to buy, with prices in cents."""
    return CART


@APP.tool(effect="write", impact="payment")
def charge_card(customer: str, cents: int) -> str:
    """Charge a card."""
    return f"card-{cents}"


@APP.tool(effect="write", impact="payment")
def charge_wallet(customer: str, cents: int) -> str:
    """Charge a wallet."""
    return f"wallet-{cents}"


@APP.tool(effect="write")
def hand_over(customer: str, why: str) -> str:
    """Put a case on the desk of a person."""
    return f"handed over: {why}"


@APP.agent
def agent(customer: str) -> str:
    """Charge a customer for a cart, one way or the other."""
    cents = sum(cart(customer).values())
    try:
        return charge_card(customer, cents)
    except Exception:
        return charge_wallet(customer, cents)


@APP.agent
def mended(customer: str) -> str:
    """Charge a customer for a cart, one way or the other, and never both."""
    cents = sum(cart(customer).values())
    try:
        return charge_card(customer, cents)
    except InDoubt:
        return hand_over(customer, "the card may have been charged")
    except Exception:
        return charge_wallet(customer, cents)


INPUT = {"customer": "K-12"}
RULE = "ONE-CHARGE"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "charge_card", "nth": 1}]}
CAUSE = {"tool": "charge_card", "nth": 1}
