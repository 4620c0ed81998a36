"""Sessions in an event loop that is not harness's own, and is late."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from openai import AsyncOpenAI

import harness
from harness.testing.model_server import ModelServer, say

LATE_S = 0.12  # longer than an openai client waits for the end of a stream that has said [DONE]


async def be_late(until: asyncio.Event) -> None:
    """Hold up the loop, again and again."""
    while not until.is_set():
        time.sleep(LATE_S)
        await asyncio.sleep(0)


@pytest.mark.parametrize("streams", [1, 3])
def test_streams_read_by_a_late_loop_replay(streams: int, tmp_path: Path) -> None:
    """However late the loop sees the end of a stream, or the client's own timer for it, the replay goes the same way."""
    app = harness.Harness()

    async def read_all(count: int) -> list[str]:
        async with app.wrap(AsyncOpenAI(base_url=model.base_url, api_key="none-needed")) as client:

            async def read(question: str) -> str:
                asked = [{"role": "user", "content": question}]
                stream = await client.chat.completions.create(model="m", messages=asked, stream=True)  # type: ignore[call-overload]
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return list(await asyncio.gather(*(read(f"question {number}") for number in range(count))))

    agent = app.agent(read_all)

    async def serve() -> None:
        over = asyncio.Event()
        busy = asyncio.create_task(be_late(over))
        async with app.session(trace=tmp_path / "t.mat.jsonl"):
            assert await agent(streams) == ["It is on its way."] * streams
        over.set()
        await busy

    with ModelServer(lambda _: say("It is on its way.")) as model:
        asyncio.run(serve())
    replayed = harness.replay(tmp_path / "t.mat.jsonl", entry=agent)
    assert replayed.equal, replayed.divergence
