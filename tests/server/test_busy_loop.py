"""Sessions in an event loop that is not harness's own, and is late."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from openai import AsyncOpenAI

import harness
from harness.testing.model_server import ModelServer, say

LATE_S = 0.11  # longer than an openai client waits for the end of a stream that has said [DONE]


async def be_late(after: asyncio.Event) -> None:
    """Hold up the loop several times in a row."""
    await after.wait()
    for _ in range(12):
        time.sleep(LATE_S)
        await asyncio.sleep(0)


@pytest.mark.parametrize("streams", [1, 3])
def test_streams_read_by_a_late_loop_replay(streams: int, tmp_path: Path) -> None:
    """However late the loop sees the end of a stream, or the timer for it, the replay goes the same way."""
    app = harness.Harness()
    ending = asyncio.Event()

    async def read_all(count: int) -> list[str]:
        async with app.wrap(AsyncOpenAI(base_url=model.base_url, api_key="none-needed")) as client:

            async def read(question: str) -> str:
                stream = await client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": question}], stream=True
                )
                text = ""
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or ""
                    if chunk.choices[0].finish_reason:
                        ending.set()
                return text

            return list(await asyncio.gather(*(read(f"question {number}") for number in range(count))))

    agent = app.agent(read_all)

    async def serve() -> None:
        busy = asyncio.create_task(be_late(ending))
        async with app.session(trace=tmp_path / "t.mat.jsonl"):
            assert await agent(streams) == ["It is on its way."] * streams
        await busy

    with ModelServer(lambda _: say("It is on its way.")) as model:
        asyncio.run(serve())
    replayed = harness.replay(tmp_path / "t.mat.jsonl", entry=agent)
    assert replayed.equal, replayed.divergence
