"""Chat Completions: an answer as ``chat.completion`` and as ``chat.completion.chunk`` events; always one choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.testing.scripted.reply import Answer
from harness.testing.scripted.request import ModelRequest
from harness.testing.scripted.wire import (
    CREATED,
    Chunk,
    Wire,
    identifier,
    message_of,
    pieces,
    server_sent,
    usage_of,
)

DONE: Final = Chunk(b"data: [DONE]\n\n")


def _whole(request: ModelRequest, answer: Answer) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {**message_of(request, answer), "refusal": None},
        "logprobs": None,
        "finish_reason": _finish_reason(answer),
    }
    return {**_envelope(request, "chat.completion", [choice]), "usage": _usage(request, answer)}


def _stream(request: ModelRequest, answer: Answer) -> Iterator[Chunk]:
    for delta, piece in _deltas(request, answer):
        yield _chunk(request, delta, piece=piece)
    yield _chunk(request, {}, finish_reason=_finish_reason(answer))
    if (request.body.get("stream_options") or {}).get("include_usage"):
        envelope = _envelope(request, "chat.completion.chunk", [])
        yield Chunk(server_sent({**envelope, "usage": _usage(request, answer)}))
    yield DONE


def _deltas(request: ModelRequest, answer: Answer) -> Iterator[tuple[dict[str, Any], bool]]:
    message = message_of(request, answer)
    yield {"role": "assistant", "content": None if answer.text is None else "", "refusal": None}, False
    for text in pieces(answer.text or ""):
        yield {"content": text}, True
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]}, False
        for text in pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text}}]}, True


def _chunk(
    request: ModelRequest, delta: dict[str, Any], *, piece: bool = False, finish_reason: str | None = None
) -> Chunk:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return Chunk(server_sent(_envelope(request, "chat.completion.chunk", [choice])), piece)


def _envelope(request: ModelRequest, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": identifier("chatcmpl-", request),
        "object": kind,
        "created": CREATED,
        "model": request.model,
        "system_fingerprint": "scripted",
        "choices": choices,
    }


def _finish_reason(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _usage(request: ModelRequest, answer: Answer) -> dict[str, int]:
    usage = usage_of(request, answer)
    return {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total}


WIRE: Final = Wire(_whole, _stream)
