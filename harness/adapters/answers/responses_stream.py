"""A streamed Responses answer: events about numbered output items, and the whole response at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from harness.adapters.answers.asked import NONE, Rulings, added, objects
from harness.adapters.answers.responses_items import FIELDS, changed_item, is_call, note_events, note_item
from harness.adapters.answers.sse import Sent, is_done, new_event, respelled

Body = dict[str, Any]

_OPENING: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDING: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_ITEM: Final = frozenset({"response.output_item.added", "response.output_item.done"})
_DELTA: Final = frozenset({"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"})
_DONE: Final = frozenset({"response.function_call_arguments.done", "response.custom_tool_call_input.done"})


class ResponsesVoice:
    """Hear the events of one answer.

    The client sees one response, known by the id of the first round, its items numbered and its events counted on
    where something was left out or put in. A call whose pieces do not add up to its final item is spelled anew.
    """

    def __init__(self) -> None:
        self._id: Any = None
        self._round = 0
        self._base = 0  # the number of the first item of this round
        self._earlier: list[Any] = []
        self._spent: Any = None
        self._sequence = 0
        self._altered = False
        self._begin()

    def _begin(self) -> None:
        self._items: dict[int, Body] = {}
        self._texts: dict[int, list[str]] = {}  # the pieces of arguments, by item
        self._final: set[int] = set()
        self._response: Body = {}
        self._rulings = NONE
        self._gone: list[int] = []
        self._new: dict[int, str] = {}  # what calls are spelled with instead of their pieces
        self._given: set[int] = set()
        self._note: Body | None = None
        self._told = False

    def bears_call(self, data: Body) -> bool:
        if data.get("type") in _ENDING:
            return any(map(is_call, self._unheard(data)))
        return is_call(data.get("item")) or data.get("type") in _DELTA

    def is_failure(self, data: Body) -> bool:
        return data.get("type") == "error"

    def contradicts(self, data: Body) -> bool:
        number, item = data.get("output_index"), data.get("item")
        if data.get("type") in _ITEM and is_call(item) and type(number) is not int:
            return True  # clients take an item as it comes
        if data.get("type") not in _ITEM or number not in self._items or not isinstance(item, dict):
            return data.get("type") in _DELTA and number not in self._items
        again = number in self._final or data["type"] == "response.output_item.added"
        return again or _identity(item) != _identity(self._items[number])

    def heard(self, data: Body) -> None:
        kind, number = data.get("type"), data.get("output_index")
        if kind in _OPENING or kind in _ENDING:
            self._response = dict(data.get("response") or {})
            self._id = self._response.get("id") if self._id is None else self._id
            for extra in self._unheard(data) if kind in _ENDING else ():
                self._items[self._width()] = extra
        elif isinstance(number, int) and kind in _ITEM and isinstance(item := data.get("item"), dict):
            self._items[number] = item
            if kind == "response.output_item.done":
                self._final.add(number)
            elif text := item.get(FIELDS.get(str(item.get("type")), "")):
                self._texts[number] = [str(text)]
        elif isinstance(number, int) and kind in _DELTA and isinstance(delta := data.get("delta"), str):
            self._texts.setdefault(number, []).append(delta)

    def shown(self, sent: Sent) -> bytes:
        assert sent.data is not None
        if self._round and sent.data.get("type") in _OPENING:
            return b""
        return self._spelled(sent, sent.data, exact=True)

    def body(self) -> Body:
        return {**self._response, "output": [self._item(number) for number in sorted(self._items)]}

    def is_plain(self) -> bool:
        return False  # the whole response at the end has to be held against what its events said

    def settled(self, held: Sequence[Sent], rulings: Rulings, *, ends: bool) -> bytes:
        self._rule(rulings, tell=ends)
        out = []
        for sent in held:
            kind, number = (sent.data or {}).get("type"), (sent.data or {}).get("output_index")
            if number in self._gone or (not ends and (kind in _ENDING or is_done(sent))):
                self._altered = True
                continue
            if kind in _ENDING or is_done(sent):
                out.append(self._noted())
            if not self._altered and sent.exact and kind not in _ENDING:
                out.append(sent.raw)
                continue
            data = sent.data and self._ruled(sent.data)
            if sent.data is None:
                out.append(sent.raw)
            elif data is not None:
                out.append(self._spelled(sent, data, exact=sent.exact))
        out.append(self._noted())
        if not ends:
            self._earlier += self._left()
            self._base += self._width() - len(self._gone)
            self._spent = added(self._spent, self._response.get("usage"))
            self._round, self._altered = self._round + 1, True
            self._begin()
        return b"".join(out)

    def broken(self, why: str) -> bytes:
        said = {"code": "unreadable_answer", "message": why, "param": None}
        # flat as it is documented, and nested as it is sent and as the official client looks for it
        data = {"type": "error", **said, "error": {"type": "unreadable_answer", **said}}
        return new_event({**data, "sequence_number": self._sequence}, "error")

    # --- items -------------------------------------------------------------------------------------------------------

    def _unheard(self, ending: Body) -> list[Body]:
        """Give the items of a final response that no event has brought."""
        response = ending.get("response")
        known = {_identity(item) for item in self._items.values()}
        output = response.get("output") if isinstance(response, dict) else None
        return [item for item in objects(output) if _identity(item) not in known]

    def _width(self) -> int:
        return max(self._items, default=-1) + 1

    def _item(self, number: int) -> Body:
        """Give an item as it is at the end, or as far as it has come."""
        item, text = self._items[number], "".join(self._texts.get(number, ()))
        field = FIELDS.get(str(item.get("type")))
        return {**item, field: text} if field and text and number not in self._final else item

    def _left(self) -> list[Any]:
        """Give the items of this round that the client sees, as it sees them."""
        left = [
            changed_item(self._item(number), self._rulings, (0, place))
            for place, number in enumerate(sorted(self._items))
            if number not in self._gone
        ]
        return left if self._note is None else [*left, self._note]

    def _rule(self, rulings: Rulings, *, tell: bool) -> None:
        self._rulings = rulings
        for place, number in enumerate(sorted(self._items)):
            item = self._item(number)
            field, text = FIELDS.get(str(item.get("type"))), "".join(self._texts.get(number, ()))
            if rulings.refused((0, place)):
                self._gone.append(number)
            elif rulings.args((0, place)) is not None or (field and text and text != item.get(field)):
                self._altered = True
                self._new[number] = changed_item(item, rulings, (0, place)).get(field)
        if tell and (said := rulings.told()):
            self._note = note_item(str(self._id), said)
        self._altered = self._altered or bool(self._gone)

    def _ruled(self, data: Body) -> Body | None:
        """Give a held event as rulings want it, None where the client has seen what it brings."""
        kind, number = data.get("type"), data.get("output_index")
        if kind in _ITEM and number in self._items:
            item = changed_item(data.get("item"), self._rulings, (0, sorted(self._items).index(number)))
            if kind == "response.output_item.added" and number in self._new and number in self._texts:
                item = {**item, FIELDS[item["type"]]: ""}
            return data if item == data.get("item") else {**data, "item": item}
        if number not in self._new:
            return data
        if kind in _DELTA:
            first = number not in self._given
            self._given.add(number)
            return {**data, "delta": self._new[number]} if first else None
        return {**data, FIELDS[self._items[number]["type"]]: self._new[number]} if kind in _DONE else data

    # --- what the client sees ----------------------------------------------------------------------------------------

    def _spelled(self, sent: Sent, data: Body, *, exact: bool) -> bytes:
        placed = self._placed(data)
        return sent.raw if placed is sent.data and exact else respelled(sent, placed)

    def _placed(self, data: Body) -> Body:
        """Give an event with its numbers among what the client sees; itself where they are its own."""
        number, sequence = data.get("output_index"), data.get("sequence_number")
        if isinstance(number, int):
            shown = self._base + number - sum(gone < number for gone in self._gone)
            data = data if shown == number else {**data, "output_index": shown}
        if data.get("type") in _ENDING:
            data = self._ended(data)
        if isinstance(sequence, int):
            if self._altered and sequence != self._sequence:
                sequence = self._sequence
                data = {**data, "sequence_number": sequence}
            self._sequence = sequence + 1
        return data

    def _ended(self, data: Body) -> Body:
        """Give the final event with the response that the client has heard."""
        response, left = data.get("response"), self._left()
        if not isinstance(response, dict):
            return data
        if not self._altered:
            said = [item for item in objects(response.get("output")) if is_call(item)]
            if response.get("output") is None or said == list(filter(is_call, left)):
                return data
        response = {**response, "output": [*self._earlier, *left]}
        if self._round:
            response |= {"id": self._id, "usage": added(self._spent, response.get("usage"))}
        return {**data, "response": response}

    def _noted(self) -> bytes:
        """Spell the events that tell what was refused, once."""
        if self._note is None or self._told:
            return b""
        self._told = True
        out = []
        for event in note_events(self._note, self._base + self._width() - len(self._gone)):
            out.append(new_event({**event, "sequence_number": self._sequence}, event["type"]))
            self._sequence += 1
        return b"".join(out)


def _identity(item: Body) -> tuple[Any, Any, Any]:
    return item.get("type"), item.get("name"), item.get("call_id") or item.get("id")
