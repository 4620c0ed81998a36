"""What a guided search tries next: each element alone, what a fault has laid bare, pairs, and other seeds.

Elements come first that are like those which have shown something new: the gains of a kind of fault and of a tool are
counted, and nothing else of a call is looked at. What a run reveals that no run before it had (the second call of a
helper that tries again) is struck next, on top of what has revealed it. Of faults that merely fail a call, one stands
for all that the agent meets in the same way.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from harness.faults.plan import Fault
from harness.stress.schedule import Element, Schedule, Turn
from harness.stress.search.signature import behaviour
from harness.stress.search.space import hangs_on_chance, rank, scheduled
from harness.stress.seen import Seen

_FAILS: Final = frozenset({"timeout", "drop", "error", "reset", "rate_limit"})
_SEEDS: Final = (1, 2, 3)
_DEEPEST: Final = 5


class Note(NamedTuple):
    """What a search keeps of one run: the weight of what it was the first to show, and the elements it has revealed.

    ``after`` are elements that make the calls fail which come right after what was struck.
    """

    schedule: Schedule
    seen: Seen
    new: int
    fresh: tuple[Element, ...]
    after: tuple[Element, ...] = ()


class Agenda:
    """Keep what is to be tried, as runs reveal it. Deterministic: ties go to what came first."""

    def __init__(self) -> None:
        self.corpus: list[Note] = []
        self.useful: list[Element] = []
        self._singles: list[Element] = []
        self._more: list[tuple[float, int, Schedule, tuple[Element, ...]]] = []
        self._pairs: list[tuple[float, int, Schedule]] = []
        self._seeds: list[tuple[float, int, Schedule]] = []
        self._classes: set[Any] = set()
        self._gains: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        self._number = 0

    @property
    def waits(self) -> bool:
        """Whether there are elements that were not tried alone yet."""
        return bool(self._singles)

    def learn(self, note: Note) -> None:
        """Take the result of one run."""
        if note.new or not note.schedule.elements:
            self.corpus.append(note)
        elements = note.schedule.elements
        for element in elements:
            for trait in _traits(element):
                self._tries[trait] += 1
                self._gains[trait] += min(note.new, 4)
        if not elements:
            self._singles += sorted(note.fresh, key=rank)
        elif len(elements) < _DEEPEST:
            for element in note.fresh:
                self._put(self._more, note.new - 2 * len(elements), element, note.schedule)
            for element in note.after if note.new else ():
                self._put(self._more, note.new - 2 * len(elements) - 1, element, note.schedule)
        if len(elements) == 1 and not note.schedule.seed:
            self._learn_single(elements[0], note)

    def batch(self, size: int) -> Iterator[Schedule]:
        """Yield up to ``size`` schedules, alternating between what there is to be tried; none when nothing is left."""
        if self._singles:
            self._singles.sort(key=lambda one: (-self._promise(one), rank(one)))
        for number in range(size):
            queues = [self._next_single, self._next_more, self._next_pair, self._next_seed]
            if number % 4 == 3:  # mostly in this order; once in four the other way round
                queues = [self._next_more, self._next_seed, self._next_pair, self._next_single]
            elif not self._singles and number % 2:
                queues = [self._next_pair, self._next_more, self._next_seed]
            schedule = next((one for queue in queues if (one := queue()) is not None), None)
            if schedule is None:
                return
            yield schedule

    def _next_single(self) -> Schedule | None:
        if not self._singles:
            return None
        return scheduled((self._singles.pop(0),))

    def _next_more(self) -> Schedule | None:
        while self._more:
            *_, schedule, elements = heapq.heappop(self._more)
            made = scheduled((*schedule.elements, *elements), schedule.seed)
            if made is not None:
                return made
        return None

    def _next_pair(self) -> Schedule | None:
        return heapq.heappop(self._pairs)[2] if self._pairs else None

    def _next_seed(self) -> Schedule | None:
        return heapq.heappop(self._seeds)[2] if self._seeds else None

    def _learn_single(self, element: Element, note: Note) -> None:
        if isinstance(element, Fault):
            if not any(one.effective for one in note.seen.struck):
                return
            if element.kind in _FAILS:
                alike = (element.tools, element.nth, behaviour(note.seen))
                if alike in self._classes:
                    return
                self._classes.add(alike)
            if hangs_on_chance(note.schedule):
                for seed in _SEEDS:
                    self._put(self._seeds, note.new - seed, replace(note.schedule, seed=seed))
        for other in self.useful:
            pair = scheduled((other, element))
            if pair is not None:
                self._put(self._pairs, self._promise(other) + self._promise(element), pair)
        self.useful.append(element)

    def _put(self, queue: list[Any], score: float, what: Any, *more: Any) -> None:
        self._number += 1
        heapq.heappush(queue, (-score, self._number, *more, (what,) if more else what))

    def _promise(self, element: Element) -> float:
        """Say how much runs like this one have shown so far, on average; what was never tried promises a little."""
        return sum((1 + self._gains[one]) / (1 + self._tries[one]) for one in _traits(element))


def _traits(element: Element) -> tuple[str, ...]:
    if isinstance(element, Fault):
        return f"kind {element.kind}", f"tool {element.tools[0]}"
    return ("turn",) if isinstance(element, Turn) else ("change", element.pointer)
