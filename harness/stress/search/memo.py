"""What runs came to, kept in a database of Hypothesis, so that a search that is begun again goes on.

A search decides everything from what it has seen. Begun again with the same seed it asks for the same runs in the same
order, is told of those that were made before what they came to, and goes on where it had stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from harness.determinism import canonical
from harness.stress.schedule import Schedule
from harness.stress.seen import Made, Seen, Struck, Violated
from harness.trace.value import decode_value, encode_value


class Database(Protocol):
    """Sets of bytes by keys, as ``hypothesis.database`` has them."""

    def fetch(self, key: bytes, /) -> Iterable[bytes]:
        """Give what was saved under a key."""

    def save(self, key: bytes, value: bytes, /) -> None:
        """Save something more under a key."""

    def delete(self, key: bytes, value: bytes, /) -> None:
        """Forget something under a key."""


class Memo:
    """Remember the runs of one subject: whatever ``subject`` stands for, the same means the same runs."""

    def __init__(self, database: Database, subject: str) -> None:
        self._database, self._subject = database, subject

    def around(self, run: Callable[[Schedule], Seen]) -> Callable[[Schedule], Seen]:
        """Give a function that makes the runs which are not remembered, and remembers them, but for their results."""

        def remembered(schedule: Schedule) -> Seen:
            key = self._key("run", canonical.digest_of(encode_value(schedule.stated())))
            for said in self._database.fetch(key):
                return seen_said(canonical.decode(said))
            seen = run(schedule)
            self._database.save(key, canonical.encode(said_of(seen)))
            return seen

        return remembered

    def spent(self, search: str) -> tuple[int, int, int]:
        """Give how many runs a search has asked for so far, and the calls and tokens in them."""
        said = (canonical.decode(one) for one in self._database.fetch(self._key("spent", search)))
        return max(((runs, calls, tokens) for runs, calls, tokens in said), default=(0, 0, 0))

    def spend(self, search: str, runs: int, calls: int, tokens: int) -> None:
        """Keep how many runs a search has asked for, and the calls and tokens in them."""
        key = self._key("spent", search)
        for one in list(self._database.fetch(key)):
            self._database.delete(key, one)
        self._database.save(key, canonical.encode([runs, calls, tokens]))

    def _key(self, *names: str) -> bytes:
        return "\n".join((self._subject, *names)).encode()


def said_of(seen: Seen) -> dict[str, Any]:
    """Give what a run came to as JSON data, without its result."""
    return {
        "calls": [
            [*made[:5], encode_value(dict(made.args)), made.came, encode_value(made.value)] for made in seen.calls
        ],
        "violated": [list(one) for one in seen.violated],
        "struck": [list(one) for one in seen.struck],
        "end": seen.end,
        "widths": list(seen.widths),
        "margins": dict(seen.margins),
        "tokens": seen.tokens,
    }


def seen_said(said: dict[str, Any]) -> Seen:
    """Give what JSON data of ``said_of`` means."""
    return Seen(
        tuple(
            Made._make([*head, decode_value(args), came, decode_value(value)])
            for *head, args, came, value in said["calls"]
        ),
        tuple(Violated(*one) for one in said["violated"]),
        tuple(Struck(*one) for one in said["struck"]),
        said["end"],
        None,
        tuple(said["widths"]),
        said["margins"],
        said["tokens"],
    )
