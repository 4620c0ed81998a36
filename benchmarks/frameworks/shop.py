"""Tools of a shop, as plain functions: they take a while by chance, read the clock, and name receipts by chance."""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime
from typing import Any


def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order.

    Args:
        order_id: The number of the order.
    """
    time.sleep(random.uniform(0.001, 0.02))
    return {"order_id": order_id, "status": "delivered", "total_cents": 48_000, "seen": datetime.now(UTC).isoformat()}


def search_policy(topic: str) -> str:
    """Search the shop's policy.

    Args:
        topic: What to search for.
    """
    time.sleep(random.uniform(0.001, 0.02))
    return f"{topic}: up to 200.00 at once. Search took {random.random():.6f} s."


def refund(order_id: str, amount_cents: int) -> dict[str, Any]:
    """Pay money back.

    Args:
        order_id: The number of the order.
        amount_cents: How much to pay back.
    """
    return {"paid": amount_cents, "order_id": order_id, "receipt": str(uuid.uuid4()), "at": time.time()}
