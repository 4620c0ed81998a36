"""The calls of a route that are under way, and those that wait to be made again."""

from __future__ import annotations

from collections.abc import Callable

from harness.routing.calls import Call


class Underway:
    """Keep up to ``width`` calls under way, by the number of their last attempt."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.running: dict[int, Call] = {}
        self.waiting: list[Call] = []
        self._made = 0

    @property
    def arcs(self) -> set[int]:
        """The arcs that a call has been made of."""
        return {call.arc for call in (*self.running.values(), *self.waiting)}

    @property
    def pinned(self) -> list[Call]:
        """The calls that may have happened, or may yet happen."""
        return [*self.running.values(), *(call for call in self.waiting if call.pinned)]

    @property
    def undoes(self) -> bool:
        """Whether something is being taken back."""
        return any(call.undoes is not None for call in (*self.running.values(), *self.waiting))

    @property
    def full(self) -> bool:
        """Whether no further call may be made."""
        return len(self.running) >= self.width

    def begin(self, call: Call, cost: int) -> Call:
        """Give a call that is made now its number."""
        self._made += 1
        call = self.running[self._made] = call._replace(number=self._made, cost=cost)
        return call

    def due(self, now: int) -> list[Call]:
        """Take the waiting calls whose time has come, as many as may be made."""
        come = sorted((call for call in self.waiting if call.until <= now), key=lambda call: call.until)
        taken = come[: max(self.width - len(self.running), 0)]
        self.waiting = [call for call in self.waiting if call not in taken]
        return taken

    def next_due(self) -> int | None:
        """Give when the first waiting call is to be made, None where none waits or none may be made before news."""
        return None if self.full else min((call.until for call in self.waiting), default=None)

    def keep(self, fits: Callable[[Call], bool]) -> None:
        """Let go of the waiting calls that do not fit any more."""
        self.waiting = [call for call in self.waiting if fits(call)]
