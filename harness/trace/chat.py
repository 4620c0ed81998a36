"""The chat messages that a trace carries, whichever event they travel in.

A message is said outright (``message`` events), arrives in the request of a model call (only what is new since the
call it continues), or in its answer. Chat Completions, Responses and Anthropic's Messages are read alike; a stream is
read as the message its chunks add up to. Text that is not understood is never dropped: it stays in ``Message.raw``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from harness.trace.event import Event
from harness.trace.value import decode_value

# how Chat Completions, Responses and Anthropic's Messages call the most tokens of an answer
_BOUNDS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_COUNTED: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


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
        yield from map(read_message, _objects(body["args"].get("messages")))
    elif event.kind == "observation" and action is not None and action.body["surface"] == "model" and "ok" in body:
        yield from map(read_message, replies(body["ok"]))


def read_message(raw: dict[str, Any]) -> Message:
    """Read one Chat Completions message or one Responses item."""
    kind = raw.get("type", "message")
    if kind == "function_call":
        return Message("assistant", "", (_call(raw.get("call_id"), raw.get("name"), raw.get("arguments")),), raw)
    if kind == "function_call_output":
        return Message("tool", text_of(raw.get("output")), (), raw)
    calls = [
        _call(call.get("id"), function.get("name"), function.get("arguments"))
        for call in _objects(raw.get("tool_calls"))
        if isinstance(function := call.get("function"), dict)
    ]
    calls += [_call(block.get("id"), block.get("name"), block.get("input")) for block in _blocks(raw, "tool_use")]
    results = [text_of(block.get("content")) for block in _blocks(raw, "tool_result")]
    text = text_of(raw.get("content"))
    if results and not text:  # nobody has said this but the tools
        return Message("tool", "\n".join(results), (), raw)
    return Message(str(raw.get("role", "")), text, tuple(calls), raw)


def _blocks(message: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Yield the blocks of one kind that an Anthropic message has among its content."""
    return (block for block in _objects(message.get("content")) if block.get("type") == kind)


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


def replies(response: Any) -> list[dict[str, Any]]:
    """Give the messages of a recorded HTTP response, streamed or whole."""
    if not isinstance(response, dict):
        return []
    if "chunks" in response:
        return _assemble(_text_of_chunks(response["chunks"]))
    body = response.get("body")
    if not isinstance(body, dict):
        return []
    if "choices" in body:
        return list(_objects([choice.get("message") for choice in _objects(body["choices"])]))
    if body.get("type") == "message":
        return [body]
    return list(_objects(body.get("output")))


def bodies_of(response: Any) -> Iterator[dict[str, Any]]:
    """Yield the JSON bodies of a recorded HTTP response: the one it has, or that of each event of a stream."""
    if isinstance(response, dict) and "chunks" in response:
        yield from _server_sent(_text_of_chunks(response["chunks"]))
    elif isinstance(response, dict) and isinstance(response.get("body"), dict):
        yield response["body"]


def tokens_of(response: Any) -> int | None:
    """Give the tokens that a recorded HTTP response says it took, streamed or whole; None where it does not say.

    Anthropic counts what was read and what was written apart, and in a stream says each when it knows it.
    """
    total: int | None = None
    counted: dict[str, int] = {}
    for body in bodies_of(response):
        inner = body.get("response", body.get("message", body))
        usage = inner.get("usage") if isinstance(inner, dict) else None
        if isinstance(usage, dict):
            total = _count(usage, "total_tokens", total)
            counted |= {name: tokens for name in _COUNTED if (tokens := _count(usage, name)) is not None}
    return sum(counted.values()) if total is None and len(counted) > 1 else total


