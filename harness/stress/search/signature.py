"""What is new about a run: its signature, a set of features that a search has or has not met before.

A feature is a tool with how its call came and the fault that struck it, two such calls after one another, how the run
ended, and how near it came to the boundary of a rule. No text and no argument is in it: a search sees what kind of
action passed or failed, and nothing of what it was about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from harness.stress.seen import Seen

Feature = tuple[str, ...]

_NEARER: Final = 3


def signature(seen: Seen) -> frozenset[Feature]:
    """Give the features of a run. O(calls)."""
    struck = {one.action: one.kind for one in seen.struck}
    calls = [(made.tool, made.came, struck.get(made.seq, "")) for made in seen.calls]
    features: set[Feature] = {("end", seen.end), ("calls", str(len(calls).bit_length()))}
    features.update(("call", *call) for call in calls)
    features.update(("pair", *one, *other) for one, other in pairwise(calls))
    features.update(("violated", rule) for rule in seen.rules)
    features.update(("near", rule, _nearness(margin)) for rule, margin in seen.margins.items())
    return frozenset(features)


def weight(features: Iterable[Feature]) -> int:
    """Say how much it is worth to have met features first: nearer to a boundary is worth more than elsewhere."""
    return sum(_NEARER if feature[0] == "near" else 1 for feature in features)


def behaviour(seen: Seen) -> tuple[object, ...]:
    """Give what the agent did, as far as a search sees it, whatever was done to it."""
    calls = tuple((made.tool, made.came) for made in seen.calls)
    return calls, seen.end, seen.rules, tuple(sorted(seen.margins.items()))


def _nearness(margin: float) -> str:
    """Give the distance to a boundary by its power of two, in quarters."""
    if margin <= 0:
        return "beyond" if margin < 0 else "on"
    mantissa, exponent = math.frexp(margin)
    return f"{exponent}.{int(mantissa * 8)}"
