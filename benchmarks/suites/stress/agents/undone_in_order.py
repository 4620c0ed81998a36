"""A trip that falls through is taken back in the order in which it was booked: the flight goes and the hotel stays.

Family: undo in the wrong order
Planted: the bookings are cancelled first to last; what was booked last has to be cancelled first.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: trips
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LAST-BOOKED-FIRST
    title: Nothing is cancelled while something that was booked after it stands
    on: action
    tool: cancel
    require: >-
      count(result, call.tool == "cancel")
      == count(result, call.tool == "book",
      since=last(result, call.tool == "book" and call.args.part == now.call.args.part))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "undone_in_order.yaml"))
BOOKED: list[str] = []


def fresh() -> None:
    """Cancel everything."""
    BOOKED.clear()


@APP.tool(effect="write", undo="cancel")
def book(part: str, day: str) -> str:
    """Book a part of a trip."""
    BOOKED.append(part)
    return f"{part} on {day}"


@APP.tool(effect="write")
def cancel(part: str) -> str:
    """Cancel a part of a trip."""
    BOOKED.remove(part)
    return f"{part} is cancelled"


@APP.agent
def agent(parts: list[str], day: str) -> list[str]:
    """Book all parts of a trip, or none."""
    booked: list[str] = []
    try:
        for part in parts:
            book(part, day)
            booked.append(part)
    except Exception:
        return [cancel(part) for part in booked]
    return booked


@APP.agent
def mended(parts: list[str], day: str) -> list[str]:
    """Book all parts of a trip, or none; what hangs on something else goes first."""
    booked: list[str] = []
    try:
        for part in parts:
            book(part, day)
            booked.append(part)
    except Exception:
        return [cancel(part) for part in reversed(booked)]
    return booked


INPUT = {"parts": ["flight", "hotel", "car"], "day": "2026-12-01"}
RULE = "LAST-BOOKED-FIRST"
WITNESS = {"inject": [{"fault": "error", "tool": "book", "nth": 3}]}
CAUSE = {"tool": "book", "nth": 3}
