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

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from harness.determinism.member import Member, Mutex, Peek, acquire, member_of_thread, take_part
from harness.determinism.turns import Chooser, Turns
from harness.errors import Halt

_FIRST_LOOK_S: Final = 0.001
_LAST_LOOK_S: Final = 0.05


class Timeline(Turns):
    """Let one member run at a time, and the others wait for their turns.

    ``clock``, ``exact``, ``choose``, ``virtual`` and ``retold`` are as in ``Turns``. ``stalled`` is called when
    everybody waits and nothing recorded is left to arrive: it lets somebody go on, or raises.
    """

    def __init__(
        self,
        clock: Callable[[], int] | None = None,
        *,
        stalled: Callable[[], None] | None = None,
        exact: bool = True,
        choose: Chooser | None = None,
        virtual: bool = False,
        retold: bool = False,
        patience_s: float = 20.0,
    ) -> None:
        super().__init__(clock, exact=exact, choose=choose, virtual=virtual, retold=retold)
        self.active = False
        self.dissolved = ""
        self.afterwards: list[Callable[[Timeline], None]] = []
        self._stalled = stalled
        self._patience_s = patience_s
        self._mutex = Mutex()
        self._holder: Member | None = None
        self._made = 0
        self._aside = 0
        self._turns = 0
        self._failed: Halt | None = None

    def go_live(self, clock: Callable[[], int], now: int) -> None:
        """Follow a real clock from the present moment on, which is not before ``now``."""
        with self._mutex:
            self.now = max(self.now, now)
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
            take_part(member)
            return member

    def add(self) -> Member:
        """Add a member that waits for its first turn."""
        with self._mutex:
            member = Member(self, self._made)
            member.peek, member.waiting = _at_once, True
            self._made += 1
            self._members.append(member)
            return member

    def join(self, member: Member) -> None:
        """Let the calling thread be this member, and wait for its first turn."""
        take_part(member)
        self._wait_at_gate(member)

    def leave(self, member: Member) -> None:
        """End the part of the calling thread, or of one that could not be started."""
        if member_of_thread() is member:
            take_part(None)
        with self._mutex:
            member.finished, member.waiting = True, False
            self._members.remove(member)
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

    def pause_aside(self, member: Member, peek: Peek) -> bool:
        """Give the baton away while an effect waits for what another member holds; False where it has none to give."""
        if not self._virtual:
            return False
        with self._mutex:
            member.aside = False
            self._aside -= 1
        try:
            return self.pause(member, peek)
        finally:
            with self._mutex:
                member.aside = True
                self._aside += 1

    def sleep(self, member: Member, duration_ns: int) -> bool:
        """Wait until a time has passed; False where the schedule is dissolved."""
        return self.pause(member, None, self.now + max(duration_ns, 0))

    def stand_aside(self, member: Member) -> None:
        """Give the baton away to perform an effect; in virtual time keep it, for an effect then takes none."""
        with self._mutex:
            member.aside, member.late = True, 0
            self._aside += 1
            if self._holder is member and not self._virtual:
                self._pass(member)

    def linger(self, member: Member, duration_ns: int) -> bool:
        """Let the outcome of an effect that is under way come so much later; False where time is real."""
        if not self._virtual or not member.aside:
            return False
        member.late += max(duration_ns, 0)
        return True

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
            self._arrive(member, at)
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
        fire = _resolver(arrival)
        with self._mutex:
            member = member_of_thread()
            if member is not None:
                self._arrive(member, at, fire, arrival.done)
        if member is None:  # the schedule is dissolved: nobody waits for a turn any more
            fire()

    def rest(self, member: Member, deadline: int | None, select: Callable[[float | None], Any]) -> Any:
        """Let an event loop wait like any member, and give the socket events it has to process.

        ``select`` is the real one; ``member.wake`` interrupts it from another thread.
        """
        if self.lonely:
            return self._rest_without_others(member, deadline, select)
        if self._clock is None:
            events = select(0)
            if events:
                return events
            member.rests = True
            if not self.pause(member, lambda: bool(select(0)), deadline):
                return self.rest_alone(member, 0, select)
        elif not self._rest_for_real(member, deadline, select):
            return self.rest_alone(member, 0, select)
        _fire(member)
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
        _fire(member)
        return events

    def rest_alone(self, member: Member, timeout: float | None, select: Callable[[float | None], Any]) -> Any:
        """Let an event loop wait for real, once the schedule is dissolved; Halt where it was halted."""
        if self._failed is not None:
            raise self._failed
        _fire(member)
        for arrival in self._left_for(member):  # news that came before, and would have had its turn
            arrival()
            timeout = 0
        events = select(timeout)
        with self._mutex:
            passed = 0 if events or timeout is None else int(timeout * 1e9) + 1
            self.now = max(self.now + passed, self._real())
        return events

    def _rest_for_real(self, member: Member, deadline: int | None, select: Callable[[float | None], Any]) -> bool:
        with self._mutex:
            if self.dissolved:
                return False
            member.peek, member.deadline = lambda: bool(select(0)), deadline
            member.waiting = member.rests = True
            self._pass(member)
        try:
            while not acquire(member.gate, False):
                look = self._look(member, None if self.lonely else _LAST_LOOK_S)
                if select(look) and self._holder is not None and acquire(member.gate, True, _FIRST_LOOK_S):
                    break
                self._look_again(member)
        except BaseException:  # Ctrl-C: whoever is interrupted goes on without the baton
            self.dissolve("interrupted")
            raise
        return not self.dissolved

    def _wait_at_gate(self, member: Member) -> bool:
        look, waited, turns = _FIRST_LOOK_S, 0.0, self._turns
        while True:
            try:
                limit = _LAST_LOOK_S if self._clock is None else self._look(member, look) or 0.0
                if acquire(member.gate, True, limit):
                    break
            except BaseException:  # Ctrl-C: whoever is interrupted goes on without the baton
                self.dissolve("interrupted")
                raise
            self._look_again(member)
            look = min(look * 2, _LAST_LOOK_S)
            waited = waited + limit if self._turns == turns and self._holder is not None else 0.0
            turns = self._turns
            if waited > self._patience_s and (self._clock is not None or self._virtual):
                self.dissolve(f"a thread kept its turn for {self._patience_s:g} s while another one waited")
        if self._failed is not None:
            raise self._failed
        return not self.dissolved

    def _look(self, member: Member, limit_s: float | None) -> float | None:
        """Give the seconds after which a waiting member looks again: its own timer, or somebody unknown was at work.

        Where the timer is due, it waits for its turn like anybody else.
        """
        if member.deadline is None:
            return limit_s
        left = max(member.deadline - self._real(), 0) / 1e9
        if limit_s is None:
            return left
        return min(left, limit_s) if left else limit_s

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


def _at_once() -> bool:
    return True


def _fire(member: Member) -> None:
    """Do what an arrival has brought to a member that was given the baton for it."""
    fire, member.fire = member.fire, None
    if fire is not None:
        fire()


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    def fire() -> None:
        if not future.done():
            future.set_result(None)

    return fire
