"""After a write was refused, a delivery is booked with the count from before, and what was sold meanwhile is forgotten.

Family: lost update after retry
Planted: the retry fetches the new version of the record but keeps the count it had worked out; it has to work the count
out again.
"""

from __future__ import annotations

from typing import Any

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: warehouse-stock
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: COUNT-IS-CURRENT
    title: The count that is written is the one last read, and the delivery
    on: action
    tool: write_stock
    require: >-
      call.args.count == last(result, call.tool == "read_stock" and call.args.sku == now.call.args.sku).result.count
      + run.input.delivered
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "lost_update.yaml"))
STOCK: dict[str, int] = {}


def fresh() -> None:
    """Fill the shelf again."""
    STOCK.update(count=12, version=0)


@APP.tool(effect="read")
def read_stock(sku: str) -> dict[str, int]:
    """Read a record; the shop is open, so that one more is sold before somebody looks again."""
    seen = {"count": STOCK["count"], "version": STOCK["version"]}
    STOCK["count"] -= 1
    return seen


@APP.tool(effect="write")
def write_stock(sku: str, count: int, version: int) -> str:
    """Write a count, unless somebody else has written since that version."""
    if version != STOCK["version"]:
        raise ValueError(f"version {version} is not the current one")
    STOCK.update(count=count, version=version + 1)
    return "written"


@APP.agent
def agent(sku: str, delivered: int) -> str:
    """Book a delivery."""
    record: dict[str, Any] = read_stock(sku)
    count = record["count"] + delivered
    for _ in range(2):
        try:
            return write_stock(sku, count, record["version"])
        except InDoubt:
            raise
        except Exception:
            record = read_stock(sku)
    return write_stock(sku, count, record["version"])


@APP.agent
def mended(sku: str, delivered: int) -> str:
    """Book a delivery on the count as it is now."""
    record: dict[str, Any] = read_stock(sku)
    for _ in range(2):
        try:
            return write_stock(sku, record["count"] + delivered, record["version"])
        except InDoubt:
            raise
        except Exception:
            record = read_stock(sku)
    return write_stock(sku, record["count"] + delivered, record["version"])


INPUT = {"sku": "mug", "delivered": 40}
VARY = {"/delivered": [1, 200]}
RULE = "COUNT-IS-CURRENT"
WITNESS = {"inject": [{"fault": "error", "tool": "write_stock", "nth": 1, "strength": {"status": 409}}]}
CAUSE = {"tool": "write_stock", "nth": 1}
