"""Patients are moved to other hospitals: two branches at once, a region that is down for a while, a pager that flaps.

Record it and replay it, from the root of the repository::

    harness run examples.transfer:main --trace transfer.mat.jsonl
    harness replay transfer.mat.jsonl --verify 3

The region's system is down at first; its breaker keeps the second patient away from both of its hospitals and lets the
third one try again. The last one is too heavy for a crew on the road. The pager loses every other answer: a page is
sent again with its key, and where two answers are lost nobody knows, so the route ends and nothing is taken back. The
graph is in ``transfer.yaml``.
"""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import harness

app = harness.Harness(Path(__file__).with_name("transfer.yaml"))


class NoCrew(Exception):
    """No crew is free; nothing was booked."""


class NoAnswer(Exception):
    """Nobody answered the telephone."""


class World:
    """What the tools meet: counted, so that it behaves alike in every recording."""

    def __init__(self) -> None:
        self.asked, self.answers, self.pages = count(), count(), set[str]()


world = World()


async def _bed(hospital: str, down: bool) -> str:
    await asyncio.sleep(0.002)
    if down:
        raise ConnectionError("the region's system does not answer")
    return f"a bed in {hospital}"


@app.tool(effect="read")
async def bed_north(patient: dict[str, Any]) -> str:
    """Ask the hospital in the north, which is down the first two times."""
    return await _bed("the north", next(world.asked) < 2)


@app.tool(effect="read")
async def bed_south(patient: dict[str, Any]) -> str:
    """Ask the hospital in the south."""
    return await _bed("the south", down=False)


@app.tool(effect="read")
async def bed_coast(patient: dict[str, Any]) -> str:
    """Ask the hospital at the coast."""
    return await _bed("the coast", down=False)


@app.tool(undo="send_crew_home")
async def crew(patient: dict[str, Any]) -> str:
    """Book a crew on the road, which takes nobody above 150 kg."""
    await asyncio.sleep(0.004)
    if patient["weight_kg"] > 150:
        raise NoCrew("the stretcher carries 150 kg")
    return f"crew for {patient['name']}"


@app.tool(undo="send_crew_home")
async def helicopter(patient: dict[str, Any]) -> str:
    """Book a crew in the air."""
    return f"helicopter for {patient['name']}"


@app.tool(idempotent=True)
async def send_crew_home(patient: dict[str, Any]) -> None:
    """Undo the booking of a crew."""


@app.tool(idempotency_key="key")
async def page_ward(bed: str, key: str) -> str:
    """Page the ward: the page is sent once for each key, and every other answer is lost."""
    world.pages.add(key)
    if next(world.answers) % 2 == 0:
        raise TimeoutError("no acknowledgement")
    return "paged"


@app.tool
async def call_ward(bed: str) -> str:
    """Telephone the ward."""
    raise NoAnswer("nobody answers")


@app.goal
async def transfer(patient: dict[str, Any]) -> dict[str, Any]:
    """Move a patient: a bed, a crew, and a ward that knows."""
    raise NotImplementedError


async def _moved(name: str, weight_kg: int = 80) -> Any:
    try:
        return await transfer({"name": name, "weight_kg": weight_kg})
    except harness.NoRoute as error:
        return str(error)


@app.agent
async def main() -> list[Any]:
    """Move four patients, the last two at once."""
    moved = [await _moved("Ada"), await _moved("Bo")]
    await asyncio.sleep(0.08)
    return [*moved, *await asyncio.gather(_moved("Cy"), _moved("Di", 200))]
