"""Of an order that goes out in several boxes all is paid back when a later box cannot be sent.

Family: wrong undo
Planted: the way back gives back the price of the order; it has to leave out what is on its way.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: box-shipping
version: 1.0.0
default: allow
unknown: allow
parameters:
  piece_cents: {value: 450, source: "price list"}
invariants:
  - id: PAID-BACK-WHAT-STAYED
    title: No more is paid back than the pieces that were surely not sent are worth
    on: action
    tool: pay_back
    require: >-
      call.args.cents <= params.piece_cents * (run.input.count
      - total(action, call.args.count, call.tool == "send_box" and not default(failed, False)))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "split_order.yaml"))
PIECE_CENTS = 450
BOX = 10


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write")
def send_box(order: str, count: int) -> str:
    """Send a box with so many pieces."""
    return f"{count} pieces of {order}"


@APP.tool(effect="write", impact="payment")
def pay_back(order: str, cents: int) -> str:
    """Give money back."""
    return f"{cents} back for {order}"


def boxes(count: int) -> list[int]:
    """Divide pieces among boxes."""
    return [min(BOX, count - place) for place in range(0, count, BOX)]


@APP.agent
def agent(order: str, count: int) -> str:
    """Send an order in boxes, or pay it back."""
    try:
        for pieces in boxes(count):
            send_box(order, pieces)
    except InDoubt:
        raise
    except Exception:
        return pay_back(order, count * PIECE_CENTS)
    return "sent"


@APP.agent
def mended(order: str, count: int) -> str:
    """Send an order in boxes; pay back what cannot be sent."""
    left = count
    try:
        for pieces in boxes(count):
            send_box(order, pieces)
            left -= pieces
    except InDoubt:
        raise
    except Exception:
        return pay_back(order, left * PIECE_CENTS)
    return "sent"


INPUT = {"order": "W-50", "count": 8}
VARY = {"/count": [1, 10, 14, 25]}
RULE = "PAID-BACK-WHAT-STAYED"
WITNESS = {"inject": [{"fault": "error", "tool": "send_box", "nth": 2}], "changes": [["/count", 14]]}
CAUSE = {"tool": "send_box", "nth": 2}
