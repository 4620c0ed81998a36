"""What a client has heard of an answer, in any of the three dialects, whole or streamed.

It is read from the bytes that the client was sent, because those are what it will say again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from harness.adapters.proxy.asked import digest_of_speech
from harness.trace.chat import text_of


class Heard(NamedTuple):
    """An answer as a later request may refer to it: its id, the ids of its calls, the digest of what it says."""

    response: str
    calls: tuple[str, ...]
    speech: str


def read_heard(content: bytes, *, streamed: bool) -> Heard:
    """Read an answer; what is none of the three dialects has said nothing. O(size)."""
    answer = _Answer()
    for said in _streamed(content) if streamed else _whole(content):
        answer.add(said)
    return Heard(answer.response, tuple(answer.calls), digest_of_speech(answer.text, answer.calls))


class _Answer:
    """An answer so far."""

    def __init__(self) -> None:
        self.response, self.text = "", ""
        self.calls: list[str] = []

    def add(self, said: dict[str, Any]) -> None:
        if isinstance(whole := said.get("response"), dict):  # an event of Responses: the last one says it all
            said = whole
            self.text, self.calls = "", []
        if isinstance(named := said.get("id"), str):
            self.response = named
        for choice in _objects(said.get("choices")):
            self._message(choice.get("delta") or choice.get("message"))
        for item in _objects(said.get("output")):
            self._message(item)
        kind = said.get("type")
        if kind == "message":
            self._message(said)
        elif kind == "content_block_start":
            self._message({"content": [said.get("content_block")]})
        elif kind == "content_block_delta" and isinstance(delta := said.get("delta"), dict):
            self._text(delta.get("text"))

    def _message(self, message: Any) -> None:
        if not isinstance(message, dict):
            return
        self._text(text_of(message.get("content")))
        self._call(message.get("call_id"))
        for call in _objects(message.get("tool_calls")):
            self._call(call.get("id"))
        for block in _objects(message.get("content")):
            self._call(block.get("id") if block.get("type") == "tool_use" else None)

    def _text(self, text: Any) -> None:
        self.text += text if isinstance(text, str) else ""

    def _call(self, named: Any) -> None:
        if isinstance(named, str) and named:
            self.calls.append(named)


def _whole(content: bytes) -> Iterator[dict[str, Any]]:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        return
    if isinstance(said, dict):
        yield said


def _streamed(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        if line.startswith(b"data:"):
            yield from _whole(line[5:])


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
