"""A transfer between currencies is taken back by its amount, although less than that has arrived.

Family: wrong undo
Planted: the way back moves what was sent; it has to move what came, after the fee.
"""

from __future__ import annotations

from typing import Any

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: currency-pots
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: BACK-AS-MUCH-AS-CAME
    title: What is moved back out of a pot is what was moved into it
    on: action
    tool: move
    when: happened(result, call.tool == "move" and call.args.into == now.call.args.out_of)
    require: >-
      call.args.cents
      == last(result, call.tool == "move" and call.args.into == now.call.args.out_of).result.arrived
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "undo_with_fee.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", undo="move")
def move(out_of: str, into: str, cents: int) -> dict[str, Any]:
    """Move money between pots, for half a percent."""
    return {"arrived": cents - cents // 200, "into": into}


@APP.tool(effect="write", impact="payment")
def settle(bill: str, pot: str) -> str:
    """Settle a bill out of a pot."""
    return f"{bill} is settled"


@APP.agent
def agent(bill: str, cents: int) -> str:
    """Settle a foreign bill, and take the money back where that fails."""
    move("euro", "kroner", cents)
    try:
        return settle(bill, "kroner")
    except InDoubt:
        raise
    except Exception:
        move("kroner", "euro", cents)
        return "taken back"


@APP.agent
def mended(bill: str, cents: int) -> str:
    """Settle a foreign bill, and take back what came where that fails."""
    moved = move("euro", "kroner", cents)
    try:
        return settle(bill, "kroner")
    except InDoubt:
        raise
    except Exception:
        move("kroner", "euro", moved["arrived"])
        return "taken back"


INPUT = {"bill": "B-40", "cents": 20000}
VARY = {"/cents": [150, 100000]}
RULE = "BACK-AS-MUCH-AS-CAME"
WITNESS = {"inject": [{"fault": "error", "tool": "settle", "nth": 1, "strength": {"status": 422}}]}
CAUSE = {"tool": "settle", "nth": 1}
