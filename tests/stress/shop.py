"""A shop whose agent pays again where nobody knows whether it has paid, and the same shop with that mended.

Tests copy this file into a project of their own.
"""

from __future__ import annotations

from typing import Any

import harness

app = harness.Harness("shop.yaml")
LEDGER: list[str] = []


def fresh() -> None:
    """Begin a new day."""
    LEDGER.clear()


@app.tool(effect="read")
def order_of(customer: str) -> dict[str, Any]:
    """Look up what a customer has ordered."""
    return {"order": f"W-{customer}", "cents": 500}


@app.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay for an order."""
    LEDGER.append(order)
    return f"receipt {len(LEDGER)}"


@app.tool(effect="read")
def paid(order: str) -> bool:
    """Tell whether an order is paid."""
    return order in LEDGER


def settled(order: dict[str, Any]) -> str:
    """Pay, and where no answer comes pay again."""
    for _ in range(2):
        try:
            return pay(**order)
        except harness.InDoubt:
            continue
    return "in doubt"


@app.agent
def main(customers: list[str], greeting: str = "Hello") -> list[str]:
    """Settle the orders of some customers."""
    said = [greeting]
    for customer in customers:
        try:
            said.append(settled(order_of(customer)))
        except harness.InDoubt:
            said.append("unknown")
    return said
