"""What a monitor keeps of the past: entries, in buckets, by what joins them to the present step."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from harness.registry.scope import Key, Missing
from harness.registry.values import Number, Undefined


class Clock:
    """Hold the present moment: the number of the latest step, -1 before the first, and nanoseconds since the start."""

    __slots__ = ("at", "step")

    def __init__(self) -> None:
        self.step = -1
        self.at = 0


class Entry:
    """A past event in a monitor.

    ``step`` is the number of the latest step when it happened, ``doubt`` why it is unknown whether it fits (a part of
    its key may be missing), ``value`` what ``total`` adds, ``settled`` that it cannot be taken back.
    """

    __slots__ = ("at", "bucket", "doubt", "key", "names", "seq", "settled", "step", "value")

    def __init__(
        self,
        seq: int,
        step: int,
        at: int,
        key: Key,
        names: dict[str, Any] | None,
        doubt: Undefined | None,
        value: Number,
        settled: bool,
    ) -> None:
        self.seq = seq
        self.step = step
        self.at = at
        self.key = key
        self.names = names
        self.doubt = doubt
        self.value = value
        self.settled = settled
        self.bucket: Bucket | None = None


class Bucket:
    """The events of one key, oldest first, as far as they are kept.

    ``number`` and ``total`` count all that surely fit, also those that are not kept.
    """

    __slots__ = ("entries", "number", "total")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.number = 0
        self.total: int | Fraction = 0


def is_partial(key: Key) -> bool:
    """Tell whether a value is missing in a key."""
    return isinstance(key, Missing) or (type(key) is tuple and any(isinstance(part, Missing) for part in key))


def doubt_of(key: Key) -> Undefined | None:
    """Say why it is unknown to what a key joins; None where nothing is missing in it."""
    parts = key if type(key) is tuple else (key,)
    return next((part.reason for part in parts if isinstance(part, Missing)), None)


def compatible(one: Key, other: Key, joins: int) -> Undefined | None:
    """Give the reason why it is unknown whether two keys of so many joins are equal; None where they surely differ."""
    missing = None
    for here, there in zip(one, other, strict=True) if joins > 1 else ((one, other),):
        doubt = here.reason if isinstance(here, Missing) else there.reason if isinstance(there, Missing) else None
        if doubt is None and here != there:
            return None
        missing = missing or doubt
    return missing
