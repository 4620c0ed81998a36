"""What a step obliges the future to: ``must_follow`` is judged when its time is up, or at the end of the run.

An obligation is met by the first later event that fits. One that may fit leaves it open, and so does an action until
it can no longer be taken back; what is unmet at its deadline is violated, or unknown where an event may have fitted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from harness.assertion.entry import Clock, Entry, compatible, is_partial
from harness.registry.invariant import Invariant
from harness.registry.plan import Plan
from harness.registry.scope import Answer, Asked, Key
from harness.registry.values import Undefined


class Obligation:
    """One step's claim on the future: the rule, the number of the step's event, and what expressions saw there.

    ``hopes`` are events that may meet it: by number, the reason why that is unknown, None where it does unless it is
    taken back.
    """

    __slots__ = ("asked", "at", "hopes", "names", "rule", "seq", "step")

    def __init__(self, rule: Invariant, seq: int, clock: Clock, asked: Asked, names: dict[str, Any]) -> None:
        self.rule, self.seq, self.asked, self.names = rule, seq, asked, names
        self.step, self.at = clock.step, clock.at
        self.hopes: dict[int, Undefined | None] = {}

    @property
    def met(self) -> bool:
        """Whether an event meets it that has not been taken back."""
        return None in self.hopes.values()

    @property
    def doubt(self) -> Undefined | None:
        """Why it is unknown whether it was met; None where it surely was not."""
        return next(iter(self.hopes.values()), None)


class Obligations:
    """Hold the open obligations of one ``must_follow``; told of events like a ``Monitor``. Not thread-safe.

    An event costs O(open obligations that it may meet); the deadline of each is looked at once.
    """

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.plan = plan
        self._clock = clock
        self._open: OrderedDict[int, Obligation] = OrderedDict()  # by identity, oldest first
        self._by_key: dict[Key, dict[int, Obligation]] = {}

    def owe(self, obligation: Obligation) -> None:
        """Take an obligation over."""
        self._open[id(obligation)] = obligation
        self._by_key.setdefault(obligation.asked.key, {})[id(obligation)] = obligation

    def add(self, entry: Entry) -> None:
        """Take an event that fits, or may fit."""
        for obligation, doubt in list(self._concerned(entry)):
            if doubt is None and entry.settled:
                self._close(obligation)
            else:
                obligation.hopes[entry.seq] = doubt

    def settle(self, entry: Entry) -> None:
        """Say that an action will not be taken back."""
        entry.settled = True
        for obligation, _ in list(self._concerned(entry)):
            if obligation.hopes.get(entry.seq, entry) is None:
                self._close(obligation)

    def remove(self, entry: Entry) -> None:
        """Take an event back."""
        for obligation, _ in self._concerned(entry):
            obligation.hopes.pop(entry.seq, None)

    def release(self, seq: int) -> None:
        """Forget what an action obliged to, because it was blocked."""
        for obligation in [one for one in self._open.values() if one.seq == seq]:
            self._close(obligation)

    def overdue(self) -> Iterator[Obligation]:
        """Yield the unmet obligations whose time is up, and forget them."""
        steps, ns = self.plan.window
        while self._open:
            first = next(iter(self._open.values()))
            waited = (self._clock.step - first.step, self._clock.at - first.at)
            if (steps is None or waited[0] <= steps) and (ns is None or waited[1] <= ns):
                return
            self._close(first)
            if not first.met:
                yield first

    def rest(self) -> Iterator[Obligation]:
        """Yield the obligations that are unmet at the end of the run."""
        return (one for one in self._open.values() if not one.met)

    def answer(self, asked: Asked) -> Answer:
        """Say that the future is not known; only ``Checker`` can wait for it."""
        return Answer(Undefined("what must follow is not known yet"), ())

    def _close(self, obligation: Obligation) -> None:
        del self._open[id(obligation)]
        alike = self._by_key[obligation.asked.key]
        del alike[id(obligation)]
        if not alike:
            del self._by_key[obligation.asked.key]

    def _concerned(self, entry: Entry) -> Iterator[tuple[Obligation, Undefined | None]]:
        """Yield the obligations that an event meets or may meet, each with the reason where that is unknown."""
        for alike, unsure in self._candidates(entry.key):
            for obligation in alike.values():
                if entry.seq <= obligation.seq:
                    continue
                gate, fits = obligation.asked.gate, obligation.asked.fits
                doubt = unsure or entry.doubt or (gate if isinstance(gate, Undefined) else None)
                try:
                    if gate is False or (fits is not None and not fits(entry.names or {})):
                        continue
                except Undefined as error:
                    doubt = doubt or error
                yield obligation, doubt

    def _candidates(self, key: Key) -> Iterator[tuple[dict[int, Obligation], Undefined | None]]:
        if not is_partial(key) and key in self._by_key:
            yield self._by_key[key], None
        for other, alike in self._by_key.items():
            if (is_partial(key) or is_partial(other)) and (doubt := compatible(key, other, len(self.plan.joins))):
                yield alike, doubt
