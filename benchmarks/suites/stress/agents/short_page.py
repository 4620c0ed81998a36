"""A page of the journal that came short ends the reading, and the month is closed on half of its entries.

Family: partial result taken for whole
Planted: a page with fewer entries than asked for counts as the last one; the journal says itself how many there are.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: book-keeping
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: CLOSED-ON-ALL
    title: A month is closed on as many entries as the journal says there are
    on: action
    tool: close_month
    require: call.args.entries == first(result, call.tool == "read_page").result.total
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "short_page.yaml"))
CENTS = [1200, -300, 4550, 80, 999, -1200, 310]
SIZE = 3


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def read_page(month: str, page: int) -> dict[str, Any]:
    """Read a page of the journal."""
    return {"entries": CENTS[page * SIZE : (page + 1) * SIZE], "total": len(CENTS)}


@APP.tool(effect="write")
def close_month(month: str, entries: int, balance: int) -> str:
    """Close a month, for good."""
    return f"{month} closed at {balance}"


@APP.agent
def agent(month: str) -> str:
    """Add a month up and close it."""
    entries: list[int] = []
    for page in range(10):
        found = read_page(month, page)["entries"]
        entries += found
        if len(found) < SIZE:
            break
    return close_month(month, len(entries), sum(entries))


@APP.agent
def mended(month: str) -> str:
    """Add a month up and close it if all of it was there."""
    entries: list[int] = []
    totals: list[int] = []
    for page in range(10):
        found = read_page(month, page)
        entries += found["entries"]
        totals.append(found["total"])
        if len(found["entries"]) < SIZE:
            break
    if set(totals) != {len(entries)}:
        return f"{month} stays open: {len(entries)} entries of {totals}"
    return close_month(month, len(entries), sum(entries))


INPUT = {"month": "2026-10"}
RULE = "CLOSED-ON-ALL"
WITNESS = {"inject": [{"fault": "truncate", "tool": "read_page", "nth": 2}]}
CAUSE = {"tool": "read_page", "nth": 2}
