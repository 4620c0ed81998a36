"""The chat messages that a trace carries, whichever event they travel in.

A message is said outright (``message`` events), arrives in the request of a model call (only what is new since the
call it continues), or in its answer. Chat Completions and Responses are read alike; a stream is read as the message
its chunks add up to. Text that is not understood is never dropped: it stays in ``Message.raw``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from harness.trace.event import Event


class Message(NamedTuple):
    """One chat message: ``tool_calls`` are ``{"id", "tool", "args"}``, args None where they are not JSON."""

    role: str
    text: str
    tool_calls: tuple[dict[str, Any], ...]
    raw: dict[str, Any]


def messages_in(event: Event, action: Event | None = None) -> Iterator[Message]:
    """Yield the messages an event adds; ``action`` is the action an observation answers. O(new text)."""
    body = event.body
    if event.kind == "message":
        yield read_message(body["message"])
    elif event.kind == "action" and body["surface"] == "model":
        yield from map(read_message, body["args"].get("messages", ()))
    elif event.kind == "observation" and action is not None and action.body["surface"] == "model" and "ok" in body:
        yield from map(read_message, replies(body["ok"]))


def read_message(raw: dict[str, Any]) -> Message:
    """Read one Chat Completions message or one Responses item."""
    kind = raw.get("type", "message")
    if kind == "function_call":
        return Message("assistant", "", (_call(raw.get("call_id"), raw.get("name"), raw.get("arguments")),), raw)
    if kind == "function_call_output":
        return Message("tool", text_of(raw.get("output")), (), raw)
    calls = tuple(
        _call(call.get("id"), function.get("name"), function.get("arguments"))
        for call in raw.get("tool_calls") or ()
        if isinstance(function := call.get("function"), dict)
    )
    return Message(str(raw.get("role", "")), text_of(raw.get("content")), calls, raw)


def text_of(content: Any) -> str:
    """Join the text parts of a message's content."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part if isinstance(part, str) else str(part.get("text") or part.get("refusal") or "")
            for part in content
            if isinstance(part, str | dict)
        )
    return ""


def replies(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the messages of a recorded HTTP response, streamed or whole."""
    if "chunks" in response:
        return _assemble("".join(chunk[1] for chunk in response["chunks"] if isinstance(chunk[1], str)))
    body = response.get("body")
    if not isinstance(body, dict):
        return []
    if isinstance(body.get("choices"), list):
        return [choice["message"] for choice in body["choices"] if isinstance(choice.get("message"), dict)]
    if isinstance(body.get("output"), list):
        return [item for item in body["output"] if isinstance(item, dict)]
    return []


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    try:
        args = orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        args = None
    return {"id": call_id, "tool": name, "args": args}


def _assemble(stream: str) -> list[dict[str, Any]]:
    """Add up the deltas of a server-sent event stream."""
    choices: dict[int, dict[str, Any]] = {}
    for data in _server_sent(stream):
        if data.get("type") == "response.completed":
            return replies({"body": data.get("response")})
        for choice in data.get("choices") or ():
            _add(
                choices.setdefault(choice.get("index", 0), {"role": "assistant", "content": ""}),
                choice.get("delta") or {},
            )
    return [choices[index] for index in sorted(choices)]


def _server_sent(stream: str) -> Iterator[dict[str, Any]]:
    for line in stream.split("\n"):  # not splitlines: a text may hold other separators, such as U+2028
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            try:
                data = orjson.loads(line[5:])
            except orjson.JSONDecodeError:
                continue  # the cut end of a broken stream
            if isinstance(data, dict):
                yield data


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    message["role"] = delta.get("role") or message["role"]
    message["content"] += delta.get("content") or ""
    for piece in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        while len(calls) <= piece.get("index", 0):
            calls.append({"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
        call = calls[piece.get("index", 0)]
        call["id"] = piece.get("id") or call["id"]
        function = piece.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""
