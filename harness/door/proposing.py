"""A proposer for a convergence loop that asks a model through an OpenAI client."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from harness.converge.loop.ask import Ask


def proposer(client: Any, model: str, *, system: str = "", **options: Any) -> Callable[[Ask], Any]:
    """Give a function that puts an ``Ask`` to a model as one chat completion and reads its answer as JSON.

    Wrap the client (``app.wrap``), so that every question is recorded. The answer has to be JSON and nothing else: it
    is discarded otherwise, never repaired, and the loop tells the model so. An asynchronous client gives a proposer for
    ``aconverge``. ``options`` go to the client with every call; ``response_format`` is the artifact's schema unless
    they say otherwise.
    """
    create = client.chat.completions.create

    def wanted(ask: Ask) -> dict[str, Any]:
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": ask.prompt})
        shape = {"type": "json_schema", "json_schema": {"name": ask.artifact, "schema": dict(ask.schema)}}
        return {"model": model, "messages": messages, "response_format": shape} | options

    def propose(ask: Ask) -> Any:
        completion = create(**wanted(ask))
        return _awaited(completion) if inspect.isawaitable(completion) else _read(completion)

    return propose


async def _awaited(completion: Awaitable[Any]) -> Any:
    return _read(await completion)


def _read(completion: Any) -> Any:
    message = completion.choices[0].message
    if not message.content:
        raise ValueError(f"the model gave no text{f', but refused: {message.refusal}' if message.refusal else ''}")
    try:
        return json.loads(message.content)
    except ValueError:
        raise ValueError(f"this is no JSON: {message.content[:80]!r}") from None
