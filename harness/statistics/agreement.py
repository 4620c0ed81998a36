"""How far votes on one question are right and wrong together, measured on questions whose answers are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.determinism.streams import stream
from harness.errors import UsageError
from harness.statistics.cluster import cluster_bootstrap
from harness.statistics.interval import Interval

RESAMPLES: Final = 1000


class Agreement(NamedTuple):
    """What ``questions`` with ``votes`` in all show.

    ``accuracy`` is the share of right votes. ``correlation`` is that between two votes on one question, of being right;
    None where all votes are right, or all wrong, or no question has two. Both intervals hold at 95 %, by a bootstrap
    over questions.
    """

    questions: int
    votes: int
    accuracy: float
    accuracy_interval: Interval
    correlation: float | None
    correlation_interval: Interval | None


def agreement(clusters: Sequence[tuple[int, int]], seed: int) -> Agreement:
    """Measure votes given as (right, votes) for each question.

    The same number of votes has to be taken of each question, or one that does not depend on what they say: a race
    goes on longer where its votes disagree, so of a race only the first votes, which are cast in any case, count. The
    correlation is that of all pairs of votes on one question; it may be below 0 by chance. UsageError without a vote,
    or unless 0 <= right <= votes. O(questions × RESAMPLES).
    """
    filled = [cluster for cluster in clusters if cluster[1]]
    if not filled:
        raise UsageError("no vote on a question whose answer is known", cure="collect some, one question each or more")
    accuracy_interval = cluster_bootstrap(clusters, seed, resamples=RESAMPLES)
    right, votes = sum(k for k, _ in filled), sum(n for _, n in filled)
    correlation = pair_correlation(filled)
    interval = None if correlation is None else _interval(filled, seed)
    return Agreement(len(filled), votes, right / votes, accuracy_interval, correlation, interval)


def pair_correlation(clusters: Sequence[tuple[int, int]]) -> float | None:
    """Give the correlation of being right over all pairs of votes on one question; None where it has no meaning."""
    right = votes = pairs = both = paired = 0
    for (k, n), times in Counter(clusters).items():  # many questions, few outcomes: a bootstrap comes here often
        right, votes, pairs = right + times * k, votes + times * n, pairs + times * n * (n - 1)
        both, paired = both + times * k * (k - 1), paired + times * k * (n - 1)
    if not pairs or right in (0, votes):
        return None
    share = right / votes
    # votes that are alone on their question count for the share, and have no pair
    return (both / pairs - 2 * share * paired / pairs + share * share) / (share * (1 - share))


def _interval(clusters: Sequence[tuple[int, int]], seed: int) -> Interval:
    drawn = stream(seed, "agreement")
    found = [pair_correlation(drawn.choices(clusters, k=len(clusters))) for _ in range(RESAMPLES)]
    known = sorted(one for one in found if one is not None)
    return Interval(known[round(0.025 * (len(known) - 1))], known[round(0.975 * (len(known) - 1))])
