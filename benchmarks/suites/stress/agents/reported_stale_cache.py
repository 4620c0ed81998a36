"""The same question asked twice is answered from a cache, although what was done in between has changed the answer.

Family: stale cache used
Reported: https://github.com/crewAIInc/crewAI/pull/6509 -- results of tools were cached by default: a tool called again
with the same arguments in one run silently gave the first result, stale for live data. This reproduces the mechanism,
not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: seats
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LOOKED-SINCE
    title: Seats are sold by a count that was taken after the last sale
    on: action
    tool: sell
    require: >-
      not happened(action, call.tool == "sell" and call.args.show == now.call.args.show,
      since=last(result, call.tool == "count_seats" and call.args.show == now.call.args.show))
    severity: high
    otherwise: observe
    says: Seats of {call.args.show} were sold since they were counted.
"""
APP = Harness(load(RULES, "seats.yaml"))
FREE: dict[str, int] = {}


def fresh() -> None:
    """Put the world back."""
    FREE.update({"matinee": 2, "evening": 1})


@APP.tool(effect="read")
def count_seats(show: str) -> int:
    """Count the free seats of a show."""
    return FREE[show]


@APP.tool(effect="write")
def sell(show: str, guest: str) -> str:
    """Sell a seat."""
    FREE[show] -= 1
    return f"{guest} has a seat"


def serve(guests: list[str], shows: list[str], count: Callable[[str], int]) -> list[str]:
    """Sell each guest a seat of the show asked for, as long as there are some."""
    said = []
    for guest, show in zip(guests, shows, strict=True):
        try:
            said.append(sell(show, guest) if count(show) > 0 else f"{show} is sold out")
        except Exception as error:  # the next guest is served all the same
            said.append(f"{guest}: {error}")
    return said


@APP.agent
def agent(guests: list[str], shows: list[str]) -> list[str]:
    """Serve guests; results of tools are cached."""
    cache: dict[str, int] = {}

    def cached(show: str) -> int:
        if show not in cache:
            cache[show] = count_seats(show)
        return cache[show]

    return serve(guests, shows, cached)


@APP.agent
def mended(guests: list[str], shows: list[str]) -> list[str]:
    """Serve guests; seats are counted for each of them."""
    return serve(guests, shows, count_seats)


INPUT = {"guests": ["ann", "bob"], "shows": ["matinee", "evening"]}
VARY = {"/shows/0": ["evening"], "/shows/1": ["matinee"], "/guests": [["bob", "ann"]]}
RULE = "LOOKED-SINCE"
WITNESS = {"changes": [["/shows/0", "evening"]]}
CAUSE = {"tool": "count_seats", "nth": 1}
