"""Chance, in all its spellings."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import os
import random
import secrets
import tempfile
import threading
import uuid
from random import random as draw
from random import shuffle
from typing import Any
from uuid import uuid4

from tests.conformance.catalogue import needs
from tests.conformance.world import app, booked, fetch, look


@app.agent
def random_choice() -> list[str]:
    """random.choice and randint decide what is called, and how often."""
    return [look(random.choice("abcdef")) for _ in range(random.randint(2, 5))]


@app.agent
def random_shuffle() -> list[str]:
    """random.shuffle and sample decide the order of calls."""
    names = [f"n{number}" for number in range(5)]
    shuffle(names)
    return [look(name) for name in names] + random.sample(names, 3)


@app.agent
def random_distributions() -> list[Any]:
    """random.gauss, expovariate, getrandbits, randbytes, triangular."""
    seen = [random.gauss(0, 1), random.expovariate(1), random.getrandbits(70), random.randbytes(5).hex()]
    return [*seen, random.triangular(), look(str(seen))]


@app.agent
def random_seeded() -> list[Any]:
    """random.seed by the agent itself, and getstate and setstate."""
    first = random.random()
    random.seed(7)
    state = random.getstate()
    seen = [first, random.random(), random.random()]
    random.setstate(state)
    return [*seen, random.random(), look(str(first))]


@app.agent
def own_generator() -> list[str]:
    """random.Random() without a seed, and SystemRandom."""
    one, other = random.Random(), random.SystemRandom()
    return [look(f"{one.random()} {other.random()}"), look(str(other.randrange(10**9)))]


@app.agent
def early_bound_random() -> list[str]:
    """``from random import random``, bound when the module was imported."""
    return [look(str(draw())) for _ in range(3)]


@app.agent
def early_bound_uuid() -> list[str]:
    """``from uuid import uuid4``, bound when the module was imported."""
    return [look(str(uuid4())) for _ in range(3)]


@app.agent
def uuid_in_the_agent() -> list[str]:
    """uuid.uuid4 and uuid.uuid1 as keys of calls."""
    return [look(str(uuid.uuid4())), look(str(uuid.uuid1()))]


@app.agent
def uuid_in_a_tool() -> list[str]:
    """uuid.uuid4 inside a tool is the tool's own matter."""
    number = booked("room")
    return [number, booked(number)]


@app.agent
def secret_token() -> list[str]:
    """secrets.token_hex, token_urlsafe, choice: their shapes and how they go into a call."""
    token, other = secrets.token_hex(8), secrets.token_urlsafe(6)
    return [str(len(token)), str(len(other)), str(secrets.randbelow(10) < 10), look("with a token")]


@app.agent
def os_urandom() -> list[str]:
    """os.urandom decides a branch."""
    first = os.urandom(4)
    return [str(len(first)), look("high") if first[0] > 127 else look("low")]


@app.agent
def temporary_name() -> list[str]:
    """The names that tempfile makes."""
    candidates = tempfile._get_candidate_names()  # type: ignore[attr-defined]
    return [look(next(candidates)), look(next(candidates))]


@app.agent
async def chance_in_tasks() -> list[str]:
    """random and uuid drawn by racing tasks."""
    seen: list[str] = []

    async def one(name: str) -> None:
        for _ in range(3):
            seen.append(await fetch(f"{name} {random.random()} {uuid.uuid4()}"))
            await asyncio.sleep(random.random() / 1000)

    await asyncio.gather(one("a"), one("b"), one("c"))
    return seen


@app.agent
def chance_in_threads() -> list[str]:
    """random and uuid drawn by racing threads."""
    seen: list[str] = []

    def job(name: str) -> None:
        for _ in range(3):
            seen.append(look(f"{name} {random.random()} {uuid.uuid4()}"))

    threads = [threading.Thread(target=job, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


@needs("numpy")
@app.agent
def numpy_random() -> list[str]:
    """numpy.random: the global generator and one without a seed."""
    import numpy  # type: ignore[import-not-found]

    return [look(str(numpy.random.random())), look(str(numpy.random.default_rng().integers(10**9)))]
