"""The third way to send money does not look at the list of sanctions, and is taken when both banks are down.

Family: fallback tool with weaker checks
Planted: the ways are tried as if they were the same; the last one needs the check before it that the others include.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: remittances
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: SCREENED-BEFORE-DIRECT
    title: Money is sent directly only to somebody who was found to be on no list
    on: action
    tool: send_directly
    require: >-
      happened(result, call.tool == "screen" and call.args.name == now.call.args.name
      and default(result.listed, True) == False)
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "weaker_fallback.yaml"))
LISTED = {"Orlok"}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def screen(name: str) -> dict[str, bool]:
    """Look somebody up on the list of sanctions."""
    return {"listed": name in LISTED}


@APP.tool(effect="write", impact="payment")
def send_by_first_bank(name: str, cents: int) -> str:
    """Send money by a bank, which looks at the list by itself."""
    return "refused: listed" if name in LISTED else f"sent {cents}"


@APP.tool(effect="write", impact="payment")
def send_by_second_bank(name: str, cents: int) -> str:
    """Send money by another bank, which looks at the list by itself."""
    return "refused: listed" if name in LISTED else f"sent {cents}"


@APP.tool(effect="write", impact="payment")
def send_directly(name: str, cents: int) -> str:
    """Send money by the network, which looks at nothing."""
    return f"sent {cents}"


@APP.agent
def agent(name: str, cents: int) -> str:
    """Send money to somebody, by whatever way is open."""
    for way in (send_by_first_bank, send_by_second_bank, send_directly):
        try:
            return way(name, cents)
        except InDoubt:
            raise
        except Exception:
            continue
    return "no way is open"


@APP.agent
def mended(name: str, cents: int) -> str:
    """Send money to somebody by whatever way is open and allowed."""
    for way in (send_by_first_bank, send_by_second_bank):
        try:
            return way(name, cents)
        except InDoubt:
            raise
        except Exception:
            continue
    if screen(name)["listed"] is not False:
        return "refused: listed"
    return send_directly(name, cents)


INPUT = {"name": "Ellen", "cents": 20000}
VARY = {"/name": ["Orlok"]}
RULE = "SCREENED-BEFORE-DIRECT"
WITNESS = {
    "inject": [
        {"fault": "error", "tool": "send_by_first_bank", "nth": 1},
        {"fault": "error", "tool": "send_by_second_bank", "nth": 1},
    ]
}
CAUSE = {"tool": "send_by_first_bank", "nth": 1}
