"""One answer as its client sees it, over all rounds of asking the model: whole, or a stream. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.adapters.answers.asked import Asked, Owed, Ruling, Rulings
from harness.adapters.answers.shape import Shape
from harness.adapters.answers.sse import Sent, Splitter, read_json, spelled

Body = dict[str, Any]


class Whole:
    """Collect an answer that is one JSON body. One that is none asks for nothing, and passes as it came."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._raw = bytearray()
        self._body: Body | None = None
        self._before: Body | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the present round; none may pass before all have come."""
        self._raw += data
        return b""

    def finish(self) -> bytes:
        """Take note that the present round has ended."""
        raw = bytes(self._raw)
        body = read_json(raw)
        if body is None:
            body = read_json(raw.decode(errors="replace"))
        self._body = body if isinstance(body, dict) else None
        return b""

    def calls(self) -> list[Asked]:
        """Give what the present round asks for."""
        return [] if self._body is None else self._shape.calls(self._body)

    def again(self, request: Body, rulings: Sequence[Ruling]) -> Body | None:
        """Give the request that asks again."""
        return None if self._body is None else self._shape.again(request, self._body, rulings)

    def settled(self, rulings: Sequence[Ruling], *, ends: bool) -> bytes:
        """Give the answer where it ends here, its very bytes where nothing is to be changed."""
        raw, body, ruled = bytes(self._raw), self._body, Rulings(rulings)
        if ends and (body is None or not (self._before or ruled.change() or (rulings and not _is_text(raw)))):
            return raw
        assert body is not None
        shown = self._shape.changed(body, ruled, tell=ends)
        if self._before is not None:
            shown = self._shape.joined(self._before, shown)
        if not ends:
            self._before = shown
            self._raw.clear()
            return b""
        return spelled(shown).encode()

    def owed(self, request: Body, rulings: Sequence[Ruling]) -> Owed | None:
        """Say what the server has to be told later on; the client knows the answer by its last round."""
        return None if self._body is None else self._shape.owed(request, self._body, self._body, rulings)


class Streamed:
    """Let a stream pass up to the first call, and hold the rest until every call is judged.

    What cannot be read, or can be read in two ways, might be a call to somebody: the stream then ends with an event
    that says so.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape, self._voice = shape, shape.voice()
        self._splitter = Splitter()
        self._held: list[Sent] = []
        self._first: Body | None = None
        self._broken = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the present round and give those that may pass at once."""
        return self._passed(self._splitter.feed(data))

    def finish(self) -> bytes:
        """Take note that the present round has ended, and give what may pass."""
        return self._passed(self._splitter.end())

    def calls(self) -> list[Asked]:
        """Give what the present round asks for; a broken answer asks for nothing."""
        return self._shape.calls(self._voice.body()) if self._held else []

    def again(self, request: Body, rulings: Sequence[Ruling]) -> Body | None:
        """Give the request that asks again."""
        return self._shape.again(request, self._voice.body(), rulings)

    def settled(self, rulings: Sequence[Ruling], *, ends: bool) -> bytes:
        """Give what was held."""
        if not ends:
            self._first = self._first or self._voice.body()
        held, self._held = self._held, []
        if self._broken:
            return b""
        ruled = Rulings(rulings)
        if ends and not ruled.change() and self._voice.is_plain() and all(sent.exact for sent in held):
            return b"".join(sent.raw for sent in held)
        return self._voice.settled(held, ruled, ends=ends)

    def owed(self, request: Body, rulings: Sequence[Ruling]) -> Owed | None:
        """Say what the server has to be told later on; the client knows the answer by its first round."""
        if self._first is None and not Rulings(rulings).change():
            return None
        body = self._voice.body()
        return self._shape.owed(request, self._first or body, body, rulings)

    def _passed(self, events: Iterable[Sent]) -> bytes:
        return b"".join(map(self._taken, events))

    def _taken(self, sent: Sent) -> bytes:
        if self._broken:
            return b""
        holds = False
        if not sent.readable:
            return self._breaks(self._voice.broken("the model's server sent an event that is no JSON object"))
        if sent.data is not None:
            if self._voice.is_failure(sent.data):
                return self._breaks(sent.raw)
            if self._voice.contradicts(sent.data):
                return self._breaks(self._voice.broken("the model's server sent a stream that contradicts itself"))
            holds = self._voice.bears_call(sent.data)
            self._voice.heard(sent.data)
        if holds or self._held:
            self._held.append(sent)
            return b""
        return sent.raw if sent.data is None else self._voice.shown(sent)

    def _breaks(self, told: bytes) -> bytes:
        self._broken = True
        self._held.clear()
        return told


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
