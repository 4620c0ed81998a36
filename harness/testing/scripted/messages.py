"""Anthropic's Messages: an answer as a ``message``, and as the events of its stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.determinism import canonical
from harness.testing.scripted.reply import Answer
from harness.testing.scripted.request import ModelRequest
from harness.testing.scripted.wire import Chunk, Wire, identifier, message_of, pieces, server_sent, usage_of


def _whole(request: ModelRequest, answer: Answer) -> dict[str, Any]:
    usage = usage_of(request, answer)
    return {
        **_envelope(request, [*_texts(answer), *_calls(request, answer)]),
        "stop_reason": _stop_reason(answer),
        "usage": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
    }


def _stream(request: ModelRequest, answer: Answer) -> Iterator[Chunk]:
    for event in _events(request, answer):
        kind = event["type"]
        yield Chunk(server_sent(event, kind), piece=kind == "content_block_delta")


def _events(request: ModelRequest, answer: Answer) -> Iterator[dict[str, Any]]:
    usage = usage_of(request, answer)
    begun = {**_envelope(request, []), "usage": {"input_tokens": usage.prompt, "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    blocks = [*_texts(answer), *_calls(request, answer)]
    said = [*([] if answer.text is None else [answer.text]), *(call.arguments for call in answer.calls)]
    for index, (block, text) in enumerate(zip(blocks, said, strict=True)):
        call = block["type"] == "tool_use"
        begun = {**block, "input": {}} if call else {**block, "text": ""}
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        for piece in pieces(text):
            delta = (
                {"type": "input_json_delta", "partial_json": piece} if call else {"type": "text_delta", "text": piece}
            )
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": usage.completion}}
    yield {"type": "message_stop"}


def _texts(answer: Answer) -> list[dict[str, Any]]:
    return [] if answer.text is None else [{"type": "text", "text": answer.text}]


def _calls(request: ModelRequest, answer: Answer) -> list[dict[str, Any]]:
    return [
        {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": _input(call["function"])}
        for call in message_of(request, answer).get("tool_calls", ())
    ]


def _input(function: dict[str, Any]) -> Any:
    """Read arguments as the data they are in a whole answer; the broken ones of a model that errs stay text."""
    try:
        return canonical.decode(function["arguments"].encode())
    except ValueError:
        return function["arguments"]


def _envelope(request: ModelRequest, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": identifier("msg_", request),
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": None,
    }


def _stop_reason(answer: Answer) -> str:
    return "tool_use" if answer.calls else "end_turn"


WIRE: Final = Wire(_whole, _stream)
