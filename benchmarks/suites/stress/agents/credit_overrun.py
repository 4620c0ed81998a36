"""Searches that fail are not counted, although the provider charges for them, and the budget is overrun.

Family: budget overrun
Planted: credits are added up when an answer comes; they are gone when the question is asked.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: market-research
version: 1.0.0
default: allow
unknown: allow
parameters:
  credits: {value: 20, source: "contract with the data provider"}
invariants:
  - id: WITHIN-CREDITS
    title: What searches cost stays within the credits, answered or not
    on: action
    tool: search
    require: total(action, call.args.price, call.tool == "search") + call.args.price <= params.credits
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "credit_overrun.yaml"))
DEPTHS = {"deep": 8, "wide": 4, "quick": 2}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def search(query: str, price: int) -> list[str]:
    """Search the data provider."""
    return [f"{query} ({price})"]


@APP.tool(effect="write")
def publish(found: list[str]) -> str:
    """Publish what was found."""
    return f"{len(found)} findings"


@APP.agent
def agent(questions: dict[str, str], budget: int) -> str:
    """Answer questions, each with a second try, as long as there are credits."""
    found: list[str] = []
    spent = 0
    for query, depth in questions.items():
        for _ in range(2):
            price = DEPTHS[depth]
            if spent + price > budget:
                break
            try:
                found += search(query, price)
                spent += price
                break
            except Exception:
                continue
    return publish(found)


@APP.agent
def mended(questions: dict[str, str], budget: int) -> str:
    """Answer questions, each with a second try, as long as there are credits; every try costs."""
    found: list[str] = []
    spent = 0
    for query, depth in questions.items():
        for _ in range(2):
            price = DEPTHS[depth]
            if spent + price > budget:
                break
            spent += price
            try:
                found += search(query, price)
                break
            except Exception:
                continue
    return publish(found)


INPUT: dict[str, Any] = {
    "questions": {"competitors": "deep", "market": "wide", "prices": "wide", "trade fairs": "quick"},
    "budget": 20,
}
VARY = {"/questions/trade fairs": ["wide"], "/budget": [10, 12]}
RULE = "WITHIN-CREDITS"
WITNESS = {"inject": [{"fault": "error", "tool": "search", "nth": 2, "strength": {"status": 503}}]}
CAUSE = {"tool": "search", "nth": 2}
