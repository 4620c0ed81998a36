"""A cache of tool results keeps failures too, so that a second try never is one.

Family: stale cache used
Reported: https://github.com/nibor1896/Crow/issues/93 -- a repeated call is answered from the first one, because it
"would produce the identical failure"; but the state had changed in between, and the old refusal came again and again.
This reproduces the mechanism, not the app's code.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: stock
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: TRIED-BEFORE-ASKING
    title: A person is asked only after three tries
    on: action
    tool: ask_person
    require: count(action, call.tool == "check_stock" and call.args.sku == now.call.args.sku) >= 3
    severity: medium
    otherwise: observe
    says: Try again before a person is asked about {call.args.sku}.
"""
APP = Harness(load(RULES, "stock.yaml"))
STOCK = {"mug": 3, "cup": 0}
RESERVED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    RESERVED.clear()


@APP.tool(effect="read")
def check_stock(sku: str) -> dict[str, Any]:
    """Say how many there are."""
    return {"available": STOCK[sku]}


@APP.tool(effect="write")
def reserve(sku: str) -> str:
    """Put one aside."""
    RESERVED.append(sku)
    return "reserved"


@APP.tool(effect="write")
def ask_person(sku: str, why: str) -> str:
    """Have a person look at it."""
    return "noted"


def checked(sku: str, cache: dict[str, dict[str, Any]], *, failures: bool) -> dict[str, Any]:
    """Check the stock, from the cache if it is there; ``failures`` are kept in it too."""
    if sku in cache:
        return cache[sku]
    try:
        said = dict(check_stock(sku))
    except Exception as error:  # an error is an answer like any other
        said = {"error": str(error)}
    if failures or "error" not in said:
        cache[sku] = said
    return said


def serve(skus: list[str], *, failures: bool) -> None:
    """Reserve what there is; ask a person where nobody can say, after three tries."""
    cache: dict[str, dict[str, Any]] = {}
    for sku in skus:
        for _ in range(3):
            said = checked(sku, cache, failures=failures)
            if "error" not in said:
                break
        if "error" in said:
            ask_person(sku, said["error"])
        elif said.get("available"):
            reserve(sku)


@APP.agent
def agent(skus: list[str]) -> None:
    """Reserve things; what was asked before is not asked again."""
    serve(skus, failures=True)


@APP.agent
def mended(skus: list[str]) -> None:
    """Reserve things; only what was answered before is not asked again."""
    serve(skus, failures=False)


INPUT = {"skus": ["mug", "cup"]}
RULE = "TRIED-BEFORE-ASKING"
WITNESS = {"inject": [{"fault": "rate_limit", "tool": "check_stock", "nth": 1}]}
CAUSE = {"tool": "check_stock", "nth": 1}
