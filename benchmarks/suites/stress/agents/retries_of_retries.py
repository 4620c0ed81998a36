"""A ward is paged nine times, because the client tries again, and so does whoever calls the client.

Family: too long tool loop
Planted: two layers retry the same call three times each; only one of them may.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: paging
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: FEW-ATTEMPTS
    title: One message is tried four times at most
    on: action
    tool: page
    require: count(action, call.tool == "page" and call.args.text == now.call.args.text) < 4
    severity: medium
    otherwise: observe
"""
APP = Harness(load(RULES, "retries_of_retries.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def on_call(ward: str) -> str:
    """Tell who is on call."""
    return "Dr. Sommer"


@APP.tool(effect="write", idempotent=True)
def page(person: str, text: str) -> str:
    """Page somebody; the same text is shown once."""
    return f"{person} was paged"


def three_times(attempt: Callable[[], str]) -> str:
    """Do something up to three times."""
    for left in (2, 1, 0):
        try:
            return attempt()
        except Exception:
            if not left:
                raise
    raise AssertionError


def page_client(person: str, text: str) -> str:
    """Page somebody as the client of the paging service does, which tries again by itself."""
    return three_times(lambda: page(person, text))


@APP.agent
def agent(ward: str, text: str) -> str:
    """Page whoever is on call."""
    person = on_call(ward)
    try:
        return three_times(lambda: page_client(person, text))
    except Exception:
        return "call the ward"


@APP.agent
def mended(ward: str, text: str) -> str:
    """Page whoever is on call."""
    person = on_call(ward)
    try:
        return page_client(person, text)
    except Exception:
        return "call the ward"


INPUT = {"ward": "4B", "text": "potassium 6.4"}
RULE = "FEW-ATTEMPTS"
WITNESS = {"inject": [{"fault": "reset", "tool": "page"}]}
CAUSE = {"tool": "page", "nth": 1}
