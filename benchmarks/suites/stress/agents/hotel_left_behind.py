"""When a hotel cannot be cancelled, the flight to it is cancelled all the same.

Family: compensation skipped on the second failure
Planted: the way back goes on behind a step that failed; what was booked earlier carries what was booked later and has
to stay until that is gone.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: holiday-trips
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: FLIGHT-GOES-LAST
    title: A flight is cancelled only when no hotel hangs on it
    on: action
    tool: cancel_flight
    when: happened(action, call.tool == "book_hotel" and not default(failed, False))
    require: happened(result, call.tool == "cancel_hotel")
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "hotel_left_behind.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", undo="cancel_flight")
def book_flight(trip: str) -> str:
    """Book the flight of a trip."""
    return f"flight of {trip}"


@APP.tool(effect="write")
def cancel_flight(trip: str) -> str:
    """Cancel the flight of a trip."""
    return "cancelled"


@APP.tool(effect="write", undo="cancel_hotel")
def book_hotel(trip: str) -> str:
    """Book the hotel of a trip."""
    return f"hotel of {trip}"


@APP.tool(effect="write")
def cancel_hotel(trip: str) -> str:
    """Cancel the hotel of a trip."""
    return "cancelled"


@APP.tool(effect="write", impact="payment")
def pay(trip: str, cents: int) -> str:
    """Pay for a trip."""
    return f"paid {cents}"


def take_back(trip: str, steps: list[Callable[[str], str]]) -> list[str]:
    """Take steps back as far as they can be."""
    left = []
    for step in steps:
        try:
            step(trip)
        except Exception as error:
            left.append(str(error))
    return left


@APP.agent
def agent(trip: str, cents: int) -> str:
    """Book and pay a trip, or take all of it back."""
    undo: list[Callable[[str], str]] = []
    try:
        book_flight(trip)
        undo.insert(0, cancel_flight)
        book_hotel(trip)
        undo.insert(0, cancel_hotel)
        return pay(trip, cents)
    except InDoubt:
        raise
    except Exception:
        left = take_back(trip, undo)
        return f"taken back, but for {left}" if left else "taken back"


@APP.agent
def mended(trip: str, cents: int) -> str:
    """Book and pay a trip, or take it back up to what cannot be."""
    undo: list[Callable[[str], str]] = []
    try:
        book_flight(trip)
        undo.insert(0, cancel_flight)
        book_hotel(trip)
        undo.insert(0, cancel_hotel)
        return pay(trip, cents)
    except InDoubt:
        raise
    except Exception:
        for step in undo:
            step(trip)
        return "taken back"


INPUT = {"trip": "Lisbon", "cents": 89000}
RULE = "FLIGHT-GOES-LAST"
WITNESS = {
    "inject": [
        {"fault": "error", "tool": "pay", "nth": 1, "strength": {"status": 402}},
        {"fault": "error", "tool": "cancel_hotel", "nth": 1},
    ]
}
CAUSE = {"tool": "pay", "nth": 1}
