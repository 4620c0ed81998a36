"""The course of one exchange: read, judge, ask again or settle. A generator of steps; a driver carries them out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple

from harness.adapters.answers.answer import Streamed, Whole
from harness.adapters.answers.asked import Asked, Owed, Ruling

MAX_ROUNDS: Final = 3  # in which a model is asked again because all it wanted was refused


class Read:
    """Give the next bytes of the answer, None at its end."""


class Rule(NamedTuple):
    """Give the ruling on a call."""

    asked: Asked


class Ask(NamedTuple):
    """Send this request; say whether an answer of the same kind has begun."""

    request: dict[str, Any]


class Pass(NamedTuple):
    """Give these bytes to the client."""

    data: bytes


class Owe(NamedTuple):
    """Remember what the server has to be told."""

    owed: Owed


Step = Read | Rule | Ask | Pass | Owe
READ: Final = Read()


def course(answer: Whole | Streamed, request: dict[str, Any]) -> Generator[Step, Any, None]:
    """Give the steps of an exchange whose answer has begun; ``request`` is what it answers.

    Nothing that belongs to a call passes before the ruling on it. Where every call of an answer is refused the model
    is asked again, at most MAX_ROUNDS times; where it cannot be, or fails to answer, the client is told instead.
    """
    for left in reversed(range(MAX_ROUNDS + 1)):
        while (data := (yield READ)) is not None:
            if passed := answer.feed(data):
                yield Pass(passed)
        if passed := answer.finish():
            yield Pass(passed)
        rulings: list[Ruling] = []
        for asked in answer.calls():
            ruling = yield Rule(asked)
            rulings.append(ruling)
        further = answer.again(request, rulings) if left and _all_refused(rulings) else None
        if further is None or not (yield Ask(further)):
            break
        if passed := answer.settled(rulings, ends=False):
            yield Pass(passed)
        request = further
    if (owed := answer.owed(request, rulings)) is not None:
        yield Owe(owed)
    if passed := answer.settled(rulings, ends=True):
        yield Pass(passed)


def _all_refused(rulings: Sequence[Ruling]) -> bool:
    return bool(rulings) and all(ruling.refused is not None for ruling in rulings)
