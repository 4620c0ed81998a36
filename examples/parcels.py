"""A synchronous agent that meets errors: a carrier that is down twice, a parcel nobody knows, and a busy model.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.parcels:main --model-script examples.parcels:policy --trace parcels.mat.jsonl
    harness replay parcels.mat.jsonl --verify 3

The pause between two tries is drawn by ``random`` and slept by ``time.sleep``; on replay the draw is the recorded one
and the sleep takes no time. The client's own tries after a 429 are in the trace as well.
"""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import fail, flaky, say, script

app = harness.Harness()

PARCELS = {"P-1": "in Lyon", "P-2": "at your neighbour's"}
outages = itertools.count(1)


@app.tool(effect="read", trust="trusted")
def locate(parcel: str) -> str:
    """Ask the carrier where a parcel is; its service is down for the first two calls."""
    if next(outages) <= 2:
        raise ConnectionError("the carrier's service is down")
    return PARCELS[parcel]


@app.tool(effect="write", impact="customer")
def open_case(parcel: str, note: str) -> str:
    """Have a person look for a parcel."""
    return f"case for {parcel}: {note}"


def located(parcel: str, tries: int = 4) -> str:
    """Ask again after a pause that doubles, with jitter; a parcel that is not known is no reason to."""
    for attempt in range(tries):
        try:
            return locate(parcel)
        except ConnectionError:
            time.sleep(0.01 * 2**attempt * (1 + random.random()))
    raise TimeoutError(f"{tries} tries were not enough for {parcel}")


@app.agent
def main(parcels: list[str] = ["P-1", "P-2", "P-3"]) -> str:  # noqa: B006 - JSON that nobody changes
    """Find out about some parcels and have the model put it into words."""
    found: dict[str, Any] = {}
    for parcel in parcels:
        try:
            found[parcel] = located(parcel)
        except KeyError as unknown:
            found[parcel] = open_case(parcel, note=f"the carrier does not know {unknown}")
    with app.wrap(OpenAI()) as client:
        question = "\n".join(f"{parcel} is {place}" for parcel, place in found.items())
        reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content or ""


busy = fail(429, "too many requests", retry_after_s=0.02)
policy = script([flaky(say("One is in Lyon, one next door, and we are looking for the third."), first=busy)])
