"""A breaker as a table: closed while all is well, open while a tool rests, half-open while one call tries it.

The rules:

- A call is judged by the state in which it began. What began before the last change says nothing about what is now;
  only a ``down`` of that kind is heard by an open breaker, and puts off its end.
- An open breaker becomes half-open by time alone. Half-open, it gives its permission to one asker at a time; a
  permission that nothing is heard of lapses and can be given again.
- Each probe that fails doubles the rest, up to a bound; one that is served closes the breaker and forgets it all.

Everything here is a pure function of values; times are nanoseconds on one clock, and never negative.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

State = Literal["closed", "open", "half-open"]
Heard = Literal["served", "answered", "failed", "down"]
"""What is heard of a tool: it served; it answered with a clean refusal; a call failed; somebody gave it up."""

TABLE: Final[dict[State, dict[Heard, State]]] = {
    "closed": {"served": "closed", "answered": "closed", "failed": "closed", "down": "open"},
    "open": {"served": "open", "answered": "open", "failed": "open", "down": "open"},
    # a refusal shows neither that the tool is well nor that it is not: whoever asks next may try it
    "half-open": {"served": "closed", "answered": "half-open", "failed": "open", "down": "open"},
}

_MOST_DOUBLINGS: Final = 32  # any bound is reached by then


class Breaker(NamedTuple):
    """How things stand between a tool, or a failure domain, and those who want to call it.

    ``since`` is from when on calls count: an open breaker is half-open from then on. ``lapses`` is when the permission
    that ``holder`` has comes back, 0 where nobody has it. ``missed`` counts the probes in a row that failed.
    """

    tripped: bool = False
    since: int = 0
    lapses: int = 0
    holder: str = ""
    missed: int = 0

    def state(self, at: int) -> State:
        """Give the state at a time."""
        if not self.tripped:
            return "closed"
        return "open" if at < self.since else "half-open"


class Rest(NamedTuple):
    """How long a tool rests: at first, and at most after probes that failed; nanoseconds."""

    first_ns: int
    longest_ns: int

    def after(self, missed: int) -> int:
        """Give the rest after so many probes in a row that failed."""
        return min(self.first_ns << missed, max(self.first_ns, self.longest_ns))


def heard(breaker: Breaker, what: Heard, began_ns: int, ended_ns: int, rest: Rest) -> Breaker:
    """Take in what was heard of a call that lasted from ``began_ns`` to ``ended_ns``."""
    before = breaker.state(began_ns)
    after = TABLE[before][what]
    if before == "closed":
        fresh = began_ns >= breaker.since
        return Breaker(tripped=True, since=ended_ns + rest.after(0)) if after == "open" and fresh else breaker
    if before == "open":
        put_off = what == "down" and not breaker.lapses
        return breaker._replace(since=max(breaker.since, ended_ns + rest.after(breaker.missed))) if put_off else breaker
    if after == "closed":
        return Breaker(since=ended_ns)
    if after == "half-open":
        return breaker._replace(lapses=0, holder="")
    missed = min(breaker.missed + 1, _MOST_DOUBLINGS)
    return Breaker(tripped=True, since=ended_ns + rest.after(missed), missed=missed)


def wait_ns(breaker: Breaker, now_ns: int, holder: str = "") -> int:
    """Say how long a call has to wait; 0 where it may be made, by permission where the breaker is half-open.

    Whoever holds the permission is not kept waiting by it; the holder "" is nobody.
    """
    state = breaker.state(now_ns)
    if state == "open":
        return breaker.since - now_ns
    if state == "closed" or (holder and holder == breaker.holder):
        return 0
    return max(breaker.lapses - now_ns, 0)


def admitted(breaker: Breaker, now_ns: int, lapse_ns: int, holder: str = "") -> Breaker:
    """Give out the permission of a half-open breaker for ``lapse_ns``, or leave it with who has it.

    ValueError where there is nothing to give: the breaker is not half-open, or somebody else has the permission.
    """
    if breaker.state(now_ns) != "half-open" or wait_ns(breaker, now_ns, holder):
        raise ValueError(f"no permission to give at {now_ns}: {breaker}")
    if breaker.lapses > now_ns:
        return breaker
    return breaker._replace(lapses=now_ns + lapse_ns, holder=holder)
