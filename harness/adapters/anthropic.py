"""The official Anthropic client, recorded, checked and replayed at its HTTP transport.

Its calls are ``anthropic:messages``, with the header ``anthropic-beta`` and the query left to the client. What is not
covered: the clients for other clouds (Bedrock, Vertex), whose wire formats are their own.
"""

from __future__ import annotations

from typing import TypeVar

import anthropic

from harness.adapters.apis import anthropic_api
from harness.adapters.exchange import Doorway
from harness.adapters.official import behind_door, not_of

Client = TypeVar("Client", anthropic.Anthropic, anthropic.AsyncAnthropic)


def wrap_anthropic(client: Client, doorway: Doorway, *, judge_calls: bool = False) -> Client:
    """Give the same client with every request passing the session's door; its key reaches no trace.

    With ``judge_calls`` the tool calls in its answers pass the door too, before the client sees them.
    """
    if not isinstance(client, anthropic.Anthropic | anthropic.AsyncAnthropic):
        raise not_of(client, "anthropic.Anthropic", "anthropic.AsyncAnthropic")
    for name in ("api_key", "auth_token"):
        if secret := getattr(client, name):
            doorway.keep_secret(secret, name)
    wrapped: Client = behind_door(client, anthropic_api(client.base_url.path.rstrip("/") + "/v1"), doorway, judge_calls)
    return wrapped
