"""A streamed Messages answer: events about numbered content blocks between one start and one end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.adapters.answers.asked import NONE, UNPARSED, Rulings, added, arguments
from harness.adapters.answers.sse import Sent, new_event, read_json, respelled

Body = dict[str, Any]

CALL: Final = "tool_use"
_FIELDS: Final = {
    "input_json_delta": "partial_json",
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}


class MessagesVoice:
    """Hear the events of one answer.

    The client sees one message, begun in the first round, its blocks numbered without gaps. A call that brings its
    input both at its start and in pieces is spelled anew.
    """

    def __init__(self) -> None:
        self._round = 0
        self._base = 0  # the number of the first block of this round
        self._spent: Any = None
        self._begin()

    def _begin(self) -> None:
        self._blocks: dict[int, Body] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}  # of what a block holds, by field
        self._used: Any = None
        self._rulings = NONE
        self._gone: list[int] = []
        self._new: dict[int, str] = {}  # what inputs are spelled with instead of their pieces
        self._given: set[int] = set()

    def bears_call(self, data: Body) -> bool:
        block = data.get("content_block")
        return isinstance(block, dict) and block.get("type") == CALL

    def is_failure(self, data: Body) -> bool:
        return data.get("type") == "error"

    def contradicts(self, data: Body) -> bool:
        if self.bears_call(data) and type(data.get("index")) is not int:
            return True  # clients find a block by its place as well
        known = data.get("index") in self._blocks
        return known if data.get("type") == "content_block_start" else not known and "delta" in data and "index" in data

    def heard(self, data: Body) -> None:
        kind, number = data.get("type"), data.get("index")
        message, block, delta = data.get("message"), data.get("content_block"), data.get("delta")
        if kind == "message_start" and isinstance(message, dict):
            self._used = message.get("usage")
        elif kind == "message_delta" and isinstance(data.get("usage"), dict):
            self._used = {**(self._used or {}), **data["usage"]}
        elif kind == "content_block_start" and isinstance(block, dict) and isinstance(number, int):
            self._blocks[number] = {"signature": ""} | block if block.get("type") == "thinking" else dict(block)
        elif kind == "content_block_delta" and isinstance(delta, dict) and number in self._blocks:
            self._grow(number, delta)

    def shown(self, sent: Sent) -> bytes:
        assert sent.data is not None
        if self._round and sent.data.get("type") == "message_start":
            return b""
        return self._spelled(sent, sent.data, exact=True)

    def body(self) -> Body:
        return {"content": [self._block(number) for number in sorted(self._blocks)]}

    def is_plain(self) -> bool:
        return not self._round and not any(self._is_double(number) for number in self._blocks)

    def settled(self, held: Sequence[Sent], rulings: Rulings, *, ends: bool) -> bytes:
        self._rule(rulings)
        note = rulings.told() if ends else ""
        out = []
        for sent in held:
            kind = (sent.data or {}).get("type")
            if kind in ("message_delta", "message_stop"):
                out.append(self._noted(note))
                note = ""
                if not ends:
                    continue
            data = sent.data and self._ruled(sent.data)
            if sent.data is None:
                out.append(sent.raw)
            elif data is not None:
                out.append(self._spelled(sent, data, exact=sent.exact))
        out.append(self._noted(note))
        if not ends:
            self._base += self._width()
            self._spent = added(self._spent, self._used)
            self._round += 1
            self._begin()
        return b"".join(out)

    def broken(self, why: str) -> bytes:
        return new_event({"type": "error", "error": {"type": "api_error", "message": why}}, "error")

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _grow(self, number: int, delta: Body) -> None:
        block, kind = self._blocks[number], str(delta.get("type"))
        if kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        elif (field := _FIELDS.get(kind)) and isinstance(text := delta.get(field), str):
            self._pieces.setdefault((number, field), []).append(text)

    def _input(self, number: int) -> str:
        """Give the input of a call as far as it came in pieces."""
        return "".join(self._pieces.get((number, "partial_json"), ()))

    def _block(self, number: int) -> Body:
        block, text = self._blocks[number], self._input(number)
        if text:
            return {**block, "input": {UNPARSED: text} if UNPARSED in arguments(text) else read_json(text)}
        grown = {field: said for (index, field), said in self._pieces.items() if index == number and field in block}
        return block | {field: "".join([block[field], *said]) for field, said in grown.items()}

    def _rule(self, rulings: Rulings) -> None:
        self._rulings = rulings
        for place, number in enumerate(sorted(self._blocks)):
            block = self._blocks[number]
            if rulings.refused((0, place)):
                self._gone.append(number)
            elif block.get("type") == CALL and (text := rulings.text((0, place))) is not None:
                self._new[number] = text
            elif self._is_double(number):
                self._new[number] = self._input(number)

    def _is_double(self, number: int) -> bool:
        """Tell whether a call brings its input twice: clients do not agree which counts."""
        block = self._blocks[number]
        return block.get("type") == CALL and bool(block.get("input") and self._input(number))

    def _ruled(self, data: Body) -> Body | None:
        """Give a held event as rulings want it, None where it is left out or the client has seen what it brings."""
        kind, number, delta = data.get("type"), data.get("index"), data.get("delta")
        if number in self._gone:
            return None
        ended = kind == "message_delta" and isinstance(delta, dict) and delta.get("stop_reason") == CALL
        if ended and not self._rulings.left():
            return {**data, "delta": {**data["delta"], "stop_reason": "end_turn"}}
        if number not in self._new:
            return data
        if kind == "content_block_start":
            whole = {} if self._input(number) else read_json(self._new[number])
            return {**data, "content_block": {**data["content_block"], "input": whole}}
        if not isinstance(delta, dict) or delta.get("type") != "input_json_delta":
            return data
        first = number not in self._given
        self._given.add(number)
        return {**data, "delta": {**delta, "partial_json": self._new[number]}} if first else None

    def _width(self) -> int:
        return max(self._blocks, default=-1) + 1 - len(self._gone)

    # --- what the client sees ----------------------------------------------------------------------------------------

    def _spelled(self, sent: Sent, data: Body, *, exact: bool) -> bytes:
        """Spell an event with its number among the blocks that are shown; its very bytes where nothing is changed."""
        number = data.get("index")
        if isinstance(number, int):
            shown = self._base + number - sum(gone < number for gone in self._gone)
            data = data if shown == number else {**data, "index": shown}
        if self._round and data.get("type") == "message_delta":
            data = {**data, "usage": added(self._spent, self._used)}
        return sent.raw if data is sent.data and exact else respelled(sent, data)

    def _noted(self, text: str) -> bytes:
        """Spell a block that tells what was refused; nothing where nothing was."""
        if not text:
            return b""
        number = self._base + self._width()
        events: list[Body] = [
            {"type": "content_block_start", "index": number, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": number, "delta": {"type": "text_delta", "text": text}},
            {"type": "content_block_stop", "index": number},
        ]
        return b"".join(new_event(event, event["type"]) for event in events)
