"""A web server whose every request is a session of its own, over one shared client.

Serve it from the root of the repository (``pip install starlette uvicorn``), ask, and replay what one request did::

    uvicorn examples.server:web
    curl --json '{"question": "Where is W-77, and where is W-78?"}' localhost:8000/ask
    harness replay runs/run-000001.mat.jsonl --verify 3

The client reads ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``; ``harness.testing.model_server`` is a model to try it with.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import harness
from harness.testing.model_server import call, calls, say, script

app = harness.Harness()
client = app.wrap(AsyncOpenAI())

SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOL: Any = {"type": "function", "function": {"name": "get_order", "description": "Look up.", "parameters": SCHEMA}}


@app.tool(effect="read", trust="trusted")
async def get_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    await asyncio.sleep(0.01)  # a database takes its time
    return {"order_id": order_id, "status": "on its way"}


@app.agent
async def answer(question: str) -> str:
    """Look up what the model wants to know and give its answer."""
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        reply = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL])
        said = reply.choices[0].message
        if not said.tool_calls:
            return said.content or ""
        messages += [said.to_dict(), *await asyncio.gather(*map(look_up, said.tool_calls))]


async def look_up(wanted: Any) -> dict[str, Any]:
    """Call the tool and write its result as the message the model reads."""
    order = await get_order(**json.loads(wanted.function.arguments))
    return {"role": "tool", "tool_call_id": wanted.id, "content": json.dumps(order)}


async def ask(request: Request) -> JSONResponse:
    """Answer one request in one session."""
    question = (await request.json())["question"]
    async with app.session() as session:
        text = await answer(question)
    return JSONResponse({"answer": text, "trace": session.trace.path, "digest": session.trace.digest})


web = Starlette(routes=[Route("/ask", ask, methods=["POST"])])

lookups = calls(call("get_order", order_id="W-77"), call("get_order", order_id="W-78"))
policy = script([lookups, say("Both will come soon.")])
