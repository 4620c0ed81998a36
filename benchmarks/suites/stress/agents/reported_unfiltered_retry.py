"""A tool layer that calls a tool again with other arguments, whatever it was that went wrong the first time.

Family: duplicate side effect after a retry
Reported: https://github.com/crewAIInc/crewAI/issues/7449 -- arguments are filtered by the tool's schema, and any
exception of the call, not only one about arguments, leads to a second call with the unfiltered ones: one attempt
performs the tool twice. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: parcels
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: COURIER-ONCE
    title: A courier is ordered once for each parcel
    on: action
    tool: order_courier
    require: not happened(action, call.tool == "order_courier" and call.args.parcel == now.call.args.parcel)
    severity: high
    otherwise: observe
    says: A courier was ordered for {call.args.parcel} before.
"""
APP = Harness(load(RULES, "parcels.yaml"))
ORDERED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    ORDERED.clear()


@APP.tool(effect="read")
def plan_calls(parcels: list[str]) -> list[dict[str, Any]]:
    """Say what to call, with a field that no tool knows, as models do."""
    return [{"parcel": parcel, "day": "monday", "thought": "It is urgent."} for parcel in parcels]


@APP.tool(effect="write")
def order_courier(parcel: str, day: str) -> str:
    """Order a courier for a parcel."""
    ORDERED.append(parcel)
    return f"{parcel} is fetched on {day}"


def fitting(given: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the tool does not know."""
    return {name: value for name, value in given.items() if name in ("parcel", "day")}


def use_twice(given: Mapping[str, Any]) -> str:
    """Call the tool with what fits it, and with all there is where that fails."""
    try:
        return order_courier(**fitting(given))
    except Exception:  # the arguments may have been filtered wrongly
        return order_courier(parcel=given["parcel"], day=given["day"])


def use_once(given: Mapping[str, Any]) -> str:
    """Call the tool with what fits it."""
    return order_courier(**fitting(given))


def work(parcels: list[str], use: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """Order couriers, and say what came of each."""
    said, done = [], set()
    for given in plan_calls(parcels):
        if given["parcel"] in done:
            continue
        done.add(given["parcel"])
        try:
            said.append(use(given))
        except Exception as error:  # it is said, and the next one goes on
            said.append(f"{given['parcel']}: {error}")
    return said


@APP.agent
def agent(parcels: list[str]) -> list[str]:
    """Have parcels fetched."""
    return work(parcels, use_twice)


@APP.agent
def mended(parcels: list[str]) -> list[str]:
    """Have parcels fetched, with one call for each attempt."""
    return work(parcels, use_once)


INPUT = {"parcels": ["P-1", "P-2"]}
RULE = "COURIER-ONCE"
WITNESS = {"inject": [{"fault": "commit_then_timeout", "tool": "order_courier", "nth": 2}]}
CAUSE = {"tool": "order_courier", "nth": 2}
