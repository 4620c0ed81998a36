"""A web server whose requests are sessions, or are none: the subject of the tests beside it.

Every answer repeats the words of its question, so a word that turns up in the wrong place can be traced to its request.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import threading
import time
import uuid


def interpreter() -> list[int]:
    """Give the identities of the functions and types that a recorder might be tempted to replace."""
    timing = [time.time, time.monotonic, time.sleep, datetime.datetime, datetime.date]
    chance = [random.random, random.choice, random.Random, os.urandom, uuid.uuid4]
    waiting = [asyncio.sleep, asyncio.gather, asyncio.wait, asyncio.as_completed]
    return list(map(id, [*timing, *chance, *waiting]))


BEFORE = interpreter()

from openai import AsyncOpenAI  # noqa: E402 — the interpreter is looked at before anything else is imported
from starlette.applications import Starlette  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import JSONResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

import harness  # noqa: E402

app = harness.Harness()
client = app.wrap(AsyncOpenAI())

SESSIONS, OUTSIDERS, THREADS = 100, 10, 20
together = asyncio.Barrier(SESSIONS + OUTSIDERS)
threads_together = threading.Barrier(THREADS)
open_sessions = 0


@app.tool(effect="read")
async def look_up(item: str) -> str:
    """Take a time that nobody can foresee."""
    await asyncio.sleep(random.random() * 0.02)
    return f"{item} costs {random.random()}"


@app.tool(effect="read")
def count(item: str) -> str:
    """Give an answer that cannot be given twice."""
    return f"{item} is there {random.random()} times"


async def ask(text: str) -> str:
    """Ask the model for a whole answer."""
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content or ""


async def plain(question: str) -> str:
    """Do one thing after the other."""
    return await ask(f"{count(await look_up(question))} {await ask(question)}")


async def streaming(question: str) -> str:
    """Read two streams at the same time."""

    async def read(text: str) -> str:
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": text}], stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    return " ".join(await asyncio.gather(read(count(question)), read(await look_up(question))))


async def gathering(question: str) -> str:
    """Let three tasks race, each through a tool, the model, and a tool."""

    async def explore(part: int) -> str:
        return count(await ask(await look_up(f"{question} part {part}")))

    tasks = [asyncio.create_task(explore(part)) for part in range(3)]  # as_completed would start them in any order
    found = [await first for first in asyncio.as_completed(tasks)]
    return await ask(" ".join(found))


WAYS = {"plain": plain, "streaming": streaming, "gathering": gathering}


@app.agent
async def answer(question: str, way: str) -> str:
    """Answer a question in one of several ways."""
    return await WAYS[way](question)


@app.agent
def answer_at_once(question: str) -> str:
    """Answer a question without waiting for anything."""
    return count(count(question))


async def inside(request: Request) -> JSONResponse:
    """Answer inside a session, begun while all the others are open."""
    global open_sessions
    arguments = await request.json()
    async with app.session() as session:
        open_sessions += 1
        await together.wait()
        text = await answer(**arguments)
        open_sessions -= 1
    return JSONResponse({"answer": text, "trace": session.trace.path, "digest": session.trace.digest})


async def outside(request: Request) -> JSONResponse:
    """Use the same client and tools without a session, and look at the interpreter while sessions are open."""
    question = (await request.json())["question"]
    await together.wait()
    seen = [interpreter()]
    neighbours = open_sessions
    text = await ask(count(await look_up(question)))
    seen.append(interpreter())
    return JSONResponse({"answer": text, "neighbours": neighbours, "untouched": all(ids == BEFORE for ids in seen)})


def in_a_thread(request: Request) -> JSONResponse:
    """Answer in a thread of the server's pool, at the same moment as other threads."""
    question = request.query_params["question"]
    with app.session() as session:
        threads_together.wait(timeout=30)
        text = answer_at_once(question)
    return JSONResponse({"answer": text, "trace": session.trace.path, "digest": session.trace.digest})


async def after(request: Request) -> JSONResponse:
    """Look at the interpreter when all is over."""
    return JSONResponse({"untouched": interpreter() == BEFORE})


web = Starlette(
    routes=[
        Route("/inside", inside, methods=["POST"]),
        Route("/outside", outside, methods=["POST"]),
        Route("/thread", in_a_thread),
        Route("/after", after),
    ]
)
