"""What was approved at one price is bought at another, because the offer is renewed when buying fails.

Family: approval reused for other arguments
Planted: the approval is kept for the order; it holds for the amount that was asked about. Small orders need none.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: procurement
version: 1.0.0
default: allow
unknown: allow
parameters:
  free_cents: {value: 10000, source: "purchasing rules, 3"}
invariants:
  - id: APPROVED-AT-THIS-PRICE
    title: What is not small is bought at the price that was approved
    on: action
    tool: buy
    when: call.args.cents > params.free_cents
    require: >-
      happened(result, call.tool == "ask_approval" and call.args.cents == now.call.args.cents and result == "yes")
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "old_approval.yaml"))
FREE_CENTS = 10000
OFFERS: list[int] = []


def fresh() -> None:
    """Forget who has asked for offers."""
    OFFERS.clear()


@APP.tool(effect="read")
def offer(item: str, count: int) -> int:
    """Ask for a price in cents; it rises with every question."""
    OFFERS.append(count)
    return count * (2900 + 50 * len(OFFERS))


@APP.tool(effect="write")
def ask_approval(item: str, cents: int) -> str:
    """Ask the head of the department."""
    return "yes"


@APP.tool(effect="write", impact="payment")
def buy(item: str, cents: int) -> str:
    """Buy at a price that was offered."""
    return f"{item} for {cents}"


@APP.agent
def agent(item: str, count: int) -> str:
    """Buy something at the price of the day."""
    approved = False
    for _ in range(3):
        cents = offer(item, count)
        if cents > FREE_CENTS and not approved:
            approved = ask_approval(item, cents) == "yes"
            if not approved:
                return "not approved"
        try:
            return buy(item, cents)
        except ConnectionError:
            continue
    return "not to be had"


@APP.agent
def mended(item: str, count: int) -> str:
    """Buy something at the price of the day, if that price is approved."""
    for _ in range(3):
        cents = offer(item, count)
        if cents > FREE_CENTS and ask_approval(item, cents) != "yes":
            return "not approved"
        try:
            return buy(item, cents)
        except ConnectionError:
            continue
    return "not to be had"


INPUT = {"item": "chair", "count": 2}
VARY = {"/count": [1, 3, 12]}
RULE = "APPROVED-AT-THIS-PRICE"
WITNESS = {"inject": [{"fault": "reset", "tool": "buy", "nth": 1}], "changes": [["/count", 12]]}
CAUSE = {"tool": "buy", "nth": 1}
