"""Two kinds of agents that hand each other messages: an editor plans a report, reporters look things up and write.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.newsroom:main --model-script examples.newsroom:policy --trace newsroom.mat.jsonl
    harness replay newsroom.mat.jsonl --verify 3

The agents are tasks of one event loop with queues between them. Whoever is free takes the next topic, so who writes
what is another matter each time; the trace keeps it.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from openai import AsyncOpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say, slow

app = harness.Harness()

Desk = asyncio.Queue[str]
Drafts = asyncio.Queue[tuple[str, str, str]]


@app.tool(effect="read", trust="untrusted")
async def archive(topic: str) -> str:
    """Look a topic up in the archive."""
    await asyncio.sleep(random.random() * 0.01)
    return f"{topic}: {len(topic)} clippings"


@app.tool(effect="write")
async def publish(title: str, parts: list[str]) -> int:
    """Publish a report; gives its number of parts."""
    return len(parts)


async def ask(client: AsyncOpenAI, role: str, content: str) -> str:
    """Put one question to the model."""
    messages: list[Any] = [{"role": "system", "content": role}, {"role": "user", "content": content}]
    reply = await client.chat.completions.create(model="gpt-4o", messages=messages)
    return reply.choices[0].message.content or ""


async def reporter(name: str, client: AsyncOpenAI, desk: Desk, drafts: Drafts) -> None:
    """Take topics from the desk for ever: look each up and write a paragraph."""
    while True:
        topic = await desk.get()
        known = await archive(topic)
        await drafts.put((topic, name, await ask(client, f"You are {name}, a reporter.", known)))


@app.agent
async def main(subject: str = "the harbour") -> dict[str, Any]:
    """Plan a report, have it written by two reporters, and publish it in the planned order."""
    desk, drafts = Desk(), Drafts()
    async with app.wrap(AsyncOpenAI()) as client, asyncio.TaskGroup() as group:
        reporters = [group.create_task(reporter(name, client, desk, drafts)) for name in ("Ada", "Bert")]
        plan = (await ask(client, "You are the editor.", subject)).split(", ")
        for topic in plan:
            desk.put_nowait(topic)
        written = [await drafts.get() for _ in plan]
        for task in reporters:
            task.cancel()
    parts = {topic: text for topic, _, text in written}
    await publish(subject, [parts[topic] for topic in plan])
    return {"plan": plan, "written": [[topic, name] for topic, name, _ in written]}


def policy(request: ModelRequest) -> Reply:
    """Plan as an editor, write as a reporter: a scripted model, which takes its time by chance."""
    if "editor" in request.messages[0]["content"]:
        return say("ships, prices, weather, people")
    return slow(say(f"Much was said about {request.text}."), first_ms=random.random() * 20)
