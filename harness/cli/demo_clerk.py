"""The second agent of ``harness demo``: a clerk whose mistake shows only where something goes wrong."""

from __future__ import annotations

from harness.door.app import Harness
from harness.errors import InDoubt

app = Harness("common/effects")
BOOKS: list[tuple[str, int]] = []


def fresh() -> None:
    """Put the books back."""
    BOOKS.clear()


@app.tool(effect="read", trust="trusted")
def price_of(order_id: str) -> int:
    """Look up what an order costs, in cents."""
    return {"W-77": 20_000, "W-78": 4_800}[order_id]


@app.tool(effect="write", impact="payment")
def charge(order_id: str, cents: int) -> str:
    """Charge the customer of an order."""
    BOOKS.append((order_id, cents))
    return "charged"


@app.tool(effect="write")
def confirm(order_id: str) -> str:
    """Tell the customer."""
    return "told"


@app.agent
def clerk(orders: list[str]) -> str:
    """Charge orders and confirm them; where no answer comes, try again."""
    for order_id in orders:
        cents = price_of(order_id)
        try:
            charge(order_id, cents)
        except InDoubt:
            charge(order_id, cents)  # the mistake: it may have been charged
        confirm(order_id)
    return "all charged"
