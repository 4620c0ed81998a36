"""Chat Completions: an answer as ``chat.completion`` and as ``chat.completion.chunk`` events; always one choice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
        "logprobs": _logprobs(request, answer.chances),
        "finish_reason": _finish_reason(answer),
    }
    return {**_envelope(request, "chat.completion", [choice]), "usage": _usage(request, answer)}


def _stream(request: ModelRequest, answer: Answer) -> Iterator[Chunk]:
    for delta, piece, logprobs in _deltas(request, answer):
        yield _chunk(request, delta, piece=piece, logprobs=logprobs)
    yield _chunk(request, {}, finish_reason=_finish_reason(answer))
    if (request.body.get("stream_options") or {}).get("include_usage"):
        envelope = _envelope(request, "chat.completion.chunk", [])
        yield Chunk(server_sent({**envelope, "usage": _usage(request, answer)}))
    yield DONE


def _deltas(request: ModelRequest, answer: Answer) -> Iterator[tuple[dict[str, Any], bool, dict[str, Any] | None]]:
    message = message_of(request, answer)
    yield {"role": "assistant", "content": None if answer.text is None else "", "refusal": None}, False, None
    for text, logprobs in _pieces(request, answer):
        yield {"content": text}, True, logprobs
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]}, False, None
        for text in pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text}}]}, True, None


def _pieces(request: ModelRequest, answer: Answer) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Cut the text as usual, or token by token where their log-probabilities are told."""
    if _logprobs(request, answer.chances) is None:
        yield from ((text, None) for text in pieces(answer.text or ""))
    else:
        yield from ((token[0][0], _logprobs(request, [token])) for token in answer.chances)


def _logprobs(request: ModelRequest, chances: Sequence[Sequence[tuple[str, float]]]) -> dict[str, Any] | None:
    """Write the chances of tokens as log-probabilities; None where there are none, or nobody asked for them."""
    if not chances or not request.body.get("logprobs"):
        return None
    told, most = [], request.body.get("top_logprobs") or 0
    for token in chances:
        listed = [_alternative(text, chance) for text, chance in token]
        likeliest = sorted(listed, key=lambda one: -one["logprob"])
        told.append({**listed[0], "top_logprobs": likeliest[:most]})
    return {"content": told, "refusal": None}


def _alternative(text: str, chance: float) -> dict[str, Any]:
    return {"token": text, "logprob": math.log(chance), "bytes": list(text.encode())}


def _chunk(
    request: ModelRequest,
    delta: dict[str, Any],
    *,
    piece: bool = False,
    finish_reason: str | None = None,
    logprobs: dict[str, Any] | None = None,
) -> Chunk:
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
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
