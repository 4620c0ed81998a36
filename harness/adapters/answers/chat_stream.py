"""A streamed Chat Completions answer: chunks whose deltas add up to the messages of its choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.adapters.answers.asked import Place, Rulings, added, objects
from harness.adapters.answers.sse import Sent, is_done, new_event, respelled

Body = dict[str, Any]

OLDER: Final = -1  # the place of a function_call among the calls of its choice
BREAK: Final = "\n\n"  # between the texts of two rounds
_NOT_ADDED: Final = frozenset({"id", "role", "type"})


class ChatVoice:
    """Hear the chunks of one answer.

    Of a second round the client sees the same completion go on: the id of the first chunk, no second role, and a usage
    that counts every round. A server that gives one index to several calls, or none, is read by their ids.
    """

    def __init__(self) -> None:
        self._opening: Body | None = None
        self._round = 0
        self._spoken: set[int] = set()  # choices that have shown text
        self._spoke_before: set[int] = set()  # those of earlier rounds whose next text has to be set apart
        self._spent: Any = None
        self._begin()

    def _begin(self) -> None:
        self._messages: dict[int, Body] = {}
        self._calls: dict[int, list[Body]] = {}
        self._by_index: dict[tuple[int, Any], int] = {}
        self._pieces: list[Place] = []
        self._odd: set[Place] = set()  # calls that clients would not read alike
        self._started: set[Place] = set()
        self._notes: dict[int, str] = {}
        self._used: Any = None

    def bears_call(self, data: Body) -> bool:
        return any(delta.get("tool_calls") or delta.get("function_call") for _, delta, _ in _deltas(data))

    def is_failure(self, data: Body) -> bool:
        return bool(data.get("error"))

    def heard(self, data: Body) -> None:
        self._opening = self._opening or data
        self._used = data.get("usage") or self._used
        for index, delta, _ in _deltas(data):
            message = self._messages.setdefault(index, {"role": "assistant"})
            for piece in objects(delta.get("tool_calls")):
                place = self._place(index, piece)
                self._pieces.append((index, place))
                _grow(self._calls[index][place], self._plain((index, place), piece))
            _grow(message, {name: value for name, value in delta.items() if name != "tool_calls"})

    def shown(self, sent: Sent) -> bytes:
        assert sent.data is not None
        return self._spelled(sent, sent.data)

    def body(self) -> Body:
        choices = []
        for index, message in sorted(self._messages.items()):
            calls = [
                {name: part for name, part in call.items() if name != "index"} for call in self._calls.get(index, ())
            ]
            choices.append({"index": index, "message": message | ({"tool_calls": calls} if calls else {})})
        return {"choices": choices}

    def settled(self, held: Sequence[Sent], rulings: Rulings, *, ends: bool) -> bytes:
        self._notes = {index: rulings.told(index) for index in self._messages} if ends else {}
        pieces = iter(self._pieces)
        out = []
        for sent in held:
            if sent.data is None:
                out.append(sent.raw if not is_done(sent) else self._noted() + sent.raw if ends else b"")
                continue
            data = self._ruled(sent.data, rulings, pieces, ends=ends)
            out += [self._noted(index) for index, _, finished in _deltas(sent.data) if finished is not None]
            if data is not None:
                out.append(self._spelled(sent, data, exact=sent.exact))
        out.append(self._noted())
        if not ends:
            self._spent = added(self._spent, self._used)
            self._spoke_before = set(self._spoken)
            self._round += 1
            self._begin()
        return b"".join(out)

    def broken(self, why: str) -> bytes:
        return new_event({"error": {"message": why, "type": "unreadable_answer", "param": None, "code": None}})

    # --- pieces of calls ---------------------------------------------------------------------------------------------

    def _plain(self, place: Place, piece: Body) -> Body:
        """Give a piece without a name that is said again: clients disagree on what that adds up to."""
        kind, _ = _kind(piece)
        inner = piece.get(kind)
        if not isinstance(inner, dict):
            return {name: value for name, value in piece.items() if name != kind}
        known = self._calls[place[0]][place[1]].get(kind, {}).get("name")
        if not known or not inner.get("name"):
            return piece
        self._odd.add(place)
        rest = {name: value for name, value in inner.items() if name != "name"}
        return {**piece, kind: rest if inner["name"] == known else inner}

    def _place(self, index: int, piece: Body) -> int:
        """Give the place of the call that a piece belongs to; a piece that brings another id begins another call."""
        calls = self._calls.setdefault(index, [])
        key = index, piece.get("index")
        place = self._by_index.get(key, -1)
        if key[1] is None and place < 0 and not piece.get("id") and calls:
            place = len(calls) - 1
        known = calls[place].get("id") if place >= 0 else None
        if place < 0 or (piece.get("id") and known and piece["id"] != known):
            calls.append({})
            place = len(calls) - 1
        self._by_index[key] = place
        return place

    def _ruled(self, data: Body, rulings: Rulings, pieces: Iterator[Place], *, ends: bool) -> Body | None:
        """Give a held chunk as rulings want it, None where nothing of it is left."""
        choices = []
        for choice in objects(data.get("choices")):
            index, delta = _index(choice), choice.get("delta")
            left = self._delta(dict(delta), index, rulings, pieces) if isinstance(delta, dict) else delta
            finished = choice.get("finish_reason") if ends else None
            if finished in ("tool_calls", "function_call") and not rulings.left(index):
                finished = "stop"
            if ends and left == delta and finished == choice.get("finish_reason"):
                choices.append(choice)  # as it came, even if it says nothing
            elif left or finished is not None:
                choices.append({**choice, "delta": left, "finish_reason": finished})
        if not choices and (data.get("choices") or not ends):
            return None
        return data if choices == data.get("choices") else {**data, "choices": choices}

    def _delta(self, delta: Body, index: int, rulings: Rulings, pieces: Iterator[Place]) -> Body:
        """Give a delta with the pieces of calls that are left."""
        if isinstance(delta.get("tool_calls"), list):
            calls = [self._piece(piece, next(pieces), rulings) for piece in objects(delta.pop("tool_calls"))]
            if left := [piece for piece in calls if piece is not None]:
                delta["tool_calls"] = left
        older = delta.get("function_call")
        if isinstance(older, dict):
            if rulings.refused((index, OLDER)):
                del delta["function_call"]
            elif (text := rulings.text((index, OLDER))) is not None:
                delta["function_call"] = self._once((index, OLDER), older, {"arguments": text})
        return delta

    def _piece(self, piece: Body, place: Place, rulings: Rulings) -> Body | None:
        """Give a piece of a call with its index among those that are left; what is new is all in the first piece."""
        if rulings.refused(place):
            return None
        index = sum(not rulings.refused((place[0], before)) for before in range(place[1]))
        if "index" in piece and piece["index"] != index:
            piece = {**piece, "index": index}
        args, call = rulings.args(place), self._calls[place[0]][place[1]]
        if args is None and place not in self._odd:
            return piece
        kind, field = _kind(call)
        whole = dict(call.get(kind) or {})
        if args is not None:
            whole[field] = args.get("input") if kind == "custom" else rulings.text(place)
        inner = self._once(place, piece.get(kind) or {}, whole)
        piece = {name: value for name, value in piece.items() if name != kind} | ({kind: inner} if inner else {})
        return piece if set(piece) - {"index"} else None

    def _once(self, place: Place, piece: Body, whole: Body) -> Body:
        """Give the first piece of something with all of it, a later one with nothing of it."""
        rest = {name: value for name, value in piece.items() if name not in whole}
        if place in self._started:
            return rest
        self._started.add(place)
        return {**piece, **whole}

    # --- what the client sees ----------------------------------------------------------------------------------------

    def _spelled(self, sent: Sent, data: Body, *, exact: bool = True) -> bytes:
        """Spell a chunk as one of the completion that the client hears; its very bytes where nothing is changed."""
        data = self._continued(data) if self._round else data
        for index, delta, _ in _deltas(data):
            if delta.get("content"):
                self._spoken.add(index)
        return sent.raw if data is sent.data and exact else respelled(sent, data)

    def _continued(self, data: Body) -> Body:
        """Give a chunk of a later round as one more of the first; nothing where it has nothing left to say."""
        assert self._opening is not None
        first: Body = {name: self._opening[name] for name in ("id", "created") if name in self._opening}
        choices = []
        for index, delta, _ in _deltas(data):
            left = {name: value for name, value in delta.items() if name != "role"}
            if left.get("content") and index in self._spoke_before:
                self._spoke_before.discard(index)
                left["content"] = BREAK + left["content"]
            choices.append(left)
        said = [{**choice, "delta": left} for choice, left in zip(objects(data.get("choices")), choices, strict=True)]
        data = {**data, **first, "choices": said}
        if data.get("usage"):
            data["usage"] = added(self._spent, data["usage"])
        return data

    def _noted(self, *choices: int) -> bytes:
        """Spell the chunks that tell what was refused in some choices, or in all that have not been told yet."""
        out = []
        for index in choices or sorted(self._notes):
            if text := self._notes.pop(index, ""):
                said = (BREAK if index in self._spoken else "") + text
                choice = {"index": index, "delta": {"content": said}, "logprobs": None, "finish_reason": None}
                envelope = {name: value for name, value in (self._opening or {}).items() if name != "usage"}
                out.append(new_event({**envelope, "choices": [choice]}))
        return b"".join(out)


def _deltas(data: Body) -> Iterator[tuple[int, Body, Any]]:
    """Yield the choices of a chunk: number, delta, and why it has finished, None where it has not."""
    for choice in objects(data.get("choices")):
        delta = choice.get("delta")
        yield _index(choice), delta if isinstance(delta, dict) else {}, choice.get("finish_reason")


def _index(choice: Body) -> int:
    index = choice.get("index", 0)
    return index if isinstance(index, int) else 0


def _kind(call: Body) -> tuple[str, str]:
    """Give where a call holds what it wants: the object, and its field."""
    return ("custom", "input") if "custom" in call else ("function", "arguments")


def _grow(whole: Body, delta: Body) -> None:
    """Add a delta to what there is: texts and lists are joined, objects grow by name, the rest is replaced."""
    for name, value in delta.items():
        known: Any = whole.get(name)
        if isinstance(value, dict):
            whole[name] = known = known if isinstance(known, dict) else {}
            _grow(known, value)
        elif isinstance(value, str | list) and type(known) is type(value) and name not in _NOT_ADDED:
            whole[name] = known + value  # type: ignore[operator]
        elif value is not None or name not in whole:
            whole[name] = value
