"""The official OpenAI client, recorded, checked and replayed at its HTTP transport.

What is not covered: realtime web sockets, and clients built over the legacy ``httpx`` package.
"""

from __future__ import annotations

from typing import TypeVar

import openai

from harness.adapters.apis import openai_api
from harness.adapters.exchange import Doorway
from harness.adapters.official import behind_door, not_of

Client = TypeVar("Client", openai.OpenAI, openai.AsyncOpenAI)


def wrap_openai(client: Client, doorway: Doorway, *, judge_calls: bool = False) -> Client:
    """Give the same client with every request passing the session's door; its key reaches no trace.

    With ``judge_calls`` the tool calls in its answers pass the door too, before the client sees them.
    """
    if not isinstance(client, openai.OpenAI | openai.AsyncOpenAI):
        raise not_of(client, "openai.OpenAI", "openai.AsyncOpenAI")
    if isinstance(client.api_key, str) and client.api_key:
        doorway.keep_secret(client.api_key, "api_key")
    wrapped: Client = behind_door(client, openai_api(client.base_url.path), doorway, judge_calls)
    return wrapped
