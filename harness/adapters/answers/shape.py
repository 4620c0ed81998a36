"""What an API has to be known for, so that the calls in its answers can be judged: one shape for each dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from harness.adapters.answers.asked import Asked, Owed, Result, Ruling, Rulings
from harness.adapters.answers.sse import Sent

Body = dict[str, Any]


class Voice(Protocol):
    """One streamed answer as its client hears it, over all rounds of asking the model.

    Every event of a round is ``heard`` once, and then either ``shown`` at once or kept back for ``settled``. What is
    not understood is passed on as it came.
    """

    def bears_call(self, data: Body) -> bool:
        """Tell whether an event belongs to a call: it is held, and so is all that comes after it."""

    def is_failure(self, data: Body) -> bool:
        """Tell whether an event says that the answer has failed."""

    def contradicts(self, data: Body) -> bool:
        """Tell whether an event takes back what an earlier one said, so that clients may read either."""

    def heard(self, data: Body) -> None: ...

    def shown(self, sent: Sent) -> bytes: ...

    def body(self) -> Body:
        """Give what the present round adds up to, as the whole answer it would have been."""

    def is_plain(self) -> bool:
        """Tell whether what was held may pass as it came, if no ruling changes it."""

    def settled(self, held: Sequence[Sent], rulings: Rulings, *, ends: bool) -> bytes:
        """Give what was held as rulings want it; unless this ``ends`` the answer, a further round begins."""

    def broken(self, why: str) -> bytes:
        """Give the event that tells the client why it will hear no more."""


class Shape(Protocol):
    """The requests and answers of one API."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        """Yield the tools that a request declares, by name, with the JSON Schema of their arguments."""

    def results(self, request: Body) -> Iterator[Result]:
        """Yield the results of calls that a request carries, in order."""

    def remembers(self, request: Body) -> bool:
        """Tell whether a request goes on with what its server keeps, so that every result in it is a new one."""

    def amended(self, request: Body, texts: Mapping[int, str], owed: Mapping[str, Owed]) -> Body:
        """Give a request with other texts for some of its results, by number, and what its server has to be told."""

    def calls(self, body: Body) -> list[Asked]:
        """Give the calls that a whole answer asks its client to make."""

    def changed(self, body: Body, rulings: Rulings, *, tell: bool) -> Body:
        """Give an answer as rulings want it, with a text in it that tells what was refused if asked to."""

    def joined(self, before: Body, after: Body) -> Body:
        """Give one answer for what two rounds have said."""

    def again(self, request: Body, body: Body, rulings: Sequence[Ruling]) -> Body | None:
        """Give the request that asks again with the refusals as results; None where that cannot be said."""

    def owed(self, request: Body, shown: Body, body: Body, rulings: Sequence[Ruling]) -> Owed | None:
        """Say what the server has to be told later on: ``shown`` is the first round's answer, ``body`` the last's."""

    def voice(self) -> Voice:
        """Begin to hear a streamed answer."""
