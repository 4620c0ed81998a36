"""An agent that takes from clock, chance and environment wherever it can: coupons that are new each time.

Record it against its own scripted model and replay it, from the root of the repository::

    DISCOUNT=15 harness run examples.coupons:main --model-script examples.coupons:policy --trace coupons.mat.jsonl
    harness replay coupons.mat.jsonl --verify 3

On replay ``DISCOUNT`` need not be set, the draws are those of the recording, and it is the day it was then.
"""

from __future__ import annotations

import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say

app = harness.Harness()

CUSTOMERS = ["ada", "bert", "cleo", "dora", "emil", "fay", "gus"]


@app.tool(effect="write", idempotency_key="code")
def issue(customer: str, code: str, percent: int, until: str) -> dict[str, Any]:
    """Issue a coupon; its number is the shop's own."""
    return {"number": str(uuid.uuid4()), "code": code}


@app.tool(effect="write")
def send(customer: str, text: str) -> bool:
    """Send a message to a customer."""
    return True


@app.agent
def main(winners: int = 3) -> dict[str, Any]:
    """Draw some customers, give each a coupon of a week, and write to them."""
    started = time.perf_counter()
    percent = int(os.environ.get("DISCOUNT", "10"))
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="minutes")
    issued: dict[str, str] = {}
    with app.wrap(OpenAI()) as client:
        for customer in random.sample(CUSTOMERS, winners):
            coupon = issue(customer, uuid.uuid4().hex[:8].upper(), percent, until)
            wish = f"{customer}: {percent} % with {coupon['code']} until {until}"
            reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": wish}])
            send(customer, reply.choices[0].message.content or "")
            issued[customer] = coupon["number"]
    return {"issued": issued, "until": until, "seconds": time.perf_counter() - started}


def policy(request: ModelRequest) -> Reply:
    """Word any coupon: a scripted model."""
    return say(f"Dear {request.text.replace(':', ', here is')}.")
