"""What an API has to be known for, so that faults can change what passes through it; and texts in its content.

Faults work on messages with a text, and on answers with a text and calls. A dialect gives those of a body, and writes
them back so that all else stays as it was: images, ids, reasoning, and what is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from harness.adapters.answers.asked import objects
from harness.adapters.answers.sse import Sent
from harness.faults.conversation import Answer, Messages

Body = dict[str, Any]

AT: Final = "$at"
"""Where a message of a request stands in its body, by the dialect's own count; one that a fault puts in has none."""
_TEXTS: Final = ("text", "input_text", "output_text")


class Dialect(Protocol):
    """The requests and answers of one API, as faults look at them."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        """Yield the tools that a request declares, by name."""

    def messages(self, request: Body) -> Messages:
        """Give the messages of a request with their text, and with the place of each (``AT``)."""

    def asked(self, request: Body, messages: Messages) -> Body:
        """Give a request with these messages, of those that ``messages`` gave; none with ``AT`` is an instruction."""

    def answers(self, body: Body) -> list[Answer]:
        """Give what a whole answer says, once for each of its choices."""

    def answered(self, body: Body, answers: Sequence[Answer]) -> Body:
        """Give an answer that says this instead, call for call."""

    def heard(self, events: Sequence[Sent]) -> Body | None:
        """Give the whole answer that a stream adds up to; None where it breaks off, or nobody can tell."""

    def respelled(self, events: Sequence[Sent], before: Body, answers: Sequence[Answer]) -> bytes:
        """Give a stream that says this instead of what it adds up to; what stays the same keeps its bytes."""


def text_of(content: Any) -> str | None:
    """Give the text of a message's content, which is one or has parts; None where it has none."""
    if isinstance(content, str):
        return content
    texts = [part["text"] for part in objects(content) if is_text(part)]
    return "".join(texts) if texts else None


def with_text(content: Any, text: str) -> Any:
    """Give a message's content with another text: in its first part that is one, and the others are gone."""
    if not isinstance(content, list):
        return text
    parts, written = [], False
    for part in content:
        if isinstance(part, dict) and is_text(part):
            parts += [] if written else [{**part, "text": text}]
            written = True
        else:
            parts.append(part)
    return parts


def is_text(part: Body) -> bool:
    """Tell whether a part of some content is a text."""
    return part.get("type") in _TEXTS and isinstance(part.get("text"), str)


def retold(message: Body, text: str | None) -> Body:
    """Give a message with another text, itself where it is the same."""
    content = message.get("content")
    return message if text is None or text == text_of(content) else {**message, "content": with_text(content, text)}
