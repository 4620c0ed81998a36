"""Is a difference real or noise? Two runs of the same tasks, compared task by task.

A task is the unit: what is done several times in one task fails and succeeds together, and counts as one observation.
What none of these verify: that the tasks are a fair sample of what is to come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev
from typing import NamedTuple

from harness.errors import UsageError
from harness.statistics.interval import Interval
from harness.statistics.library import library


class Difference(NamedTuple):
    """The mean of differences, after less before, with its interval."""

    value: float
    interval: Interval


def mcnemar(lost: int, gained: int) -> float:
    """Give the exact two-sided p-value of pairs that changed, if losing and gaining were equally likely.

    UsageError for a count below 0, or without scipy. Source: McNemar, Note on the sampling error of the difference
    between correlated proportions, 1947, in its exact form (a sign test).
    """
    if min(lost, gained) < 0:
        raise UsageError(f"{lost} lost and {gained} gained", cure="counts are 0 or more")
    if not lost + gained:
        return 1.0
    return float(library("scipy.stats").binomtest(lost, lost + gained).pvalue)


def sign_flip(differences: Sequence[int]) -> float:
    """Give the exact two-sided p-value of the sum of differences, one for each task, by a permutation test.

    Under the null hypothesis before and after may be swapped in each task; all 2^n ways of doing so are counted, so
    nothing is drawn. Of differences of -1, 0 and 1 it is McNemar's exact test. UsageError without scipy. O(n × sum of
    sizes), in whole numbers of n bits. Source: Fisher, The Design of Experiments, 1935, section 21; tasks for pairs.
    """
    sizes = [abs(one) for one in differences if one]
    if len(set(sizes)) < 2:
        lost = sum(one < 0 for one in differences)
        return mcnemar(lost, len(sizes) - lost)
    # the ways to reach each sum of gains stand side by side in one number, in slots that 2^n fits in
    width = len(sizes) // 8 + 1
    ways = 1
    for size in sizes:
        ways += ways << (8 * size * width)
    slots = ways.to_bytes((sum(sizes) + 1) * width, "little")
    least = (sum(sizes) + abs(sum(differences)) + 1) // 2  # of gains, for as large a sum
    tail = sum(
        int.from_bytes(slots[place * width : (place + 1) * width], "little") for place in range(least, sum(sizes) + 1)
    )
    return min(1.0, tail / (1 << len(sizes) - 1))  # both tails are equally large


def share_difference(differences: Sequence[float], confidence: float = 0.95) -> Difference:
    """Give the mean of differences of shares, each from -1 to 1 and of one task, with an adjusted Wald interval.

    Two tasks are added for the interval, one lost and one gained, so it has a width where nothing changed; with one run
    for each task that is the interval of Bonett and Price, with Student's quantile for the normal one (ours: it holds
    for few tasks too). With several runs of a task it is wider than it need be. UsageError without a difference, for
    one outside [-1, 1], or without scipy. O(n). Source: Bonett and Price, Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data, 2012.
    """
    _check(differences, confidence)
    if not all(-1 <= one <= 1 for one in differences):
        raise UsageError("a difference of shares is not between -1 and 1", cure="give shares of what was right")
    size = len(differences) + 2
    middle = math.fsum(differences) / size
    squares = (math.fsum(one * one for one in differences) + 2) / size
    half = _student(size - 1, confidence) * math.sqrt(max(0.0, squares - middle * middle) / size)
    value = math.fsum(differences) / len(differences)
    return Difference(value, Interval(max(-1.0, middle - half), min(1.0, middle + half)))


def mean_difference(differences: Sequence[float], confidence: float = 0.95) -> Difference | None:
    """Give the mean of differences of any size, one for each task, with Student's interval.

    It does not hold where few tasks make most of the mean. A bootstrap over tasks was tried instead and held the truth
    less often, by one to three points where sides are log-normal. None for fewer than two differences, which show no
    spread. UsageError for a confidence outside (0, 1), or without scipy. O(n). Source: Student, The probable error of
    a mean, 1908.
    """
    if len(differences) < 2:
        return None
    _check(differences, confidence)
    value, half = fmean(differences), _student(len(differences) - 1, confidence) * stdev(differences)
    reach = half / math.sqrt(len(differences))
    return Difference(value, Interval(value - reach, value + reach))


@lru_cache(maxsize=1024)
def _student(freedom: int, confidence: float) -> float:
    return float(library("scipy.stats").t.ppf((1 + confidence) / 2, freedom))


def _check(differences: Sequence[float], confidence: float) -> None:
    if not differences:
        raise UsageError("no task was done before and after", cure="compare two runs of the same tasks")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")
