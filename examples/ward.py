"""A night watch on a ward: beds are read side by side, and what the model wants to give is checked before it is given.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.ward:main --model-script examples.ward:policy --trace ward.mat.jsonl
    harness replay ward.mat.jsonl --verify 3

The rules are in ``ward.yaml``: one takes a dose down to what the formulary allows, one blocks a dose for somebody
without fever. This is an example of a program, not of medicine.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say

app = harness.Harness(Path(__file__).with_name("ward.yaml"))

READINGS = {"1": (36.8, 64), "2": (39.4, 96), "3": (37.1, 71)}


@app.tool(effect="read", trust="trusted")
async def vitals(bed: str) -> dict[str, Any]:
    """Read temperature and pulse at a bed."""
    await asyncio.sleep(random.random() * 0.01)
    celsius, pulse = READINGS[bed]
    return {"celsius": celsius, "pulse": pulse}


@app.tool(effect="write", impact="medication")
async def give_paracetamol(bed: str, mg: int) -> str:
    """Have a dose given; says what was given."""
    return f"{mg} mg for bed {bed}"


@app.tool(effect="write", idempotent=True)
async def call_nurse(bed: str, why: str) -> None:
    """Call the nurse to a bed."""


async def round_at(client: AsyncOpenAI, bed: str) -> str:
    """Read one bed, ask the model what to do, and do it as far as the rules allow."""
    reading = await vitals(bed)
    question = f"bed {bed}: {reading['celsius']} degrees, pulse {reading['pulse']}"
    messages: list[Any] = [
        {"role": "system", "content": "Answer with a dose in mg."},
        {"role": "user", "content": question},
    ]
    reply = await client.chat.completions.create(model="gpt-4o", messages=messages)
    dose = int(reply.choices[0].message.content or "0")
    if not dose:
        return f"bed {bed} sleeps"
    try:
        return await give_paracetamol(bed, dose)
    except harness.Refused as refused:
        await call_nurse(bed, why=refused.reason)
        return f"the nurse is called to bed {bed}"


@app.agent
async def main(beds: list[str] = ["1", "2", "3"]) -> list[str]:  # noqa: B006 - JSON that nobody changes
    """Make one round, all beds at once; reports come as they are done."""
    async with app.wrap(AsyncOpenAI()) as client:
        return [await done for done in asyncio.as_completed([round_at(client, bed) for bed in beds])]


DOSES = {"bed 1": "0", "bed 2": "1500", "bed 3": "500"}


def policy(request: ModelRequest) -> Reply:
    """Suggest doses that are too much or not called for: a scripted model."""
    return say(DOSES[request.text.partition(":")[0]])
