"""One baton per session: of the threads of an agent one runs at a time, and the order of their turns is data.

What an agent can observe of concurrency is the order in which it is woken. So its threads (members) run one at a
time. The member that holds the baton gives it away where it waits: for a lock, a queue, another thread, a moment, or
the outcome of a call. Then, in this order,

* a member whose wait is over goes on, found by going round from the one that ran last;
* else, when all wait for the outside, the next *arrival* comes, or the next timer fires: one at a time, each at a
  time of its own. The clock stands still in between and never passes a timer that has not fired.

Recording, arrivals come in real order; on replay at their recorded times, and waiting costs nothing. All else follows
from the agent's own code, therefore the order of a recording comes again. The members are threads, and threads that
run an event loop (``determinism.loop``). A call's effect is performed aside: without the baton, side by side.

What it does not control: threads that are not members, and whatever a member waits for in ways nobody told it of. A
member that holds the baton while it waits for another one in such a way would stop all; ``patience_s`` later the
schedule is dissolved, every member goes on by itself, and ``dissolved`` says so.
"""

from __future__ import annotations

import _thread
import asyncio
import heapq
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from harness.errors import Halt

# asyncio speaks of time in floats: an outcome that arrives less than this before a timer is held until after it, so
# that a rounded nanosecond can never turn their order around on replay
_MARGIN_NS: Final = 1000
_FIRST_LOOK_S: Final = 0.001
_LAST_LOOK_S: Final = 0.05

# the schedule has to wait for real, also while waiting itself is captured
_lock: Final = _thread.allocate_lock
_acquire: Final = _thread.LockType.acquire
_acquire_again: Final = type(threading.RLock()).acquire

Peek = Callable[[], bool]


class Mutex:
    """A reentrant lock that is never captured."""

    __slots__ = ("_rlock",)

    def __init__(self) -> None:
        self._rlock = threading.RLock()

    def __enter__(self) -> None:
        _acquire_again(self._rlock)

    def __exit__(self, *error: object) -> None:
        self._rlock.release()


class Member:
    """One thread of an agent: what it waits for, and the gate behind which it waits."""

    __slots__ = (
        "aside",
        "called",
        "deadline",
        "finished",
        "fire",
        "gate",
        "number",
        "peek",
        "rests",
        "timeline",
        "waiting",
        "wake",
    )

    def __init__(self, timeline: Timeline, number: int) -> None:
        self.timeline, self.number = timeline, number
        self.gate = _lock()
        _acquire(self.gate)
        self.peek: Peek | None = None
        self.deadline: int | None = None
        self.fire: Callable[[], None] | None = None
        self.wake: Callable[[], None] | None = None
        self.waiting = self.rests = self.called = self.aside = self.finished = False


class Arrival(NamedTuple):
    """News from outside for a member: it is given the baton and does ``fire``, if there is anything to do."""

    at: int
    number: int
    member: Member
    fire: Callable[[], None] | None
    gone: Peek


members: Final[dict[int, Member]] = {}
"""The members of all sessions by the identity of their threads."""

current: ContextVar[Timeline | None] = ContextVar("harness_timeline", default=None)
"""The timeline of the session that the calling code belongs to."""


def member_here() -> Member | None:
    """Give the member that the calling thread is; None outside, and while it performs an effect."""
    member = members.get(_thread.get_ident())
    return None if member is None or member.aside else member


Chooser = Callable[[int], int]
"""Given how many candidates there are, choose one by its number: how other legal orders are explored."""


