"""An agent that asks several shops at once, each from a thread of its own, and buys where it is cheapest.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.prices:main --model-script examples.prices:policy --trace prices.mat.jsonl
    harness replay prices.mat.jsonl --verify 3

Which shop answers first is another one each time; the trace keeps the order, and a replay enforces it.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import say, script

app = harness.Harness()

SHOPS = {"corner": 1299, "harbour": 1149, "market": 1190, "station": 1450}


@app.tool(effect="read")
def price_of(article: str, shop: str) -> int:
    """Ask one shop for its price in cents; shops take their time."""
    time.sleep(random.random() * 0.02)
    return SHOPS[shop]


@app.tool(effect="write", impact="payment", idempotency_key="order")
def buy(article: str, shop: str, cents: int, order: str) -> dict[str, Any]:
    """Buy an article."""
    return {"order": order, "paid_cents": cents}


@app.agent
def main(article: str = "kettle") -> dict[str, Any]:
    """Find the cheapest offer, buy it, and say what was done."""
    offers: dict[str, int] = {}
    writing = threading.Lock()

    def ask(shop: str) -> str:
        cents = price_of(article, shop)
        with writing:
            offers[shop] = cents
        return shop

    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="shop") as pool:
        came = [done.result() for done in as_completed([pool.submit(ask, shop) for shop in SHOPS])]
    cheapest = min(came, key=offers.__getitem__)
    bought = buy(article, cheapest, offers[cheapest], order=f"{article}-{cheapest}-{came.index(cheapest)}")
    with app.wrap(OpenAI()) as client:
        facts = f"{article}: asked {', '.join(came)}; bought for {bought['paid_cents']} cents"
        reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": facts}])
    return {"answered": came, "bought": bought, "said": reply.choices[0].message.content}


policy = script([say("I have bought the kettle at the harbour, where it was cheapest.")])
