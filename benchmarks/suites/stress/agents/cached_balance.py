"""When the balance cannot be read, fares are charged against the last one known, from before the card was charged.

Family: stale cache used
Planted: the fallback uses the remembered balance as it was; what has been charged since has to be taken off.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: travel-card
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: FARE-COVERED
    title: A fare is covered by the balance last read, less what was charged since
    on: action
    tool: charge
    require: >-
      call.args.cents <= last(result, call.tool == "balance").result
      - total(action, call.args.cents, call.tool == "charge" and not default(failed, False),
      since=last(result, call.tool == "balance"))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "cached_balance.yaml"))
CARD = {"cents": 0}


def fresh() -> None:
    """Load the card."""
    CARD["cents"] = 1000


@APP.tool(effect="read")
def balance() -> int:
    """Tell what is on the card, in cents."""
    return CARD["cents"]


@APP.tool(effect="write")
def charge(ride: str, cents: int) -> str:
    """Take a fare off the card."""
    CARD["cents"] -= cents
    return f"{ride}: {cents}"


@APP.agent
def agent(fares: dict[str, int]) -> list[str]:
    """Charge the rides of a day as far as the card is good for them."""
    taken, known = [], 0
    for ride, cents in fares.items():
        try:
            known = balance()
        except Exception:
            pass  # the machine has to go on: the last balance will do
        if cents <= known:
            taken.append(charge(ride, cents))
    return taken


@APP.agent
def mended(fares: dict[str, int]) -> list[str]:
    """Charge the rides of a day as far as the card is surely good for them."""
    taken, known = [], 0
    for ride, cents in fares.items():
        try:
            known = balance()
        except Exception:
            pass  # the machine has to go on: the last balance will do
        if cents <= known:
            known -= cents
            taken.append(charge(ride, cents))
    return taken


INPUT = {"fares": {"bus": 280, "ferry": 640, "tram": 390}}
RULE = "FARE-COVERED"
WITNESS = {"inject": [{"fault": "error", "tool": "balance", "nth": 3}]}
CAUSE = {"tool": "balance", "nth": 3}
