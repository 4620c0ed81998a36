"""Prices are matched to articles in the order in which they come, and they do not always come in the order of asking.

Family: out-of-order completion assumed in order
Planted: each answer is appended to one list, which is then read side by side with the list of articles.
"""

from __future__ import annotations

import asyncio

from harness import Harness
from harness.registry.load import load

RULES = """
registry: price-labels
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: OWN-PRICE
    title: An article is labelled with the price that was found for it
    on: action
    tool: label
    require: >-
      call.args.cents == last(result, call.tool == "price_of" and call.args.article == now.call.args.article).result
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "matched_by_arrival.yaml"))
PRICES = {"mug": 890, "plate": 1250, "bowl": 1090}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
async def price_of(article: str) -> int:
    """Find a price, in cents."""
    await asyncio.sleep(0.02)
    return PRICES[article]


@APP.tool(effect="write")
async def label(article: str, cents: int) -> str:
    """Print a label."""
    return f"{article} {cents}"


@APP.agent
async def agent(articles: list[str]) -> list[str]:
    """Label articles with their prices, found side by side."""
    prices: list[int] = []

    async def find(article: str) -> None:
        prices.append(await price_of(article))

    await asyncio.gather(*map(find, articles))
    return [await label(article, cents) for article, cents in zip(articles, prices, strict=True)]


@APP.agent
async def mended(articles: list[str]) -> list[str]:
    """Label articles with their prices, found side by side and kept by article."""
    prices = await asyncio.gather(*map(price_of, articles))
    return [await label(article, cents) for article, cents in zip(articles, prices, strict=True)]


INPUT = {"articles": ["mug", "plate", "bowl"]}
VARY = {"/articles": [["mug"], ["bowl", "mug"]]}
RULE = "OWN-PRICE"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "price_of", "nth": 2}
