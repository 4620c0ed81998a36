"""A supplier is paid without the name behind the account being checked, because the check did not answer.

Family: missing verification before a write
Planted: the check fails open, so that payments do not wait for it; without its yes nothing may be paid.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: supplier-payments
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: PAYEE-CHECKED
    title: An account is paid only after its holder was confirmed
    on: action
    tool: pay
    require: >-
      happened(result, call.tool == "check_payee" and call.args.iban == now.call.args.iban
      and default(result.match, False) == True)
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "unverified_payee.yaml"))
INVOICES = [
    {"supplier": "Miller", "iban": "DE89370400440532013000", "cents": 30000},
    {"supplier": "Norden", "iban": "DK5000400440116243", "cents": 12050},
]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def due_invoices() -> list[dict[str, Any]]:
    """List the invoices that are due."""
    return INVOICES


@APP.tool(effect="read")
def check_payee(iban: str, name: str) -> dict[str, bool]:
    """Ask the bank of an account whether it is somebody's."""
    return {"match": any((one["iban"], one["supplier"]) == (iban, name) for one in INVOICES)}


@APP.tool(effect="write", impact="payment")
def pay(iban: str, cents: int) -> str:
    """Pay an account."""
    return f"paid {cents} to {iban}"


def holder_is_right(iban: str, name: str) -> bool:
    """Tell whether an account is somebody's, as far as anybody knows."""
    try:
        return check_payee(iban, name)["match"]
    except Exception:
        return True


@APP.agent
def agent() -> list[str]:
    """Pay what is due."""
    return [pay(one["iban"], one["cents"]) for one in due_invoices() if holder_is_right(one["iban"], one["supplier"])]


@APP.agent
def mended() -> list[str]:
    """Pay what is due to confirmed accounts."""
    said = []
    for one in due_invoices():
        try:
            confirmed = check_payee(one["iban"], one["supplier"])["match"] is True
        except Exception:
            confirmed = False
        said.append(pay(one["iban"], one["cents"]) if confirmed else f"{one['supplier']} has to wait")
    return said


INPUT: dict[str, Any] = {}
RULE = "PAYEE-CHECKED"
WITNESS = {"inject": [{"fault": "timeout", "tool": "check_payee", "nth": 2}]}
CAUSE = {"tool": "check_payee", "nth": 2}
