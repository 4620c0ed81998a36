"""A salary that may have been paid is sent again under a new idempotency key, which makes it another payment.

Family: idempotency key regenerated on retry
Planted: the key is drawn inside the retry loop; it has to stand for the payment and not for the attempt.
"""

from __future__ import annotations

import random

from harness import Harness
from harness.registry.load import load

RULES = """
registry: payroll
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONE-KEY
    title: Every attempt at one salary carries the key of the first
    on: action
    tool: transfer
    require: >-
      not happened(action, call.tool == "transfer" and call.args.employee == now.call.args.employee
      and call.args.key != now.call.args.key and not default(failed, False))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "fresh_key.yaml"))
SALARIES = {"E-1": 310000, "E-2": 287500}
LEDGER: dict[str, int] = {}


def fresh() -> None:
    """Empty the bank's ledger."""
    LEDGER.clear()


@APP.tool(effect="read")
def salary_of(employee: str) -> int:
    """Tell what somebody earns in a month, in cents."""
    return SALARIES[employee]


@APP.tool(effect="write", idempotency_key="key")
def transfer(employee: str, cents: int, key: str) -> str:
    """Pay somebody; a key that was seen before changes nothing."""
    LEDGER.setdefault(key, cents)
    return f"transferred under {key}"


@APP.agent
def agent(month: str, employees: list[str]) -> list[str]:
    """Pay the salaries of a month, each in up to three attempts."""
    said = []
    for employee in employees:
        cents = salary_of(employee)
        for attempt in range(3):
            key = f"{month}-{random.getrandbits(32):08x}"
            try:
                said.append(transfer(employee, cents, key))
                break
            except Exception:
                if attempt == 2:
                    raise
    return said


@APP.agent
def mended(month: str, employees: list[str]) -> list[str]:
    """Pay the salaries of a month, each in up to three attempts under one key."""
    said = []
    for employee in employees:
        cents = salary_of(employee)
        key = f"{month}-{employee}"
        for attempt in range(3):
            try:
                said.append(transfer(employee, cents, key))
                break
            except Exception:
                if attempt == 2:
                    raise
    return said


INPUT = {"month": "2026-11", "employees": ["E-1", "E-2"]}
RULE = "ONE-KEY"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "transfer", "nth": 2}]}
CAUSE = {"tool": "transfer", "nth": 2}
