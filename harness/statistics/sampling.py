"""What repeated samples tell: how far they agree, how many to draw, and how a majority follows a signal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from harness.errors import UsageError


def confidence(counts: Iterable[int], answers: int) -> float:
    """Give 1 - H / ln K of the votes for each answer, K being how many ``answers`` there can be; 0 without a vote.

    It tells how far votes agree, not whether they are right. UsageError for fewer than two possible answers, or more
    given ones than possible. arXiv 2511.12240.
    """
    given = [count for count in counts if count]
    if answers < max(2, len(given)):
        raise UsageError(
            f"{answers} possible answers, {len(given)} were given", cure="count two or more, and all given"
        )
    votes = sum(given)
    if not votes:
        return 0.0
    entropy = -math.fsum(count / votes * math.log(count / votes) for count in given)
    return 1 - entropy / math.log(answers)


def team_slope(voters: int, slope: float = 1.0) -> float:
    """Give by how much a majority of an odd number of voters follows a small signal: γ·b·C(b-1, (b-1)/2) / 2^(b-1).

    ``slope`` (γ) is how much one voter follows it; the signal grows from layer to layer where the result is above 1.
    UsageError for an even number. Derived in the setting of arXiv 2601.17311.
    """
    if voters < 1 or voters % 2 == 0:
        raise UsageError(f"{voters} voters can tie", cure="an odd number of voters")
    return float(slope * voters * Fraction(math.comb(voters - 1, (voters - 1) // 2), 2 ** (voters - 1)))


def runs_to_see(share: float, sure: float = 0.95) -> int:
    """Give the runs after which something that happens in this share of them is seen at least once so surely.

    UsageError unless both lie between 0 and 1. arXiv 2601.07239.
    """
    if not (0 < share < 1 and 0 < sure < 1):
        raise UsageError(f"a share of {share}, to be seen with {sure}", cure="both are between 0 and 1")
    return math.ceil(math.log1p(-sure) / math.log1p(-share))
