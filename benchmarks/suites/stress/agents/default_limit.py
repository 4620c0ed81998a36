"""A card whose limit is not found in the answer is treated as if it had the usual one.

Family: schema drift
Planted: a field that is missing gets a default; what a limit is cannot be guessed.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: card-desk
version: 1.0.0
default: allow
unknown: allow
define:
  card: last(result, call.tool == "get_card" and call.args.card == now.call.args.card).result
invariants:
  - id: WITHIN-SEEN-LIMIT
    title: What is approved stays within a limit that was seen
    on: action
    tool: approve
    require: exists(card.limit_cents) and call.args.cents <= card.limit_cents
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "default_limit.yaml"))
CARDS = {"C-1": 50000, "C-2": 500000}
USUAL_LIMIT = 100000


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def get_card(card: str) -> dict[str, Any]:
    """Look a card up."""
    return {"limit_cents": CARDS[card]}


@APP.tool(effect="write")
def approve(card: str, cents: int) -> str:
    """Approve a payment by card."""
    return f"approved {cents}"


@APP.tool(effect="write")
def decline(card: str, why: str) -> str:
    """Decline a payment by card."""
    return f"declined: {why}"


@APP.agent
def agent(requests: list[dict[str, Any]]) -> list[str]:
    """Approve what is within the limits."""
    said = []
    for one in requests:
        limit = get_card(one["card"]).get("limit_cents", USUAL_LIMIT)
        said.append(approve(**one) if one["cents"] <= limit else decline(one["card"], "above the limit"))
    return said


@APP.agent
def mended(requests: list[dict[str, Any]]) -> list[str]:
    """Approve what is within limits that are known."""
    said = []
    for one in requests:
        limit = get_card(one["card"]).get("limit_cents")
        if not isinstance(limit, int):
            said.append(decline(one["card"], "the limit is not known"))
            continue
        said.append(approve(**one) if one["cents"] <= limit else decline(one["card"], "above the limit"))
    return said


INPUT = {"requests": [{"card": "C-2", "cents": 250000}, {"card": "C-1", "cents": 70000}]}
VARY = {"/requests/0/cents": [600000], "/requests/1/cents": [100, 50000, 120000]}
RULE = "WITHIN-SEEN-LIMIT"
WITNESS = {"inject": [{"fault": "schema_mismatch", "tool": "get_card", "nth": 2}]}
CAUSE = {"tool": "get_card", "nth": 2}
