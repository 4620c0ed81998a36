r"""Prices from a cache before a database, in three jobs: no one of them brings the shop down, all together can.

What single faults lead to, in each job by itself, and what that comes to when it is stitched together::

    harness causes examples.catalogue:shop --before examples.catalogue:fresh \
        --input '{"job": "report"}' --input '{"job": "refresh"}' --input '{"job": "serve"}'

More load on the database makes it time out (only ``report`` asks it often enough); a price that could not be fetched in
time is missing from the cache (only ``refresh`` lets prices expire); and what is missing there is asked of the database
(only ``serve`` does that). The database is a queue: a query costs it 50 ms, also if nobody waits for its answer any
more. ``day`` is all three at once: there one query too many is enough.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import harness

app = harness.Harness(Path(__file__).with_name("catalogue.yaml"))

Replica = Literal["main", "reports"]

ARTICLES = ("mug", "cup", "pot", "jar", "jug", "urn", "tin")
PATIENCE_S, QUERY_S, PACE_S = 0.2, 0.05, 0.03
cache: dict[str, int] = {}
expired: set[str] = set()
free_at: dict[str, float] = {}
"""When each replica of the database is done with what it was asked so far."""


def fresh() -> None:
    """Put the shop back to the morning: all prices cached, two of them about to expire, an idle database."""
    cache.update({article: 100 + number for number, article in enumerate(ARTICLES)})
    expired.clear()
    expired.update(ARTICLES[:2])
    free_at.clear()


fresh()


@app.tool(effect="read")
async def read_cache(article: str) -> int:
    """Give the cached price of an article."""
    if article not in cache:
        raise LookupError(f"no price of {article} in the cache")
    return cache[article]


@app.tool(effect="write", idempotent=True)
async def fill_cache(article: str, price: int) -> None:
    """Keep a price."""
    cache[article] = price
    expired.discard(article)


@app.tool(effect="write", idempotent=True)
async def drop_expired() -> list[str]:
    """Take the prices that are too old out of the cache, and say which."""
    for article in expired:
        cache.pop(article, None)
    return sorted(expired)


@app.tool(effect="read")
async def query_database(article: str, replica: Replica) -> int:
    """Look a price up, behind everything that the replica was asked before."""
    now = asyncio.get_running_loop().time()
    free_at[replica] = max(now, free_at.get(replica, 0.0)) + QUERY_S
    wait = free_at[replica] - now
    await asyncio.sleep(min(wait, PATIENCE_S))
    if wait > PATIENCE_S:
        raise TimeoutError(f"no answer in {PATIENCE_S} s")
    return 100 + ARTICLES.index(article)


@app.agent
async def shop(job: str, replica: Replica = "main", stale_is_fine: bool = False) -> dict[str, int | None]:
    """Do one job: ``report`` from a replica, ``refresh`` the cache, ``serve`` customers; or a ``day`` of all three."""
    if job == "report":
        return await report(replica)
    if job == "refresh":
        return await refresh()
    if job == "serve":
        return await serve(stale_is_fine)
    said, _ = await asyncio.gather(report(replica), refreshed_then_served(stale_is_fine))
    return said


async def refreshed_then_served(stale_is_fine: bool) -> None:
    """Refresh the cache while a report is being made, then serve customers."""
    await asyncio.sleep((len(ARTICLES) + 1) * PACE_S)  # the report has asked for everything
    await refresh()
    await serve(stale_is_fine)


async def report(replica: Replica) -> dict[str, int | None]:
    """Ask for the price of everything, at an even pace; a row without an answer stays empty."""

    async def row(number: int, article: str) -> tuple[str, int | None]:
        await asyncio.sleep(number * PACE_S)
        return article, await priced(article, replica)

    return dict(await asyncio.gather(*(row(number, article) for number, article in enumerate(ARTICLES))))


async def refresh() -> dict[str, int | None]:
    """Fetch the prices that have expired, then show what customers would see of them."""
    for article in await drop_expired():
        price = await priced(article, "main")
        if price is not None:
            await fill_cache(article, price)
    return {article: await cached(article) for article in ARTICLES[:3]}


async def serve(stale_is_fine: bool) -> dict[str, int | None]:
    """Tell customers prices: from the cache, else from the database; or, if stale is fine, what was seen last."""
    seen: dict[str, int] = {}
    said: dict[str, int | None] = {}
    for article in ("cup", "pot", "cup", "pot"):
        price = await cached(article)
        if price is None and stale_is_fine:
            price = seen.get(article)
        elif price is None and (price := await priced(article, "main")) is not None:
            await fill_cache(article, price)
        said[article] = price
        if price is not None:
            seen[article] = price
    return said


async def cached(article: str) -> int | None:
    """Give a price from the cache, None where it has none or does not answer."""
    try:
        return await read_cache(article)
    except (LookupError, TimeoutError, harness.HarnessError):
        return None


async def priced(article: str, replica: Replica) -> int | None:
    """Give a price from the database, None where it does not answer in time."""
    try:
        return await query_database(article, replica)
    except (TimeoutError, harness.HarnessError):
        return None
