"""Server-sent events that keep the bytes they came as."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

_BLANK: Final = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_LINE: Final = re.compile(r"\r\n|\r|\n")
_DONE: Final = "[DONE]"


class Sent(NamedTuple):
    """One event: its bytes with the blank line that ends it, and what it says where that is a JSON object.

    ``readable`` is False for data that is neither that nor the word that ends a stream: nobody can tell what it holds.
    ``exact`` is False where bytes that are no UTF-8 were replaced before it was read.
    """

    raw: bytes
    data: dict[str, Any] | None
    readable: bool = True
    exact: bool = True


class Splitter:
    """Cut a stream into its events, however its bytes were cut before. O(bytes)."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Sent]:
        """Yield the events that are complete with these bytes."""
        self._rest += data
        start = 0
        while found := _BLANK.search(self._rest, max(start, self._searched)):
            if found.end() == len(self._rest) and self._rest[-1] == 0x0D:
                break  # half of a line end, perhaps
            yield read_sent(bytes(self._rest[start : found.end()]))
            start = self._searched = found.end()
        del self._rest[:start]
        self._searched = max(len(self._rest) - 3, 0)  # a blank line is four bytes at most, the last may be missing

    def end(self) -> Iterator[Sent]:
        """Yield what the stream ends with, if no blank line ended it."""
        if self._rest:
            yield read_sent(bytes(self._rest))
            self._rest.clear()


def read_sent(raw: bytes) -> Sent:
    """Read one event. A comment, or one without data, says nothing, and that is readable."""
    try:
        text, exact = raw.decode(), True
    except UnicodeDecodeError:
        text, exact = raw.decode(errors="replace"), False
    data = _data(text)
    if not data or data.startswith(_DONE):
        return Sent(raw, None, exact=exact)
    said = read_json(data)
    return Sent(raw, said, exact=exact) if isinstance(said, dict) else Sent(raw, None, readable=False, exact=exact)


def read_json(text: str | bytes) -> Any:
    """Read what any client would take for JSON, constants and lone surrogates included; None where none would."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def is_done(sent: Sent) -> bool:
    """Tell whether an event is the word that ends a stream of Chat Completions."""
    return sent.data is None and _DONE.encode() in sent.raw


def respelled(sent: Sent, data: dict[str, Any]) -> bytes:
    """Give an event with other data, its other lines as they came."""
    lines = _LINE.split(sent.raw.decode(errors="replace"))
    kept = [line for line in lines if line and line != "data" and not line.startswith("data:")]
    return "\n".join([*kept, f"data: {spelled(data)}", "", ""]).encode()


def new_event(data: dict[str, Any], name: str = "") -> bytes:
    """Spell an event that nobody has sent."""
    return (f"event: {name}\n" if name else "").encode() + f"data: {spelled(data)}\n\n".encode()


def spelled(value: Any) -> str:
    """Write JSON so that whoever reads it gets what was read, lone surrogates included."""
    return json.dumps(value, separators=(",", ":"))


def _data(text: str) -> str:
    """Join the data of an event's lines, as the specification says."""
    found = []
    for line in _LINE.split(text):
        field, _, value = line.removeprefix("\ufeff").partition(":")
        if field == "data":
            found.append(value.removeprefix(" "))
    return "\n".join(found)