class Timeline:
    """Say whose turn it is, and what time it is (``now``: nanoseconds since the start).

    With a ``clock`` (nanoseconds, monotonic) it follows real time and real arrivals; without one it jumps from one
    recorded arrival or timer to the next. Where recorded times are not ``exact`` (timers of somebody else's busy loop
    fire late), arrivals keep their order and go before every timer. ``stalled`` is called when everybody waits and
    nothing recorded is left to arrive: it lets somebody go on, or raises. ``choose`` takes the place of the fixed
    order where several could go on.
    """

    def __init__(
        self,
        clock: Callable[[], int] | None = None,
        *,
        stalled: Callable[[], None] | None = None,
        exact: bool = True,
        choose: Chooser | None = None,
        patience_s: float = 20.0,
    ) -> None:
        self.now = 0
        self.active = False
        self.dissolved = ""
        self.choose = choose
        self._clock = clock
        self._start = clock() if clock is not None else 0
        self._stalled, self.exact = stalled, exact
        self._patience_s = patience_s
        self.afterwards: list[Callable[[Timeline], None]] = []
        self._mutex = Mutex()
        self._members: list[Member] = []
        self._unfinished = 0
        self._holder: Member | None = None
        self._aside = 0
        self._turns = 0
        self._last = 0
        self._count = 0
        self._live: deque[Arrival] = deque()
        self._recorded: list[Arrival] = []
        self._failed: Halt | None = None

    @property
    def live(self) -> bool:
        """Whether time and arrivals are real."""
        return self._clock is not None

    @property
    def lonely(self) -> bool:
        """Whether there is nobody else who could have the baton."""
        return self._unfinished == 1

    def go_live(self, clock: Callable[[], int]) -> None:
        """Follow a real clock from the present moment on."""
        with self._mutex:
            self._clock, self._start = clock, clock() - self.now

    # --- taking part -------------------------------------------------------------------------------------------------

    def begin(self, now: int = 0) -> Member:
        """Make the calling thread the first member and give it the baton; the time is ``now``."""
        with self._mutex:
            self.now, self.active = now, True
            if self._clock is not None:
                self._start = self._clock() - now
            member = self.add()
            member.waiting = False
            self._holder = member
            members[_thread.get_ident()] = member
            return member

    def add(self) -> Member:
        """Add a member that waits for its first turn."""
        with self._mutex:
            member = Member(self, len(self._members))
            member.peek, member.waiting = _at_once, True
            self._members.append(member)
            self._unfinished += 1
            return member

    def join(self, member: Member) -> None:
        """Let the calling thread be this member, and wait for its first turn."""
        members[_thread.get_ident()] = member
        self._wait_at_gate(member)

    def leave(self, member: Member) -> None:
        """End the calling thread's part."""
        members.pop(_thread.get_ident(), None)
        with self._mutex:
            member.finished, member.waiting = True, False
            self._unfinished -= 1
            if self._holder is member:
                self._pass(member)

    def dissolve(self, reason: str) -> None:
        """Let every member go on by itself, for good; ``afterwards`` is called."""
        with self._mutex:
            if self.dissolved:
                return
            self.dissolved = reason
            self.active = False
            self._holder = None
            for ident, member in list(members.items()):
                if member.timeline is self:
                    members.pop(ident, None)
            for member in self._members:
                if member.waiting:
                    self._open(member)
        for ended in self.afterwards:
            ended(self)

    # --- waiting -----------------------------------------------------------------------------------------------------

    def pause(self, member: Member, peek: Peek | None = None, deadline: int | None = None) -> bool:
        """Give the baton away until ``peek`` holds or the time is past ``deadline``.

        ``peek`` is asked by other threads too: it looks and changes nothing. False where the schedule is dissolved, and
        the caller has to wait for real.
        """
        with self._mutex:
            if self.dissolved:
                return False
            member.peek, member.deadline, member.waiting = peek, deadline, True
            self._pass(member)
        return self._wait_at_gate(member)

    def sleep(self, member: Member, duration_ns: int) -> bool:
        """Wait until a time has passed; False where the schedule is dissolved."""
        return self.pause(member, None, self.now + max(duration_ns, 0))

    def stand_aside(self, member: Member) -> None:
        """Give the baton away to perform an effect."""
        with self._mutex:
            member.aside = True
            self._aside += 1
            if self._holder is member:
                self._pass(member)

    def come_back(self, member: Member, at: int | None = None) -> int:
        """Arrive with the outcome of a call (recorded at ``at``), wait for its turn, and give its time."""
        with self._mutex:
            if member.aside:
                member.aside = False
                self._aside -= 1
            if self.dissolved:
                return self._real()
            member.peek, member.deadline = None, None
            member.waiting = True
            self._arrive(Arrival(at or 0, self._count, member, None, _never), at)
            if self._holder is None or self._holder is member:
                self._pass(member)
        self._wait_at_gate(member)
        return self.now

    async def arrive(self, at: int | None = None) -> None:
        """Wait in a coroutine until the agent has nothing left to do and it is this outcome's turn."""
        arrival = self.expected()
        self.came(arrival, at)
        await arrival

    @staticmethod
    def expected() -> asyncio.Future[None]:
        """Give what a coroutine waits for until an outcome ``came`` and it is its turn.

        It is not of the loop's own making: the agent's futures are numbered, and a recording waits at other moments.
        """
        return asyncio.Future(loop=asyncio.get_running_loop())

    def came(self, arrival: asyncio.Future[None], at: int | None = None) -> None:
        """Let the outcome (recorded at ``at``) take its turn among those that have come."""
        with self._mutex:
            member = members[_thread.get_ident()]
            self._arrive(Arrival(at or 0, self._count, member, _resolver(arrival), arrival.done), at)

    def rest(self, member: Member, deadline: int | None, select: Callable[[float | None], Any]) -> Any:
        """Let an event loop wait like any member, and give the socket events it has to process.

        ``select`` is the real one; ``member.wake`` interrupts it from another thread.
        """
        if self._unfinished == 1:
            return self._rest_without_others(member, deadline, select)
        if self._clock is None:
            events = select(0)
            if events:
                return events
            member.rests = True
            if not self.pause(member, lambda: bool(select(0)), deadline):
                return select(0 if deadline is not None else None)
        elif not self._rest_for_real(member, deadline, select):
            return select(None if deadline is None else max(deadline - self._real(), 0) / 1e9)
        fire, member.fire = member.fire, None
        if fire is not None:
            fire()
        return select(0)

    def _rest_without_others(self, member: Member, deadline: int | None, select: Callable[[float | None], Any]) -> Any:
        """Do what ``rest`` does where nobody else could have the baton: there is no gate to wait at."""
        member.peek, member.deadline, member.waiting, member.rests = None, deadline, True, True
        try:
            while not (events := select(0)):
                if self._whoever_hears() is not None:
                    break
                if self._clock is not None:
                    if events := select(self._look(member, None)):
                        break
                elif self._stalls(member):
                    break
        finally:
            member.waiting = member.rests = False
        fire, member.fire = member.fire, None
        if fire is not None:
            fire()
        return events

    def rest_alone(self, timeout: float | None, select: Callable[[float | None], Any]) -> Any:
        """Let an event loop wait for real, once the schedule is dissolved; Halt where it was halted."""
        if self._failed is not None:
            raise self._failed
        events = select(timeout if self._clock is not None else 0)
        self.now = max(self.now, self._real()) if timeout is None else self.now + int(timeout * 1e9) + 1
        return events

    def _rest_for_real(self, member: Member, deadline: int | None, select: Callable[[float | None], Any]) -> bool:
        with self._mutex:
            if self.dissolved:
                return False
            member.peek, member.deadline = lambda: bool(select(0)), deadline
            member.waiting = member.rests = True
            self._pass(member)
        while not _acquire(member.gate, False):
            look = self._look(member, _LAST_LOOK_S if len(self._members) > 1 else None)
            if select(look) and self._holder is not None and _acquire(member.gate, True, _FIRST_LOOK_S):
                break
            self._look_again(member)
        return not self.dissolved

    def _wait_at_gate(self, member: Member) -> bool:
        look, waited, turns = _FIRST_LOOK_S, 0.0, self._turns
        while True:
            try:
                limit = _LAST_LOOK_S if self._clock is None else self._look(member, look) or 0.0
                if _acquire(member.gate, True, limit):
                    break
            except BaseException:  # Ctrl-C: whoever is interrupted goes on without the baton
                self.dissolve("interrupted")
                raise
            self._look_again(member)
            look = min(look * 2, _LAST_LOOK_S)
            waited = waited + limit if self._turns == turns and self._holder is not None else 0.0
            turns = self._turns
            if waited > self._patience_s and self._clock is not None:
                self.dissolve(f"a thread kept its turn for {self._patience_s:g} s while another one waited")
        if self._failed is not None:
            raise self._failed
        return not self.dissolved

    def _look(self, member: Member, limit_s: float | None) -> float | None:
        """Give the seconds after which a waiting member looks again: its own timer, or somebody unknown was at work."""
        if member.deadline is None:
            return limit_s
        left = max(member.deadline - self._real(), 0) / 1e9
        return left if limit_s is None else min(left, limit_s)

    def _look_again(self, member: Member) -> None:
        with self._mutex:
            if self._holder is None and member.waiting and not self.dissolved:
                self._pass(member)

    # --- whose turn it is --------------------------------------------------------------------------------------------

    def _pass(self, caller: Member) -> None:
        """Give the baton to whoever comes next; the mutex is held."""
        self._holder = None
        while (chosen := self._whoever_can() or self._whoever_hears()) is None:
            if self._clock is not None or self._aside or self._stalled is None:
                return
            if self._stalls(caller):
                chosen = caller
                break
            if self.dissolved:
                return
        self._grant(chosen, caller)

    def _stalls(self, caller: Member) -> bool:
        """Tell that nothing recorded is left to arrive; True where the caller, a loop, has to look for itself again."""
        if self._stalled is None:
            return False
        try:
            self._stalled()
        except Halt as halt:
            self._failed = halt
            self.dissolve("halted")
            if caller.finished:
                return False
            raise
        return caller.rests and caller.waiting

    def _whoever_can(self) -> Member | None:
        count = len(self._members)
        order = (self._members[(self._last + step) % count] for step in range(1, count + 1))
        able = (one for one in order if one.waiting and one.peek is not None and one.peek())
        if self.choose is None:
            return next(able, None)
        candidates = list(able)
        return candidates[self.choose(len(candidates))] if candidates else None

    def _whoever_hears(self) -> Member | None:
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
        if self.choose is not None:
            return self._any_recorded(self.choose, wait_ns)
        if not waiting:
            return None
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

    def _arrive(self, arrival: Arrival, at: int | None) -> None:
        self._count += 1
        if at is None:
            self._live.append(arrival)
        else:
            heapq.heappush(self._recorded, arrival)

    def _grant(self, chosen: Member, caller: Member) -> None:
        self._holder = chosen
        self._turns += 1
        if chosen.called or chosen.wake is None or chosen.fire is not None:
            self._last = chosen.number  # but not for a loop that only has to go on with its effects
        chosen.called = chosen.rests = False
        self._open(chosen)
        if chosen.wake is not None and chosen is not caller:
            chosen.wake()

    @staticmethod
    def _open(member: Member) -> None:
        member.waiting = False
        with suppress(RuntimeError):  # open already
            member.gate.release()

    def _real(self) -> int:
        return self._clock() - self._start if self._clock is not None else self.now


def _heard(arrival: Arrival) -> bool:
    """Tell whether the one it is for listens: a thread waits for nothing else, an event loop only while it rests."""
    return arrival.fire is None or arrival.member.rests


def _at_once() -> bool:
    return True


def _never() -> bool:
    return False


def _deadline(member: Member) -> tuple[int, int]:
    assert member.deadline is not None
    return member.deadline, member.number


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    def fire() -> None:
        if not future.done():
            future.set_result(None)

    return fire
