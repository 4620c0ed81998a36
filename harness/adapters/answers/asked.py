"""What an answer asks to be called and what becomes of it: values, and arguments as the data that rules judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from harness.adapters.answers.sse import spelled
from harness.determinism import canonical
from harness.errors import NotRecordable, Refused
from harness.mediation.refusal import for_model
from harness.trace.outcome import Failed, Ok, Outcome
from harness.trace.value import decode_value, encode_value

UNPARSED: Final = "$unparsed"

Place = tuple[int, int]
"""Where a call stands in an answer: the number of the choice, or 0, and that of the call or item in it."""


class Asked(NamedTuple):
    """A tool call that an answer asks for; ``id`` is the model's own, empty where it gave none.

    ``args`` is ``{"$unparsed": TEXT}`` where the arguments are no JSON object, ``{"input": TEXT}`` for a tool that
    takes a text.
    """

    place: Place
    id: str
    tool: str
    args: dict[str, Any]


class Ruling(NamedTuple):
    """What became of a call: refused, or to be made with ``args``, None where they are those it asked for."""

    asked: Asked
    args: dict[str, Any] | None = None
    refused: Refused | None = None


class Result(NamedTuple):
    """What a request says came back from the call of this id."""

    id: str
    outcome: Outcome


class Owed(NamedTuple):
    """What a server that keeps conversations has to be told when one goes on.

    The client knows the answer, or the conversation, as ``shown``, the server knows it as ``kept``. ``outputs`` are the
    results of the calls that the client has not seen. ``once`` says that they are not to be given a second time.
    """

    shown: str
    kept: str
    outputs: tuple[dict[str, Any], ...]
    once: bool = False


class Rulings:
    """The rulings on one round of an answer, by place."""

    def __init__(self, rulings: Sequence[Ruling]) -> None:
        self._by_place = {ruling.asked.place: ruling for ruling in rulings}

    def change(self) -> bool:
        """Tell whether any call is refused or rewritten."""
        return any(one.refused is not None or one.args is not None for one in self._by_place.values())

    def refused(self, place: Place) -> bool:
        """Tell whether the call at a place is to be left out."""
        return place in self._by_place and self._by_place[place].refused is not None

    def left(self, choice: int = 0) -> bool:
        """Tell whether a choice has calls that stay."""
        return any(place[0] == choice and not self.refused(place) for place in self._by_place)

    def text(self, place: Place) -> str | None:
        """Give the new arguments of a call as JSON text, None where they stay as they are."""
        args = self.args(place)
        return None if args is None else spelled(args)

    def args(self, place: Place) -> dict[str, Any] | None:
        """Give the new arguments of a call as data, None where they stay as they are."""
        ruling = self._by_place.get(place)
        if ruling is None or ruling.args is None:
            return None
        decoded: dict[str, Any] = decode_value(ruling.args)
        return decoded

    def told(self, choice: int = 0) -> str:
        """Say what was refused, for whoever reads the answer; empty where nothing was."""
        return "\n".join(
            str(ruling.refused)
            for place, ruling in self._by_place.items()
            if place[0] == choice and ruling.refused is not None
        )


NONE: Final = Rulings(())


def as_result(ruling: Ruling) -> str:
    """Give the text that a model finds where the result of a refused call would be."""
    assert ruling.refused is not None
    return for_model(ruling.refused)


def arguments(text: Any) -> dict[str, Any]:
    """Read the arguments of a call as JSON data: what every client reads alike, or the text itself as unparsed.

    No text at all is no arguments. A key that stands twice is read differently by different clients, so such a text
    counts as unparsed. O(size).
    """
    if not isinstance(text, str):
        return data_of({} if text is None else text)
    if not text.strip():
        return {}
    try:
        value = canonical.decode(text.encode())
        if isinstance(value, dict):
            canonical.decode_strictly(text)
            return _recordable(value)
    except (ValueError, NotRecordable, RecursionError):
        pass
    return {UNPARSED: plain_text(text)}


def data_of(value: Any) -> dict[str, Any]:
    """Give arguments that came as data, or their text where they are no JSON object that a trace can hold."""
    try:
        if isinstance(value, dict):
            return _recordable(value)
    except (NotRecordable, RecursionError):
        pass
    return {UNPARSED: spelled(value)}


def plain_text(value: Any) -> str:
    """Give a text as a trace can hold it; of what is no text, nothing."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def result(call_id: Any, content: Any, *, failed: bool = False) -> Result:
    """Read what came back from a call; content that a trace cannot hold is kept as its text."""
    try:
        value = encode_value(content)
        canonical.encode(value)
    except (NotRecordable, RecursionError):
        value = spelled(content)
    message = value if isinstance(value, str) else spelled(content)
    outcome = Failed({"message": message, "type": "tool"}) if failed else Ok(value)
    return Result(plain_text(call_id), outcome)


def added(one: Any, other: Any) -> Any:
    """Add up what two rounds say they have used: numbers, and what holds numbers by name."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {name: added(one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])}
    if type(one) in (int, float) and type(other) in (int, float):
        return one + other
    return one if other is None else other


def relaxed(request: dict[str, Any], free: Any) -> dict[str, Any]:
    """Give a request that leaves it to the model whether to call a tool, where it had to call one that was refused."""
    chosen = request.get("tool_choice")
    forced = isinstance(chosen, dict) or chosen in ("required", "any")
    return {**request, "tool_choice": free} if forced else request


def objects(items: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list; whatever else stands there, or instead of it, is passed over."""
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _recordable(value: dict[str, Any]) -> dict[str, Any]:
    encoded: dict[str, Any] = encode_value(value)
    canonical.encode(encoded)
    return encoded
