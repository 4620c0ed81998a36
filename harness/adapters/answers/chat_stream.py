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
    that counts every round. Where pieces can be put together in several ways (no index, one index for several calls, a
    name said twice, no ids) each call is spelled whole, so that every reader gets the calls that were judged.
    """

    def __init__(self) -> None:
        self._opening: Body | None = None
        self._round = 0
        self._spoken: set[int] = set()  # choices that have shown text
        self._spoke_before: set[int] = set()  # those of earlier rounds whose next text has to be set apart
        self._spent: Any = None
        self._begin()

    def _begin(self) -> None:
        self._said: dict[int, list[Body]] = {}  # what the deltas of each choice say besides its calls
        self._calls: dict[int, list[list[Body]]] = {}  # the pieces of each call of each choice
        self._names: dict[Place, str] = {}
        self._ids: dict[Place, Any] = {}
        self._by_index: dict[tuple[int, Any], int] = {}
        self._pieces: list[Place] = []
        self._confused: set[int] = set()  # choices whose calls readers would not tell apart alike
        self._started: set[Place] = set()
        self._notes: dict[int, str] = {}
        self._used: Any = None

    def bears_call(self, data: Body) -> bool:
        return any(delta.get("tool_calls") or delta.get("function_call") for _, delta, _ in _deltas(data))

    def is_failure(self, data: Body) -> bool:
        return bool(data.get("error"))

    def contradicts(self, data: Body) -> bool:
        return False  # pieces that fit together in several ways are spelled in one

    def heard(self, data: Body) -> None:
        self._opening = self._opening or data
        self._used = data.get("usage") or self._used
        for index, delta, _ in _deltas(data):
            for piece in objects(delta.get("tool_calls")):
                place = self._place(index, piece)
                self._pieces.append((index, place))
                self._calls[index][place].append(self._without_name((index, place), piece))
            rest = {name: value for name, value in delta.items() if name != "tool_calls"}
            self._said.setdefault(index, []).append(rest)

    def shown(self, sent: Sent) -> bytes:
        assert sent.data is not None
        return self._spelled(sent, sent.data)

    def body(self) -> Body:
        choices = []
        for index, said in sorted(self._said.items()):
            calls = self._whole_calls(index)
            message = {"role": "assistant", **_sum(said)} | ({"tool_calls": calls} if calls else {})
            choices.append({"index": index, "message": message})
        return {"choices": choices}

    def is_plain(self) -> bool:
        return not self._round and not any(map(self._is_confused, self._calls))

    def settled(self, held: Sequence[Sent], rulings: Rulings, *, ends: bool) -> bytes:
        self._notes = {index: rulings.told(index) for index in self._said} if ends else {}
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

    def _place(self, index: int, piece: Body) -> int:
        """Give the place of the call that a piece belongs to; one that brings another id begins another call."""
        calls = self._calls.setdefault(index, [])
        number, call_id = piece.get("index"), piece.get("id")
        place = self._by_index.get((index, number), -1)
        if place < 0 and number is None and not call_id:
            place = len(calls) - 1
        known = self._ids.get((index, place))
        begins = place < 0 or bool(call_id and known and call_id != known)
        goes_back = not begins and place < len(calls) - 1
        if not isinstance(number, int) or goes_back or (place >= 0 and call_id and call_id != known):
            self._confused.add(index)
        if begins:
            calls.append([])
            place = len(calls) - 1
        self._ids[index, place] = call_id or self._ids.get((index, place))
        self._by_index[index, number] = place
        return place

    def _without_name(self, place: Place, piece: Body) -> Body:
        """Give a piece without a name that is said again: readers disagree on what that adds up to."""
        kind, _ = _kind(piece)
        inner = piece.get(kind)
        if not isinstance(inner, dict):
            return {name: value for name, value in piece.items() if name != kind}
        said, known = inner.get("name"), self._names.get(place)
        if not isinstance(said, str) or not said:
            return piece
        self._names[place] = (known or "") + (said if said != known else "")
        if known is None:
            return piece
        self._confused.add(place[0])
        return {**piece, kind: {**inner, "name": said if said != known else ""}}

    def _is_confused(self, index: int) -> bool:
        """Tell whether readers may disagree on the calls of a choice: they are then spelled whole, with ids apart."""
        ids = [self._ids[index, place] for place in range(len(self._calls.get(index, ())))]
        return index in self._confused or (len(ids) > 1 and (not all(ids) or len(set(ids)) < len(ids)))

    def _whole_calls(self, index: int) -> list[Body]:
        """Give the calls of a choice as they add up. O(pieces)."""
        calls: list[Body] = []
        for pieces in self._calls.get(index, ()):
            whole = {name: part for name, part in _sum(pieces).items() if name != "index"}
            if self._is_confused(index):
                whole["id"] = str(whole.get("id") or "call")
                while any(whole["id"] == one["id"] for one in calls):
                    whole["id"] += "-again"
            calls.append(whole)
        return calls

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
                first = (index, OLDER) not in self._started
                self._started.add((index, OLDER))
                delta["function_call"] = {**older, "arguments": text if first else ""}
        return delta

    def _piece(self, piece: Body, place: Place, rulings: Rulings) -> Body | None:
        """Give a piece of a call with its index among those that are left; what is new is all in the first piece."""
        if rulings.refused(place):
            return None
        index = sum(not rulings.refused((place[0], before)) for before in range(place[1]))
        if "index" in piece and piece["index"] != index:
            piece = {**piece, "index": index}
        args, confused = rulings.args(place), self._is_confused(place[0])
        if args is None and not confused:
            return piece
        if place in self._started:
            return None if confused else self._later(piece)
        self._started.add(place)
        call = self._whole_calls(place[0])[place[1]]
        kind, field = _kind(call)
        whole = dict(call.get(kind) or {})
        if args is not None:
            whole[field] = args.get("input") if kind == "custom" else rulings.text(place)
        if confused:
            return {"type": "function", **call, kind: whole, "index": index}
        return {**piece, kind: {**(piece.get(kind) or {}), **whole}}

    def _later(self, piece: Body) -> Body | None:
        """Give a later piece of a call that the first one has brought whole: what else it says, if anything."""
        kind, _ = _kind(piece)
        left = {name: value for name, value in piece.items() if name != kind}
        return left if set(left) - {"index"} else None

    # --- what the client sees ----------------------------------------------------------------------------------------

    def _spelled(self, sent: Sent, data: Body, *, exact: bool = True) -> bytes:
        """Spell a chunk as one of the completion that the client hears; its very bytes where nothing is changed."""
        data = self._continued(data) if self._round else data
        for index, delta, _ in _deltas(data):
            if delta.get("content"):
                self._spoken.add(index)
        return sent.raw if data is sent.data and exact else respelled(sent, data)

    def _continued(self, data: Body) -> Body:
        """Give a chunk of a later round as one more of the first."""
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


def _sum(deltas: Sequence[Body]) -> Body:
    """Add up deltas: texts and lists are joined, objects add up by name, of the rest the last counts. O(size)."""
    found: dict[str, list[Any]] = {}
    for delta in deltas:
        for name, value in delta.items():
            found.setdefault(name, []).append(value)
    return {name: _joined(name, [one for one in values if one is not None]) for name, values in found.items()}


def _joined(name: str, values: list[Any]) -> Any:
    if not values:
        return None
    if name not in _NOT_ADDED and all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return _sum(values) if all(isinstance(value, dict) for value in values) else values[-1]
