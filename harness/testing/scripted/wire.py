"""What both wire formats share: identifiers, pieces of a stream, and the token rule, all free of clock and chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.testing.scripted.reply import Answer
from harness.testing.scripted.request import ChatMessage, ModelRequest

CREATED: Final = 1_704_067_200  # 2024-01-01: a fixed moment, so that equal requests get equal bytes
PIECE: Final = 16  # characters


class Chunk(NamedTuple):
    """One server-sent event; a ``piece`` carries text or arguments, the others frame them."""

    data: bytes
    piece: bool = False


class Wire(NamedTuple):
    """One spelling of an answer: as a whole JSON body, or as a stream."""

    whole: Callable[[ModelRequest, Answer], dict[str, Any]]
    stream: Callable[[ModelRequest, Answer], Iterator[Chunk]]


class Usage(NamedTuple):
    """Tokens by a plain rule: four bytes of canonical JSON or text are one."""

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        """Add both."""
        return self.prompt + self.completion


def identifier(prefix: str, request: ModelRequest, index: int | None = None) -> str:
    """Name something that belongs to the answer of a request; ``index`` tells several of a kind apart."""
    suffix = "" if index is None else f"_{index}"
    return f"{prefix}{request.digest[:24]}{suffix}"


def pieces(text: str) -> list[str]:
    """Cut a text as it is streamed; the pieces join to the text."""
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def usage_of(request: ModelRequest, answer: Answer) -> Usage:
    """Count the tokens of a request and its answer."""
    written = (answer.text or "") + "".join(call.tool + call.arguments for call in answer.calls)
    return Usage(_tokens(canonical.encode(list(request.messages))), _tokens(written.encode()))


def message_of(request: ModelRequest, answer: Answer) -> ChatMessage:
    """Write an answer as the assistant message of a chat."""
    message: ChatMessage = {"role": "assistant", "content": answer.text}
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": identifier("call_", request, index),
                "type": "function",
                "function": {"name": call.tool, "arguments": call.arguments},
            }
            for index, call in enumerate(answer.calls)
        ]
    return message


def server_sent(data: dict[str, Any], event: str = "") -> bytes:
    """Spell one server-sent event."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + canonical.encode_as_is(data) + b"\n\n"


def _tokens(data: bytes) -> int:
    return -(-len(data) // 4)
