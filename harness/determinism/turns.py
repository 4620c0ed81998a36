"""Whose turn it is: who comes next among the members of a schedule, and what time that makes it.

Nothing in here waits. Whoever asks holds the schedule's mutex.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from harness.determinism.member import Arrival, Member, Peek

# asyncio speaks of time in floats: an outcome that arrives less than this before a timer is held until after it, so
# that a rounded nanosecond can never turn their order around on replay
_MARGIN_NS: Final = 1000

Chooser = Callable[[int], int]
"""Given how many candidates there are, choose one by its number: how other legal orders are explored."""


class Order:
    """Choose who goes on as turns say, pairs of a place and a choice; ``widths`` are how many could at each place."""

    def __init__(self, turns: Iterable[tuple[int, int]]) -> None:
        self._choices = dict(turns)
        self.widths: list[int] = []

    def choose(self, count: int) -> int:
        """Choose among ``count`` by number; where there is only one, that is no place."""
        if count < 2:
            return 0
        self.widths.append(count)
        return self._choices.get(len(self.widths) - 1, 0) % count


class Turns:
    """Say who goes on, and what time it is (``now``: nanoseconds since the start).

    With a ``clock`` (nanoseconds, monotonic) it follows real time and real arrivals; without one it jumps from one
    recorded arrival or timer to the next. Where recorded times are not ``exact`` (timers of somebody else's busy loop
    fire late), arrivals keep their order and go before every timer. In ``virtual`` time arrivals are real and the
    clock is none: once nobody can go on it jumps to what comes first, an outcome or a timer. ``choose`` takes the place
    of the fixed order where several could go on; with ``retold`` the arrivals have their recorded order all the same.
    O(members that have not finished) per turn.
    """

    def __init__(
        self,
        clock: Callable[[], int] | None,
        *,
        exact: bool,
        choose: Chooser | None,
        virtual: bool = False,
        retold: bool = False,
    ) -> None:
        self.now = 0
        self.exact, self.choose, self._virtual, self._retold = exact, choose, virtual, retold
        self._clock = clock
        self._start = clock() if clock is not None else 0
        self._members: list[Member] = []  # that have not finished, by number
        self._last = 0
        self._count = 0
        self._live: deque[Arrival] = deque()
        self._recorded: list[Arrival] = []

    @property
    def live(self) -> bool:
        """Whether time and arrivals are real."""
        return self._clock is not None

    @property
    def lonely(self) -> bool:
        """Whether there is nobody else who could have the baton."""
        return len(self._members) == 1

    def _arrive(
        self, member: Member, at: int | None, fire: Callable[[], None] | None = None, gone: Peek | None = None
    ) -> None:
        """Take news for a member: real news, or where ``at`` is given recorded news. ``gone``: nobody waits for it."""
        self._count += 1
        if at is None and self._virtual:
            at = self.now + 1 + (0 if fire else member.late)
        arrival = Arrival(at or 0, self._count, member, fire, gone or _never)
        if at is None:
            self._live.append(arrival)
        else:
            heapq.heappush(self._recorded, arrival)

    def _whoever_can(self) -> Member | None:
        """Give the member that goes on because its wait is over."""
        later = (one for one in self._members if one.number > self._last)
        earlier = (one for one in self._members if one.number <= self._last)
        able = (one for one in chain(later, earlier) if one.waiting and one.peek is not None and one.peek())
        if self.choose is None:
            return next(able, None)
        candidates = list(able)
        return candidates[self.choose(len(candidates))] if candidates else None

    def _whoever_hears(self) -> Member | None:
        """Give the member that the next arrival or timer is for, and let the time be that of it."""
        timed = [one for one in self._members if one.waiting and one.deadline is not None]
        timer = min(timed, key=_deadline, default=None) if timed else None
        wait_ns = None if timer is None else _deadline(timer)[0] - self.now
        arrival = self._next_live(wait_ns) if self._clock is not None else self._next_recorded(wait_ns)
        if arrival is not None:
            arrival.member.fire = arrival.fire
            return arrival.member
        if timer is None or wait_ns is None or (self._clock is not None and self._real() < self.now + wait_ns):
            return None
        self.now += max(wait_ns, 0) + 1
        return timer

    def _next_live(self, wait_ns: int | None) -> Arrival | None:
        limit = None if wait_ns is None else self.now + wait_ns - _MARGIN_NS
        if limit is not None and limit <= self.now:
            return None
        while (arrival := next((one for one in self._live if _heard(one)), None)) is not None:
            self._live.remove(arrival)
            if not arrival.gone():
                real = self._real()
                self.now = max(self.now + 1, real if limit is None else min(real, limit))
                return arrival
        return None

    def _next_recorded(self, wait_ns: int | None) -> Arrival | None:
        waiting = self._recorded
        while waiting and waiting[0].gone():
            heapq.heappop(waiting)
        if self._virtual:
            return self._next_virtual(wait_ns)
        if self.choose is not None and not self._retold:
            return self._any_recorded(self.choose, wait_ns)
        if not waiting:
            return None
        if self.choose is not None and (wait_ns is None or wait_ns > _MARGIN_NS):
            # a place is counted as it was when the order was chosen
            self.choose(sum(_heard(one) and not one.gone() for one in waiting) + (wait_ns is not None))
        arrival = waiting[0]
        if not _heard(arrival):  # an event loop whose thread waits for something else
            heard = [one for one in waiting if _heard(one) and not one.gone()]
            if not heard:
                return None
            arrival = min(heard)
        if self.exact:
            if wait_ns is not None and arrival.at >= self.now + wait_ns - _MARGIN_NS // 2:
                return None
            self.now = max(self.now, arrival.at)
        self._taken(arrival)
        return arrival

    def _next_virtual(self, wait_ns: int | None) -> Arrival | None:
        """Give the chosen one of the arrivals and the timer in the order of their times; None for the timer.

        Each arrival has a moment of its own, before the timer or after it, so that a replay finds the order in the
        times alone.
        """
        limit = math.inf if wait_ns is None else self.now + wait_ns - _MARGIN_NS
        heard = sorted(one for one in self._recorded if _heard(one) and not one.gone())
        if not heard or limit <= self.now:
            return None
        timer = sum(one.at <= limit for one in heard) if wait_ns is not None else len(heard)
        number = 0 if self.choose is None else self.choose(len(heard) + (wait_ns is not None))
        if number == timer:
            return None
        arrival = heard[number - (number > timer)]
        self.now = max(self.now + 1, int(min(arrival.at, limit)))
        self._taken(arrival)
        return arrival

    def _any_recorded(self, choose: Chooser, wait_ns: int | None) -> Arrival | None:
        heard = sorted(one for one in self._recorded if _heard(one) and not one.gone())
        number = choose(len(heard) + (wait_ns is not None)) if heard else 0
        if number == len(heard):
            return None  # the timer goes first
        self._taken(heard[number])
        return heard[number]

    def _taken(self, arrival: Arrival) -> None:
        if self._recorded[0] is arrival:
            heapq.heappop(self._recorded)
        else:
            self._recorded.remove(arrival)
            heapq.heapify(self._recorded)

    def _left_for(self, member: Member) -> list[Callable[[], None]]:
        """Give what arrivals for an event loop bring, when nobody is given turns any more."""
        left = [one for one in [*self._live, *sorted(self._recorded)] if one.member is member]
        self._live = deque(one for one in self._live if one.member is not member)
        self._recorded = [one for one in self._recorded if one.member is not member]
        heapq.heapify(self._recorded)
        return [one.fire for one in left if one.fire is not None and not one.gone()]

    def _real(self) -> int:
        return self._clock() - self._start if self._clock is not None else self.now


def _heard(arrival: Arrival) -> bool:
    """Tell whether the one it is for listens: a thread waits for nothing else, an event loop only while it rests."""
    return arrival.fire is None or arrival.member.rests


def _never() -> bool:
    return False


def _deadline(member: Member) -> tuple[int, int]:
    assert member.deadline is not None
    return member.deadline, member.number
