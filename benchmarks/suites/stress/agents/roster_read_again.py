"""A nurse gets two shifts of one night, because the second reading of the roster is older than the first assignment.

Family: stale cache used
Planted: who is free is taken from the latest answer, which may come from a replica that lags; what was assigned by the
agent itself has to count, too.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: ward-roster
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NURSE-ONCE
    title: Nobody gets two shifts of one night
    on: action
    tool: assign
    require: not happened(result, call.tool == "assign" and call.args.nurse == now.call.args.nurse)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "roster_read_again.yaml"))
NURSES = ["Ada", "Ben", "Cleo", "Dan"]
ASSIGNED: dict[str, str] = {}


def fresh() -> None:
    """Free everybody."""
    ASSIGNED.clear()


@APP.tool(effect="read")
def free_nurses(night: str) -> list[str]:
    """List who has no shift in a night."""
    return [nurse for nurse in NURSES if nurse not in ASSIGNED.values()]


@APP.tool(effect="write")
def assign(nurse: str, shift: str) -> str:
    """Give a shift to a nurse."""
    ASSIGNED[shift] = nurse
    return f"{nurse} has {shift}"


@APP.agent
def agent(night: str, shifts: list[str]) -> list[str]:
    """Fill the shifts of a night."""
    said = []
    for shift in shifts:
        free = free_nurses(night)
        said.append(assign(free[0], shift) if free else f"nobody for {shift}")
    return said


@APP.agent
def mended(night: str, shifts: list[str]) -> list[str]:
    """Fill the shifts of a night, each with somebody who was not asked yet."""
    said, asked = [], set()
    for shift in shifts:
        free = [nurse for nurse in free_nurses(night) if nurse not in asked]
        if not free:
            said.append(f"nobody for {shift}")
            continue
        asked.add(free[0])
        said.append(assign(free[0], shift))
    return said


INPUT = {"night": "2026-11-22", "shifts": ["early", "late", "on call"]}
RULE = "NURSE-ONCE"
WITNESS = {"inject": [{"fault": "stale", "tool": "free_nurses", "nth": 2}]}
CAUSE = {"tool": "free_nurses", "nth": 2}
