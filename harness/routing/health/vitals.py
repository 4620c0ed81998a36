"""The vital signs of one tool, from its latest calls, and the factor they put on its weight.

The weight of a tool is base × latency × reliability × rate limit × availability (2603.01548). Here are the three in the
middle, in whole thousandths and from whole numbers only, so that every machine comes to the same. The bounds are the
paper's, the formulas ours:

- latency: p95 of the calls that served, over what is expected of the tool, within [0.5, 10]. A tool of which nothing
  is declared is expected to answer within a second, and is not preferred for being faster than that.
- reliability: (calls + 2) / (served + 2) within [1, 50]: the attempts it takes to be served once, as if two calls more
  had been served. 1 without failures, near 50 where none of 100 was served.
- rate limit: 1 below 95 % of the quota, 2 from there on; with the quota used up the tool waits until there is room.

A tool with fewer calls than ``enough`` has the factors 1: one bad call moves no route.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, get_args

How = Literal["ok", "transient", "permanent", "doubt", "wrong"]
HOWS: Final[frozenset[str]] = frozenset(get_args(How))

ONE: Final = 1000
"""The factor 1, in thousandths."""

LATENCY: Final = (500, 10_000)
RELIABILITY: Final = (1_000, 50_000)
NEAR_QUOTA: Final = 2_000
_NEAR_PERCENT: Final = 95
_GOOD_CALLS: Final = 2
_MS: Final = 1_000_000
USUAL_NS: Final = 1_000 * _MS
"""How long a tool of which nothing is declared may take."""


class Call(NamedTuple):
    """One call that came to an end: times in nanoseconds, and how it ended. Calls sort by when they ended."""

    ended_ns: int
    began_ns: int
    how: str


class Quota(NamedTuple):
    """At most so many calls within any span of so many nanoseconds."""

    calls: int
    within_ns: int


class Vitals(NamedTuple):
    """What the latest calls of a tool show: counts, and latencies of those served (0 without one), nanoseconds."""

    calls: int = 0
    served: int = 0
    transient: int = 0
    permanent: int = 0
    doubt: int = 0
    wrong: int = 0
    p50_ns: int = 0
    p95_ns: int = 0

    @property
    def errors(self) -> int:
        """How many calls did not serve; over ``calls`` it is the error share."""
        return self.calls - self.served


def vitals_of(calls: Sequence[Call]) -> Vitals:
    """Sum up calls. O(n log n)."""
    counts = dict.fromkeys(HOWS, 0)
    for call in calls:
        counts[call.how] += 1
    served = counts.pop("ok")
    took = sorted(call.ended_ns - call.began_ns for call in calls if call.how == "ok")
    return Vitals(len(calls), served, **counts, p50_ns=quantile(took, 50), p95_ns=quantile(took, 95))


def quantile(ordered: Sequence[int], percent: int) -> int:
    """Give the nearest-rank quantile of ascending numbers; 0 of none."""
    if not ordered:
        return 0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def latency_factor(vitals: Vitals, expected_ms: int | None, enough: int) -> int:
    """Give the latency factor in thousandths; ``expected_ms`` is what is declared of the tool, None for nothing."""
    if vitals.served < enough:
        return ONE
    least, most = LATENCY
    expected_ns = USUAL_NS if expected_ms is None else expected_ms * _MS
    ratio = _rounded(vitals.p95_ns * ONE, expected_ns)
    return max(ONE if expected_ms is None else least, min(ratio, most))


def reliability_factor(vitals: Vitals, enough: int) -> int:
    """Give the reliability factor in thousandths."""
    if vitals.calls < enough:
        return ONE
    least, most = RELIABILITY
    return max(least, min(_rounded((vitals.calls + _GOOD_CALLS) * ONE, vitals.served + _GOOD_CALLS), most))


def near(used: int, quota: Quota) -> bool:
    """Tell whether so many calls are 95 % of a quota, or more."""
    return used * 100 >= quota.calls * _NEAR_PERCENT


def within(begun: Sequence[int], quota: Quota, now_ns: int) -> int:
    """Count the calls begun inside a quota's span; ``begun`` ascends. O(log n)."""
    return len(begun) - bisect_left(begun, now_ns - quota.within_ns + 1)


def room_ns(begun: Sequence[int], quota: Quota, now_ns: int) -> int:
    """Say how long it takes until a quota has room for a call; 0 where it has. ``begun`` ascends. O(log n)."""
    if within(begun, quota, now_ns) < quota.calls:
        return 0
    return begun[len(begun) - quota.calls] + quota.within_ns - now_ns


def joined(*factors: int) -> int:
    """Multiply factors in thousandths; rounded once, half up."""
    product, unit = 1, 1
    for factor in factors:
        product *= factor
        unit *= ONE
    return _rounded(product * ONE, unit)


def _rounded(over: int, under: int) -> int:
    return (2 * over + under) // (2 * under)
