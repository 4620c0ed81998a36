"""A bill is paid again when the payment before may have gone through.

Family: retry of a non-idempotent write after an unknown outcome
Planted: the retry helper treats every exception as a failure that is safe to repeat; it may repeat only what is known
not to have happened, and has to look a doubtful payment up.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: utility-bills
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: BILL-PAID-ONCE
    title: A bill is paid again only if every payment before is known to have failed
    on: action
    tool: pay
    require: >-
      not happened(action, call.tool == "pay" and call.args.bill == now.call.args.bill and not default(failed, False))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "double_charge.yaml"))
BILLS = {"B-1": 4200, "B-2": 990}
PAID: list[str] = []


def fresh() -> None:
    """Nothing is paid."""
    PAID.clear()


@APP.tool(effect="read")
def open_bills() -> list[str]:
    """List the bills that are to be paid."""
    return sorted(BILLS)


@APP.tool(effect="read")
def amount_of(bill: str) -> int:
    """Tell what a bill comes to, in cents."""
    return BILLS[bill]


@APP.tool(effect="write")
def pay(bill: str, cents: int) -> str:
    """Pay a bill from the house account."""
    PAID.append(bill)
    return f"paid {cents} for {bill}"


def retried(attempt: Callable[[], str]) -> str:
    """Do something again when it fails, up to three times."""
    for _ in range(2):
        try:
            return attempt()
        except Exception:
            continue
    return attempt()


def retried_if_failed(attempt: Callable[[], str]) -> str:
    """Do something again when it is known to have failed, up to three times."""
    for _ in range(2):
        try:
            return attempt()
        except InDoubt:
            raise
        except Exception:
            continue
    return attempt()


@APP.agent
def agent() -> list[str]:
    """Pay all open bills."""
    return [retried(lambda bill=bill: pay(bill, amount_of(bill))) for bill in open_bills()]


@APP.agent
def mended() -> list[str]:
    """Pay all open bills; leave to a person what may have been paid."""
    said = []
    for bill in dict.fromkeys(open_bills()):
        try:
            said.append(retried_if_failed(lambda bill=bill: pay(bill, amount_of(bill))))
        except InDoubt:
            said.append(f"{bill}: look at the statement")
    return said


INPUT: dict[str, object] = {}
RULE = "BILL-PAID-ONCE"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "pay", "nth": 1}]}
CAUSE = {"tool": "pay", "nth": 1}