def reserved_by(request: Any) -> int | None:
    """Give the most tokens that the answers to a request may take; None where it sets no bound.

    ``request`` are the arguments of a model call, as they are sent or as a trace holds them. What the request itself
    takes is not counted: only the model's own tokenizer knows it.
    """
    if not isinstance(request, dict):
        return None
    options = request.get("options")
    said = request | options if isinstance(options, dict) else request
    bounds = [said[name] for name in _BOUNDS if type(said.get(name)) is int and said[name] >= 0]
    answers = said.get("n")
    return max(bounds) * (answers if type(answers) is int and answers > 0 else 1) if bounds else None


def _count(usage: dict[str, Any], name: str, otherwise: int | None = None) -> int | None:
    tokens = usage.get(name)
    return tokens if type(tokens) is int else otherwise


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    try:
        args = orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        args = None
    return {"id": call_id, "tool": name, "args": args}


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; whatever else stands where objects should be is passed over."""
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _text_of_chunks(chunks: Any) -> str:
    """Join the pieces of a stream; a piece that ends inside a character was kept as bytes."""
    try:
        pieces = (decode_value(chunk[1]) for chunk in chunks)
        return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces).decode(
            errors="replace"
        )
    except (LookupError, TypeError, ValueError):
        return ""  # no chunks of ours


def _assemble(stream: str) -> list[dict[str, Any]]:
    """Add up the deltas of a server-sent event stream."""
    choices: dict[Any, _Growing] = {}
    blocks: dict[Any, dict[str, Any]] = {}
    for data in _server_sent(stream):
        if data.get("type") == "response.completed":
            return replies({"body": data.get("response")})
        _add_to_block(blocks, data)
        for choice in _objects(data.get("choices")):
            delta = choice.get("delta")
            if isinstance(delta, dict):
                choices.setdefault(choice.get("index"), _Growing()).add(delta)
    if blocks:
        return [{"role": "assistant", "content": [_ended(block) for block in blocks.values()]}]
    return [choice.message() for choice in choices.values()]


def _add_to_block(blocks: dict[Any, dict[str, Any]], data: dict[str, Any]) -> None:
    """Begin a block of an Anthropic stream, or add to one; any other event says nothing here."""
    block, delta, index = data.get("content_block"), data.get("delta"), data.get("index")
    if data.get("type") == "content_block_start" and isinstance(block, dict):
        blocks[index] = {**block, "input": ""} if block.get("type") == "tool_use" else dict(block)
    elif data.get("type") == "content_block_delta" and isinstance(delta, dict) and index in blocks:
        for field, name in (("text", "text"), ("partial_json", "input")):
            if isinstance(piece := delta.get(field), str):
                blocks[index][name] = text_of(blocks[index].get(name)) + piece


def _ended(block: dict[str, Any]) -> dict[str, Any]:
    """Give a block with its input read, if it has one: as data, or as the text it is."""
    if not isinstance(text := block.get("input"), str) or block.get("type") != "tool_use":
        return block
    args = _call(None, None, text or "{}")["args"]
    return {**block, "input": text if args is None else args}


def _server_sent(stream: str) -> Iterator[dict[str, Any]]:
    for line in stream.split("\n"):  # not splitlines: a text may hold other separators, such as U+2028
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            try:
                data = orjson.loads(line[5:])
            except orjson.JSONDecodeError:
                continue  # the cut end of a broken stream
            if isinstance(data, dict):
                yield data


class _Growing:
    """A streamed message so far."""

    def __init__(self) -> None:
        self._text = ""
        self._calls: dict[Any, dict[str, Any]] = {}

    def add(self, delta: dict[str, Any]) -> None:
        self._text += text_of(delta.get("content"))
        for piece in _objects(delta.get("tool_calls")):
            new = {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
            call = self._calls.setdefault(piece.get("index"), new)
            call["id"] = piece.get("id") or call["id"]
            function = piece.get("function")
            if isinstance(function, dict):
                call["function"]["name"] += text_of(function.get("name"))
                call["function"]["arguments"] += text_of(function.get("arguments"))

    def message(self) -> dict[str, Any]:
        said: dict[str, Any] = {"role": "assistant", "content": self._text}
        return said | {"tool_calls": list(self._calls.values())} if self._calls else said
