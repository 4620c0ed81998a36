"""When hiring fails, everything is taken back, also what was never done.

Family: undo of what did not happen
Planted: the way back goes through all steps; it has to go through those that were done, or may have been.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: onboarding
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: RETURNED-WAS-ORDERED
    title: A laptop is sent back only if it was ordered, or may have been
    on: action
    tool: return_laptop
    require: happened(action, call.tool == "order_laptop" and not default(failed, False))
    severity: high
    otherwise: observe
  - id: CLOSED-WAS-OPENED
    title: An account is closed only if it was opened, or may have been
    on: action
    tool: close_account
    require: happened(action, call.tool == "open_account" and not default(failed, False))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "undo_of_nothing.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", undo="close_account")
def open_account(person: str) -> str:
    """Open an account."""
    return f"{person}@example.com"


@APP.tool(effect="write")
def close_account(person: str) -> str:
    """Close an account."""
    return "closed"


@APP.tool(effect="write", undo="return_laptop")
def order_laptop(person: str) -> str:
    """Order a laptop."""
    return "ordered"


@APP.tool(effect="write")
def return_laptop(person: str) -> str:
    """Send a laptop back."""
    return "on its way"


@APP.tool(effect="write")
def send_contract(person: str) -> str:
    """Send the contract, which nobody takes back."""
    return "sent"


@APP.agent
def agent(person: str) -> str:
    """Prepare everything for a new colleague, or nothing."""
    try:
        open_account(person)
        order_laptop(person)
        return send_contract(person)
    except Exception:
        return_laptop(person)
        return close_account(person)


@APP.agent
def mended(person: str) -> str:
    """Prepare everything for a new colleague, or nothing; take back what was done, or may have been."""
    back = []
    try:
        for step, undo in ((open_account, close_account), (order_laptop, return_laptop)):
            try:
                step(person)
            except InDoubt:
                back.append(undo)
                raise
            back.append(undo)
        return send_contract(person)
    except Exception:
        for undo in reversed(back):
            undo(person)
        return "taken back"


INPUT = {"person": "ines"}
RULE = "RETURNED-WAS-ORDERED"
WITNESS = {"inject": [{"fault": "reset", "tool": "order_laptop", "nth": 1}]}
CAUSE = {"tool": "order_laptop", "nth": 1}
