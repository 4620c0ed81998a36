"""An agent that branches: every finding opens further questions, and whatever comes first is read first.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.research:main --model-script examples.research:policy --trace research.mat.jsonl
    harness replay research.mat.jsonl --verify 3

Tasks make tasks, a semaphore lets three of them search at a time, and ``as_completed`` hands over what is ready.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from openai import AsyncOpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say, slow

app = harness.Harness()

FURTHER = {"bees": ["honey", "wasps"], "honey": ["sugar"], "wasps": ["nests", "stings"]}


@app.tool(effect="read", trust="untrusted")
async def search(question: str) -> list[str]:
    """Search the web; gives what else one might ask."""
    await asyncio.sleep(random.random() * 0.01)
    return FURTHER.get(question, [])


class Research:
    """One piece of research: a client, a limit, and what has been found so far."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self.client, self.limit = client, asyncio.Semaphore(3)
        self.found: list[str] = []

    async def follow(self, question: str) -> int:
        """Answer a question and all that follow from it; gives how deep it went."""
        async with self.limit:
            further = await search(question)
        messages: list[Any] = [{"role": "user", "content": question}]
        reply = await self.client.chat.completions.create(model="gpt-4o", messages=messages)
        self.found.append(f"{question}: {reply.choices[0].message.content}")
        tasks = [asyncio.create_task(self.follow(each)) for each in further]
        return 1 + max([await done for done in asyncio.as_completed(tasks)], default=0)


@app.agent
async def main(question: str = "bees") -> dict[str, Any]:
    """Research a question with all that follows from it."""
    async with app.wrap(AsyncOpenAI()) as client:
        research = Research(client)
        depth = await research.follow(question)
    return {"depth": depth, "found": research.found}


def policy(request: ModelRequest) -> Reply:
    """Know a little of everything: a scripted model, which takes its time by chance."""
    return slow(say(f"{request.text} are a wide field"), first_ms=random.random() * 20)
