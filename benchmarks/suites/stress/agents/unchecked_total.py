"""An invoice is paid by the total it states, although its lines come to something else.

Family: corrupted amount passed on without a check
Planted: the total goes straight into the payment; it has to be compared with the lines.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: invoices
version: 1.0.0
default: allow
unknown: allow
define:
  invoice: last(result, call.tool == "read_invoice" and call.args.number == now.call.args.number).result
invariants:
  - id: PAID-AS-LISTED
    title: What is paid is what the lines of the invoice come to
    on: action
    tool: pay_invoice
    require: call.args.cents == sum(line.cents * line.count for line in invoice.lines)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "unchecked_total.yaml"))
INVOICES: dict[str, dict[str, Any]] = {
    "R-1": {"lines": [{"cents": 1500, "count": 2}, {"cents": 990, "count": 1}], "total": 3990},
    "R-2": {"lines": [{"cents": 240, "count": 10}], "total": 2400},
}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def read_invoice(number: str) -> dict[str, Any]:
    """Read an invoice with its lines."""
    return INVOICES[number]


@APP.tool(effect="write", impact="payment")
def pay_invoice(number: str, cents: int) -> str:
    """Pay an invoice."""
    return f"{number}: {cents}"


@APP.agent
def agent(numbers: list[str]) -> list[str]:
    """Pay invoices."""
    return [pay_invoice(number, read_invoice(number)["total"]) for number in numbers]


@APP.agent
def mended(numbers: list[str]) -> list[str]:
    """Pay invoices that add up."""
    said = []
    for number in numbers:
        invoice = read_invoice(number)
        listed = sum(line["cents"] * line["count"] for line in invoice["lines"])
        said.append(pay_invoice(number, listed) if listed == invoice["total"] else f"{number} does not add up")
    return said


INPUT = {"numbers": ["R-1", "R-2"]}
RULE = "PAID-AS-LISTED"
WITNESS = {"inject": [{"fault": "corrupt", "tool": "read_invoice", "nth": 2}]}
CAUSE = {"tool": "read_invoice", "nth": 2}
