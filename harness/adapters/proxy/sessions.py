"""The open sessions of a proxy: begun with the first request of a conversation, sealed when it falls silent."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from harness.adapters.answers.door import Answers, Remembered
from harness.adapters.proxy.conversations import Conversation
from harness.errors import Halt, HarnessError
from harness.run.drive import Run

_OPEN: Final = 1_000  # sessions at a time, before the longest silent one is sealed: each holds a file open
_CARRIED: Final = 10_000  # conversations that have left something to know


class Carried(NamedTuple):
    """What the next session of a conversation has to know: questions without an answer, and the calls it has seen."""

    left: list[tuple[Any, str]]
    remembered: Remembered


class Kept(Protocol):
    """A session that is kept for requests to come, and what is known of the calls in its answers."""

    run: Run
    answers: Answers

    def note(self, text: str, **data: Any) -> None:
        """Record something worth keeping."""

    def seal(self) -> None:
        """Seal the trace, and let go of it."""


class OpenSession:
    """An open session, the requests under way in it, and what passed beside it.

    ``last`` is the event that the next request follows from; ``broken`` says that no more can be written.
    """

    __slots__ = ("broken", "kept", "last", "number", "sealing", "under_way", "unseen")

    def __init__(self, kept: Kept, number: int) -> None:
        self.kept, self.number = kept, number
        self.under_way, self.last, self.broken = 0, -1, False
        self.sealing: asyncio.TimerHandle | None = None
        self.unseen: Counter[str] = Counter()


class Sessions:
    """Keep a session open for each conversation that has something under way, or had in the last ``idle_s`` seconds.

    ``begin`` opens one, given the name of the conversation and what its last session has left to know. When a
    conversation goes on after its session was sealed, another one begins. ``tell`` is for people.
    """

    def __init__(
        self, begin: Callable[[str, Carried | None], Kept], *, idle_s: float, tell: Callable[[str], None]
    ) -> None:
        self._begin, self._idle_s, self._tell = begin, idle_s, tell
        self._open: OrderedDict[Conversation, OpenSession] = OrderedDict()
        self._carried: OrderedDict[Conversation, Carried] = OrderedDict()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def under_way(self) -> int:
        """The number of requests that have no whole answer yet."""
        return sum(one.under_way for one in self._open.values())

    def enter(self, conversation: Conversation) -> OpenSession:
        """Give the session of a conversation to a request, which leaves it again; StoreError where none can begin."""
        one = self._open.get(conversation)
        if one is None or one.broken:
            self._make_room()
            kept = self._begin(conversation.name, self._carried.pop(conversation, None))
            one = self._open[conversation] = OpenSession(kept, next(self._numbers))
        self._open.move_to_end(conversation)
        if one.sealing is not None:
            one.sealing.cancel()
        one.under_way += 1
        return one

    def leave(self, conversation: Conversation, one: OpenSession) -> None:
        """Take note that a request is over; a session without one is sealed a while later."""
        one.under_way -= 1
        if one.under_way:
            return
        if one.broken:
            self._seal(conversation, one)
        else:
            one.sealing = asyncio.get_running_loop().call_later(self._idle_s, self._seal, conversation, one)

    def seal_all(self) -> None:
        """Seal every session, whatever is under way in it."""
        for conversation, one in list(self._open.items()):
            self._seal(conversation, one)

    def _make_room(self) -> None:
        if len(self._open) >= _OPEN:
            silent = next((item for item in self._open.items() if not item[1].under_way), None)
            if silent is not None:
                self._seal(*silent)

    def _seal(self, conversation: Conversation, one: OpenSession) -> None:
        if self._open.get(conversation) is one:
            del self._open[conversation]
        if one.sealing is not None:
            one.sealing.cancel()
        with suppress(Halt):  # which cannot be sealed either, and that is told
            if one.unseen:
                one.kept.note("passed without being judged", **dict(sorted(one.unseen.items())))
        try:
            one.kept.seal()
        except HarnessError as error:
            self._tell(f"{conversation.name} is not sealed: {error}")
        carried = Carried(one.kept.run.machine.questions.left, one.kept.answers.remembered)
        if carried.left or any(carried.remembered):
            self._carried[conversation] = carried
            if len(self._carried) > _CARRIED:
                self._carried.popitem(last=False)
