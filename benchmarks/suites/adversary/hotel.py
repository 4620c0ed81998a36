"""Agents that book a room: some keep to the protocol of their tools, others leave it after certain legal answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from harness import Harness, InDoubt
from harness.registry.load import load

RULES: Final = """
registry: hotel
version: 1
default: allow
tools:
  search: {effect: read, gives: [rooms]}
  hold:
    needs: [rooms]
    gives: [room]
    undo: release
    result:
      schema: {type: object, properties: {state: {enum: [held, waiting]}, deposit: {type: boolean}}}
  pay:
    needs: [room]
    gives: [receipt]
    arguments: {type: object, properties: {room: {type: string}, cents: {type: integer}}}
  release: {effect: write}
  confirm: {effect: write, needs: [receipt]}
invariants:
  - {id: CAP, on: action, tool: pay, require: call.args.cents <= 10000, severity: high}
"""
APP: Final = Harness(load(RULES, "hotel.yaml"))


@APP.tool(effect="read")
def search(day: str) -> list[str]:
    """Look for rooms."""
    return ["12", "14"]


@APP.tool(effect="write")
def hold(room: str) -> dict[str, Any]:
    """Hold a room."""
    return {"state": "held", "deposit": False}


@APP.tool(effect="write")
def pay(room: str, cents: int) -> str:
    """Pay for it."""
    return "paid"


@APP.tool(effect="write")
def release(room: str) -> str:
    """Give it back."""
    return "free"


@APP.tool(effect="write")
def confirm(room: str) -> str:
    """Tell the guest."""
    return "told"


@APP.agent
def asks_in_doubt(day: str) -> str:
    """Keep to the protocol: where nobody knows what happened, ask the desk."""
    room = search(day)[0]
    try:
        held = hold(room)
        if held["deposit"]:
            pay(room, 2000)
        pay(room, 9000)
    except InDoubt:
        return "ask the desk"
    except Exception:  # noqa: BLE001 - nothing is held, or nothing is paid for
        return "nothing booked"
    confirm(room)
    return "booked"


@APP.agent
def pays_a_deposit_twice(day: str) -> str:
    """Pay the deposit again where nobody knows whether it was paid."""
    room = search(day)[0]
    held = hold(room)
    if held["deposit"] and held["state"] == "held":
        try:
            pay(room, 2000)
        except InDoubt:
            pay(room, 2000)
    pay(room, 9000)
    confirm(room)
    return "booked"


@APP.agent
def releases_what_is_not_held(day: str) -> str:
    """Give a room back whatever went wrong, even where it was never held."""
    room = search(day)[0]
    try:
        if hold(room)["state"] == "waiting":
            hold("14")
        pay(room, 9000)
    except InDoubt:
        return "ask the desk"
    except Exception:  # noqa: BLE001 - it is given back, whatever happened
        release(room)
        return "nothing booked"
    confirm(room)
    return "booked"


@APP.agent
def confirms_what_is_not_paid(day: str) -> str:
    """Pay in two parts where a deposit is asked for, and confirm although neither was paid."""
    room = search(day)[0]
    held = hold(room)
    if held["deposit"]:
        with suppress(ConnectionError, InDoubt):
            pay(room, 2000)
        with suppress(InDoubt):
            pay(room, 7000)
    else:
        pay(room, 9000)
    confirm(room)
    return "booked"


WRONG: Final = ("pays_a_deposit_twice", "releases_what_is_not_held", "confirms_what_is_not_paid")
RIGHT: Final = ("asks_in_doubt",)
