"""Model calls through the official client, against a model that is scripted."""

# ruff: noqa: D401 (a docstring names the construct that its agent is about)
from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openai import APIStatusError, AsyncOpenAI, OpenAI

from harness.testing.model_server import ModelRequest, Reply, fail, flaky, say, slow
from tests.conformance.world import app, fetch, look

LONG = "It is on its way, and will be with you the day after tomorrow, or the day after that."


def policy(request: ModelRequest) -> Reply:
    """Answer by the first word of the last message; the model is scripted, and takes its time by chance."""
    first, _, _ = request.text.partition(" ")
    answer = slow(say(f"{LONG} You said: {request.text}"), first_ms=random.random() * 4, chunk_ms=random.random())
    if first == "limited":
        return flaky(answer, times=2, first=fail(429, "slow down", retry_after_s=0.02))
    if first == "shaky":
        return flaky(answer, times=1, first=fail(503))
    if first == "dead":
        return fail(500)
    return answer


def _asked(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


def _text(reply: Any) -> str:
    return reply.choices[0].message.content or ""


@app.agent
def model() -> list[str]:
    """A plain answer, and a tool with a word of it."""
    with app.wrap(OpenAI()) as client:
        said = _text(client.chat.completions.create(model="scripted", messages=_asked("hello")))
        return [said, look(said[:20])]


@app.agent
async def models_side_by_side() -> list[str]:
    """Six model calls at once, in the order of their answers."""
    async with app.wrap(AsyncOpenAI()) as client:

        async def ask(question: str) -> str:
            reply = await client.chat.completions.create(model="scripted", messages=_asked(question))
            return _text(reply) + await fetch(question)

        return [await done for done in asyncio.as_completed([ask(f"number {number}") for number in range(6)])]


@app.agent
def models_in_threads() -> list[str]:
    """One synchronous client used by a pool of threads."""
    with app.wrap(OpenAI()) as client, ThreadPoolExecutor(3) as pool:
        seen: list[str] = []

        def ask(question: str) -> None:
            seen.append(_text(client.chat.completions.create(model="scripted", messages=_asked(question))))
            seen.append(look(question))

        list(pool.map(ask, [f"number {number}" for number in range(5)]))
        return seen


@app.agent
def stream() -> list[str]:
    """A streamed answer, synchronous, with a tool between two pieces."""
    with app.wrap(OpenAI()) as client:
        chunks = client.chat.completions.create(model="scripted", messages=_asked("hello"), stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        return [*pieces, look("".join(pieces[:2]))]


@app.agent
async def streams_side_by_side() -> list[str]:
    """Three streamed answers read at once: their pieces come mixed."""
    seen: list[str] = []
    async with app.wrap(AsyncOpenAI()) as client:

        async def read(name: str) -> None:
            answer = await client.chat.completions.create(model="scripted", messages=_asked(name), stream=True)
            async for chunk in answer:
                if chunk.choices and chunk.choices[0].delta.content:
                    seen.append(f"{name} {chunk.choices[0].delta.content}")

        await asyncio.gather(read("a"), read("b"), read("c"))
    return seen


@app.agent
async def stream_left_early() -> list[str]:
    """A streamed answer that is not read to its end."""
    seen: list[str] = []
    async with app.wrap(AsyncOpenAI()) as client:
        answer = await client.chat.completions.create(model="scripted", messages=_asked("hello"), stream=True)
        async with answer:
            async for chunk in answer:
                seen.append(chunk.choices[0].delta.content or "")
                if len(seen) > 2:
                    break
        return [*seen, await fetch("after")]


@app.agent
async def stream_too_slow() -> list[str]:
    """A streamed answer under a timeout: how much of it had come."""
    seen: list[str] = []
    async with app.wrap(AsyncOpenAI()) as client:
        try:
            async with asyncio.timeout(0.008):
                answer = await client.chat.completions.create(model="scripted", messages=_asked("hello"), stream=True)
                async with answer:
                    async for chunk in answer:
                        seen.append(chunk.choices[0].delta.content or "")
        except TimeoutError:
            seen.append("time is up")
    return seen


@app.agent
def rate_limited() -> list[str]:
    """The client's own backoff after 429, with what the server says about when."""
    with app.wrap(OpenAI(max_retries=3)) as client:
        return [_text(client.chat.completions.create(model="scripted", messages=_asked("limited please")))]


@app.agent
async def backoff_with_jitter() -> list[str]:
    """The client's own backoff after 503, whose jitter decides who comes first."""
    seen: list[str] = []
    async with app.wrap(AsyncOpenAI(max_retries=2)) as client:

        async def ask(question: str) -> None:
            await client.chat.completions.create(model="scripted", messages=_asked(question))
            seen.append(await fetch(question))

        await asyncio.gather(*(ask(f"shaky {number}") for number in range(3)))
    return seen


@app.agent
def model_that_fails() -> list[str]:
    """An error of the model that the agent catches."""
    with app.wrap(OpenAI(max_retries=0)) as client:
        try:
            return [_text(client.chat.completions.create(model="scripted", messages=_asked("dead")))]
        except APIStatusError as error:
            return [f"{type(error).__name__} {error.status_code}", look("instead")]


@app.agent
async def model_too_slow() -> list[str]:
    """A model call cancelled by a timeout of the agent."""
    seen: list[str] = []
    async with app.wrap(AsyncOpenAI()) as client:
        for number in range(4):
            try:
                async with asyncio.timeout(0.006):
                    reply = await client.chat.completions.create(model="scripted", messages=_asked(f"n {number}"))
                    seen.append(_text(reply))
            except TimeoutError:
                seen.append(await fetch(f"instead of {number}"))
    return seen
