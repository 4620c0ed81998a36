"""What is remembered of the past, so that the next step costs no more than the last one.

Each question of a registry has one ``Monitor``. It is told of every event that fits the question, or of which that
cannot be said, and keeps them in buckets by what joins them to the present step; of a bucket only what can still
matter. An action may be taken back (it was blocked) or change (its outcome came) until it is settled; what it stands
before is kept until then. Every answer is three-valued and exact: an event of which it is unknown whether it fits
makes an answer unknown unless another event decides.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from operator import attrgetter
from typing import Any, Final

from harness.assertion.entry import Bucket, Clock, Entry, compatible, is_partial
from harness.registry.plan import Plan, Window
from harness.registry.scope import Answer, Asked, Key
from harness.registry.values import Number, Undefined, bounded

MAX_EVIDENCE: Final = 16

Fits = Callable[[dict[str, Any]], bool]

_LEAST_FULL: Final = 64
_SEQ: Final = attrgetter("seq")


class Monitor:
    """Keep the answer to one question. Not thread-safe; one for each run.

    ``doubts`` counts the kept events of which it is unknown whether they fit: where it is 0, ``buckets`` has a bucket
    exactly for the keys of events that fit. Adding an event and asking are O(1) in the length of the run, but for
    plans of cost ``history``.
    """

    __slots__ = (
        "_clock",
        "_full",
        "_keeps",
        "_most",
        "_ns",
        "_queue",
        "_since",
        "_steps",
        "_whole",
        "buckets",
        "doubts",
        "plan",
    )

    def __init__(self, plan: Plan, clock: Clock, since: Monitor | None) -> None:
        self.plan = plan
        self.buckets: dict[Key, Bucket] = {}
        self.doubts = 0
        self._clock, self._since = clock, since
        self._keeps = plan.keeps
        # how many events a bucket may hold before it is pruned
        self._most = {"newest": 1, "oldest": 1, "number": 2 * MAX_EVIDENCE, "all": -1 if since else math.inf}[
            plan.keeps
        ]
        self._whole = since is None and plan.residual is None  # whether a bucket is the whole answer for its key
        self._queue: deque[Entry] | None = None if plan.window == Window() else deque()
        self._full = _LEAST_FULL
        steps, ns = plan.window
        self._steps = math.inf if steps is None else steps
        self._ns = math.inf if ns is None else ns

    # --- learning ----------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Take an event that fits, or may fit."""
        bucket = self.buckets.get(entry.key)
        if bucket is None:
            bucket = self.buckets[entry.key] = Bucket()
        entry.bucket = bucket
        entries = bucket.entries
        if not entries or entries[-1].seq < entry.seq:
            entries.append(entry)
        else:
            insort(entries, entry, key=_SEQ)
        if entry.doubt is not None:
            self.doubts += 1
        else:
            bucket.number += 1
            if entry.value:
                bucket.total += _exact(entry.value)
        if self._queue is not None:
            self._enqueue(self._queue, entry)
        if entry.settled and len(entries) > self._most:
            self._prune(bucket)

    def settle(self, entry: Entry) -> None:
        """Say that an action will not be taken back."""
        entry.settled = True
        bucket = entry.bucket
        if bucket is not None and len(bucket.entries) > self._most:
            self._prune(bucket)

    def remove(self, entry: Entry) -> None:
        """Take an event back."""
        bucket = entry.bucket
        if bucket is None:
            return
        if entry.doubt is None:
            bucket.number -= 1
            if entry.value:
                bucket.total -= _exact(entry.value)
        self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        bucket = entry.bucket
        assert bucket is not None
        entry.bucket = None
        bucket.entries.remove(entry)
        if entry.doubt is not None:
            self.doubts -= 1
        if not bucket.entries:
            del self.buckets[entry.key]

    def _enqueue(self, queue: deque[Entry], entry: Entry) -> None:
        if queue and queue[-1].seq > entry.seq:  # an outcome came after younger calls
            insort(queue, entry, key=_SEQ)
        else:
            queue.append(entry)
        if len(queue) > self._full:  # nobody asks: what the window has left behind must go all the same
            self._expire()
            self._full = max(_LEAST_FULL, 2 * len(queue))

    def _expire(self) -> None:
        """Forget what the window has left behind. Each event is forgotten once."""
        queue, clock = self._queue, self._clock
        while queue:
            oldest = queue[0]
            if clock.step - oldest.step <= self._steps and clock.at - oldest.at <= self._ns:
                return
            queue.popleft()
            if oldest.bucket is not None:
                self.remove(oldest)

    def _prune(self, bucket: Bucket) -> None:
        """Drop settled events that no answer can need any more."""
        entries, keeps = bucket.entries, self._keeps
        if keeps == "all":
            self._forget_before_since(bucket)
            return
        sure = doubtful = 0
        most = MAX_EVIDENCE if keeps == "number" else 1
        for entry in list(entries) if keeps == "oldest" else entries[::-1]:
            if not entry.settled:
                continue
            if entry.doubt is None:
                sure += 1
                if sure > most:
                    self._drop(entry)
            else:
                doubtful += 1
                if doubtful > 1:
                    self._drop(entry)

    def _forget_before_since(self, bucket: Bucket) -> None:
        assert self._since is not None
        if self._since.plan.joins or self._since.doubts:
            return
        bound = self._since.settled()
        while bucket.entries and bucket.entries[0].seq < bound:
            self.remove(bucket.entries[0])

    def settled(self) -> int:
        """Give the number of the newest settled event that surely fits; -1 for none. For questions without a key."""
        bucket = self.buckets.get(None)
        return next((one.seq for one in reversed(bucket.entries) if one.settled), -1) if bucket else -1

    # --- answering fast, or not at all -------------------------------------------------------------------------------

    def happened(self, key: Key, since: Key = None, fits: Fits | None = None) -> bool:
        """Tell whether an event fits; Undefined where only the exact answer can tell."""
        entries = self._within(key, since)
        return bool(entries) if fits is None else any(map(fits, _names(reversed(entries))))

    def count(self, key: Key, since: Key = None, fits: Fits | None = None) -> int:
        """Count the events that fit; Undefined as in ``happened``."""
        if self._whole:
            bucket = self._bucket(key)
            return bucket.number if bucket else 0
        entries = self._within(key, since)
        return len(entries) if fits is None else sum(map(fits, _names(entries)))

    def total(self, key: Key, since: Key = None, fits: Fits | None = None) -> Number:
        """Add up the values of the events that fit; Undefined as in ``happened``."""
        entries = self._within(key, since)
        bucket = self.buckets.get(key)
        if fits is None and bucket is not None and entries is bucket.entries:
            return _number(bucket.total)
        return _number(sum(_exact(one.value) for one in entries if fits is None or fits(one.names or {})))

    def last(self, key: Key, since: Key = None, fits: Fits | None = None) -> dict[str, Any]:
        """Give the newest event that fits; Undefined where there is none, and as in ``happened``."""
        return _first(_names(reversed(self._within(key, since))), fits)

    def first(self, key: Key, since: Key = None, fits: Fits | None = None) -> dict[str, Any]:
        """Give the oldest event that fits; Undefined as in ``last``."""
        return _first(_names(self._within(key, since)), fits)

    def _bucket(self, key: Key) -> Bucket | None:
        """Give the events of a key, all of which surely fit."""
        queue = self._queue
        if queue:
            oldest, clock = queue[0], self._clock
            if clock.step - oldest.step > self._steps or clock.at - oldest.at > self._ns:
                self._expire()
        if self.doubts or (self._since is not None and self._since.doubts):
            raise Undefined("left to the exact answer")
        return self.buckets.get(key)

    def _within(self, key: Key, since: Key) -> list[Entry]:
        """Give the events of a key that lie within the window, oldest first."""
        bucket = self._bucket(key)
        entries = bucket.entries if bucket else []
        begin = self._since.buckets.get(since) if self._since is not None else None
        if begin is None or not entries or begin.entries[-1].seq < entries[0].seq:
            return entries
        return entries[bisect_right(entries, begin.entries[-1].seq, key=_SEQ) :]

    # --- answering exactly -------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Answer:
        """Give the exact answer, and the numbers of the events it rests on."""
        self._expire()
        if self._keeps == "number":
            return self._counted(asked)
        found = self._found(asked)
        verb = self.plan.verb
        if verb == "happened":
            return _whether(found)
        if verb in ("last", "first"):
            entry, doubt = next(found, (None, None)) if verb == "last" else _oldest(found)
            if entry is None or doubt is not None:
                return Answer(doubt or Undefined(f"no such {self.plan.past} so far"), ())
            return Answer(entry.names, (entry.seq,))
        entries = []
        for entry, doubt in found:
            if doubt is not None:
                return Answer(doubt, ())
            entries.append(entry)
        total = _number(sum(_exact(one.value) for one in entries)) if verb == "total" else len(entries)
        return Answer(total, tuple(one.seq for one in entries[:MAX_EVIDENCE]))

    def _counted(self, asked: Asked) -> Answer:
        number, evidence = 0, []
        total: int | Fraction = 0
        for bucket, doubt in self._candidates(asked):
            for entry in bucket.entries:
                if doubt or entry.doubt:
                    return Answer(doubt or entry.doubt, ())
                evidence.append(entry.seq)
            number, total = number + bucket.number, total + bucket.total
        return Answer(_number(total) if self.plan.verb == "total" else number, tuple(evidence[-MAX_EVIDENCE:]))

    def _candidates(self, asked: Asked) -> Iterator[tuple[Bucket, Undefined | None]]:
        """Yield the buckets whose events may fit, each with the reason where that is unknown."""
        if asked.gate is False:
            return
        unsure = asked.gate if isinstance(asked.gate, Undefined) else None
        if not is_partial(asked.key):
            bucket = self.buckets.get(asked.key)
            if bucket:
                yield bucket, unsure
            if not self.doubts:
                return
        for key, bucket in list(self.buckets.items()):
            partial = is_partial(key) or is_partial(asked.key)
            if partial and (doubt := compatible(key, asked.key, len(self.plan.joins))):
                yield bucket, unsure or doubt

    def _found(self, asked: Asked) -> Iterator[tuple[Entry, Undefined | None]]:
        """Yield the events that fit or may fit, newest first, each with the reason where that is unknown."""
        surely, maybe = self._since.bounds(asked.since) if self._since else (-1, -1)
        kept = [(entry, doubt) for bucket, doubt in self._candidates(asked) for entry in bucket.entries]
        for entry, doubt in sorted(kept, key=lambda one: one[0].seq, reverse=True):
            if entry.seq <= surely:
                return
            doubt = doubt or entry.doubt  # noqa: PLW2901 - the reasons add up
            if entry.seq <= maybe:
                doubt = doubt or Undefined("it is unknown whether the window begins after it")  # noqa: PLW2901
            if asked.fits is not None:
                try:
                    if not asked.fits(entry.names or {}):
                        continue
                except Undefined as error:
                    doubt = doubt or error  # noqa: PLW2901
            yield entry, doubt

    def bounds(self, asked: Asked | None) -> tuple[int, int]:
        """Give the number of the newest event that surely fits, and of the newest that may; -1 for none."""
        surely = maybe = -1
        for entry, doubt in self._found(asked or Asked(None)):
            maybe = max(maybe, entry.seq)
            if doubt is None:
                surely = entry.seq
                break
        return surely, maybe


def _names(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    return (one.names or {} for one in entries)


def _first(events: Iterator[dict[str, Any]], fits: Fits | None) -> dict[str, Any]:
    for names in events:
        if fits is None or fits(names):
            return names
    raise Undefined("no such event so far")


def _whether(found: Iterator[tuple[Entry, Undefined | None]]) -> Answer:
    missing: Undefined | None = None
    for entry, doubt in found:
        if doubt is None:
            return Answer(True, (entry.seq,))
        missing = missing or doubt
    return Answer(missing or False, ())


def _oldest(found: Iterator[tuple[Entry, Undefined | None]]) -> tuple[Entry | None, Undefined | None]:
    oldest: tuple[Entry | None, Undefined | None] = (None, None)
    for oldest in found:  # noqa: B007 - the last one is wanted
        pass
    return oldest


def _exact(value: Number) -> int | Fraction:
    return value if type(value) is int else Fraction(value)


def _number(total: int | Fraction) -> Number:
    try:
        number: Number = bounded(total.numerator if total.denominator == 1 else float(total))
    except OverflowError:
        raise Undefined("the number is too big") from None
    return number
