"""Model calls through the official client: replayed, and answered by a mock transport with the same bytes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import Any, Final

import httpx2
import orjson
from openai import AsyncOpenAI, OpenAI

from benchmarks.speed.conversation import MODEL, completion
from benchmarks.speed.measure import us_per_call
from harness.door.app import Harness
from harness.door.recorded import RecordedSession

CALLS: Final = 200
PIECES: Final = 50
KINDS: Final = ("model", "async_model", "stream", "async_stream")

_ANSWER: Final = orjson.dumps(completion(1, "Your flight HAT136 is booked, window seat and all."))
_ASKED: Final[dict[str, Any]] = {"model": MODEL, "messages": [{"role": "user", "content": "Book me on HAT136."}]}
_CLIENT: Final[dict[str, Any]] = {"base_url": "http://scripted/v1", "api_key": "no-key-is-needed"}


def _pieces() -> list[bytes]:
    """Give a streamed answer as a server sends it."""
    said = []
    for number in range(PIECES):
        choice = {"index": 0, "delta": {"content": f"word {number} "}, "finish_reason": None}
        piece = completion(1, "") | {"object": "chat.completion.chunk", "choices": [choice], "usage": None}
        said.append(b"data: %b\n\n" % orjson.dumps(piece))
    return [*said, b"data: [DONE]\n\n"]


_STREAMED: Final = _pieces()


async def _astreamed() -> AsyncIterator[bytes]:
    for piece in _STREAMED:
        yield piece


def _answer(request: httpx2.Request) -> httpx2.Response:
    if b'"stream":true' not in request.content:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=_ANSWER)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=iter(_STREAMED))


async def _aanswer(request: httpx2.Request) -> httpx2.Response:
    if b'"stream":true' not in request.content:
        return _answer(request)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=_astreamed())


def model_timings(folder: str) -> dict[str, Callable[[], float]]:
    """Give the timing of each kind of call, by its name and ``_replayed`` or ``_mock``."""
    timings: dict[str, Callable[[], float]] = {}
    for kind in KINDS:
        one = _asynchronous if kind.startswith("async") else _synchronous
        timings |= {f"{kind}_{way}": timing for way, timing in one(folder, kind, kind.endswith("stream")).items()}
    return timings


def _synchronous(folder: str, kind: str, stream: bool) -> dict[str, Callable[[], float]]:
    plain = OpenAI(**_CLIENT, http_client=httpx2.Client(transport=httpx2.MockTransport(_answer)))
    app = Harness(durability="none")
    wrapped = app.wrap(plain)

    def agent(client: OpenAI, calls: int) -> None:
        for _ in range(calls):
            if stream:
                heard: Iterator[Any] = iter(client.chat.completions.create(**_ASKED, stream=True))
                assert sum(1 for _ in heard) == PIECES
            else:
                assert client.chat.completions.create(**_ASKED).choices

    path = os.path.join(folder, f"{kind}.mat.jsonl")
    with app.session(trace=path):
        agent(wrapped, CALLS)

    def replayed() -> float:
        session, inside = RecordedSession(app, path), copy_context()
        inside.run(session.__enter__)
        inside.run(session.started)
        taken = us_per_call(lambda calls: inside.run(agent, wrapped, calls), CALLS)
        inside.run(session.__exit__, None, None, None)
        return taken

    return {"mock": lambda: us_per_call(lambda calls: agent(plain, calls), CALLS), "replayed": replayed}


def _asynchronous(folder: str, kind: str, stream: bool) -> dict[str, Callable[[], float]]:
    app = Harness(durability="none")

    def client() -> AsyncOpenAI:
        return AsyncOpenAI(**_CLIENT, http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(_aanswer)))

    async def calling(client: AsyncOpenAI) -> None:
        for _ in range(CALLS):
            if stream:
                heard = [piece async for piece in await client.chat.completions.create(**_ASKED, stream=True)]
                assert len(heard) == PIECES
            else:
                assert (await client.chat.completions.create(**_ASKED)).choices

    @app.agent
    async def agent() -> None:
        await calling(app.wrap(client()))

    path = os.path.join(folder, f"{kind}.mat.jsonl")
    app.session(trace=path).run(agent)

    def replayed() -> float:
        session = RecordedSession(app, path)
        return us_per_call(lambda _: session.run(agent), CALLS)

    return {"mock": lambda: us_per_call(lambda _: asyncio.run(calling(client())), CALLS), "replayed": replayed}
