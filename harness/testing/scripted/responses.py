"""Responses: an answer as a ``response`` and as the events of its stream, each with its ``sequence_number``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.testing.scripted.reply import Answer
from harness.testing.scripted.request import ModelRequest
from harness.testing.scripted.wire import CREATED, Chunk, Wire, identifier, message_of, pieces, server_sent, usage_of

_ECHOED: Final = ("instructions", "max_output_tokens", "previous_response_id", "temperature", "top_p")


def response_id(request: ModelRequest) -> str:
    """Name the response to a request."""
    return identifier("resp_", request)


def _whole(request: ModelRequest, answer: Answer) -> dict[str, Any]:
    usage = usage_of(request, answer)
    return {
        **_envelope(request, "completed", _items(request, answer)),
        "usage": {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.total,
        },
    }


def _stream(request: ModelRequest, answer: Answer) -> Iterator[Chunk]:
    for number, event in enumerate(_events(request, answer)):
        kind = event["type"]
        data = server_sent({**event, "sequence_number": number}, kind)
        yield Chunk(data, piece=kind.endswith(".delta"))


def _events(request: ModelRequest, answer: Answer) -> Iterator[dict[str, Any]]:
    started = _envelope(request, "in_progress", [])
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    for index, item in enumerate(_items(request, answer)):
        yield from _message_events(item, index) if item["type"] == "message" else _call_events(item, index)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": _whole(request, answer)}


def _message_events(item: dict[str, Any], index: int) -> Iterator[dict[str, Any]]:
    part = item["content"][0]
    text = {"item_id": item["id"], "output_index": index, "content_index": 0}
    yield _added({**item, "content": []}, index)
    yield {"type": "response.content_part.added", **text, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield {"type": "response.output_text.delta", **text, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **text, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **text, "part": part}


def _call_events(item: dict[str, Any], index: int) -> Iterator[dict[str, Any]]:
    call = {"item_id": item["id"], "output_index": index}
    yield _added({**item, "arguments": ""}, index)
    for piece in pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **call, "delta": piece}
    yield {"type": "response.function_call_arguments.done", **call, "arguments": item["arguments"]}


def _added(item: dict[str, Any], index: int) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress"}}


def _items(request: ModelRequest, answer: Answer) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if answer.text is not None:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        head = {"id": identifier("msg_", request), "type": "message", "status": "completed"}
        items.append({**head, "role": "assistant", "content": [part]})
    for index, call in enumerate(message_of(request, answer).get("tool_calls", ())):
        head = {"id": identifier("fc_", request, index), "type": "function_call", "status": "completed"}
        items.append({**head, "call_id": call["id"], **call["function"]})
    return items


def _envelope(request: ModelRequest, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": response_id(request),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "model": request.model,
        "output": output,
        "error": None,
        "incomplete_details": None,
        **{name: request.body.get(name) for name in _ECHOED},
        "metadata": request.body.get("metadata") or {},
        "parallel_tool_calls": True,
        "tool_choice": request.body.get("tool_choice") or "auto",
        "tools": request.body.get("tools") or [],
        "usage": None,
    }


WIRE: Final = Wire(_whole, _stream)
