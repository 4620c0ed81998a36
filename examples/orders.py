r"""An agent that pays and ships orders, and tries again when a payment fails: a habit with a bug, found by stress.

From the root of the repository::

    harness stress examples.orders:main --before examples.orders:fresh --input '{"order": "A-1"}' \
        --budget 200 --emit test_found.py

Nothing goes wrong in an ordinary run. Where the answer of the bank is lost, the order is paid twice: a payment without
an answer is not one that failed. ``careful`` knows the difference, and nothing is found.
"""

from __future__ import annotations

from pathlib import Path

import harness

app = harness.Harness(Path(__file__).with_name("orders.yaml"))

PRICES = {"A-1": 1_900, "A-2": 4_500}
paid: list[str] = []


def fresh() -> None:
    """Put the shop back to the morning: nothing is paid."""
    paid.clear()


@app.tool(effect="read")
def price(order: str) -> int:
    """Tell what an order costs, in cents."""
    return PRICES[order]


@app.tool(effect="write")
def pay(order: str, cents: int) -> str:
    """Pay for an order."""
    paid.append(order)
    return f"paid {cents} cents for {order}"


@app.tool(effect="write")
def ship(order: str) -> str:
    """Send an order."""
    return f"{order} is on its way"


@app.agent
def main(order: str) -> str:
    """Pay, once more where that does not work, and ship."""
    cents = price(order)
    try:
        pay(order, cents)
    except Exception:  # noqa: BLE001 - the bug: no answer is not a failure
        pay(order, cents)
    return ship(order)


@app.agent
def careful(order: str) -> str:
    """Pay, once more where that is known to have failed, and ship."""
    cents = price(order)
    try:
        pay(order, cents)
    except harness.InDoubt:
        return f"nobody knows whether {order} is paid: a person looks at it"
    except Exception:  # noqa: BLE001 - the payment has failed
        pay(order, cents)
    return ship(order)
