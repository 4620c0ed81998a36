"""How many runs until a change can be seen; ``sampling.runs_to_see`` says when a rare failure shows at least once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from harness.errors import UsageError
from harness.statistics.gate import Answer, gains
from harness.statistics.library import library

MAX_RUNS: Final = 1_000_000
"""Runs beyond which no plan is made."""
MAX_GATE_RUNS: Final = 10_000
"""The same for the gate, whose power takes longer to work out."""
_REACH: Final = 6  # standard deviations beyond which a count does not come


def paired_power(lost: float, gained: float, pairs: int, alpha: float = 0.05) -> float:
    """Give the exact probability that McNemar's exact test sees a change in so many pairs.

    Of all pairs a share ``lost`` goes from right to wrong and a share ``gained`` from wrong to right. UsageError for
    shares that are none, fewer than one pair, or without scipy. O(pairs). Source: Miettinen, The matched pairs design
    in the case of all-or-none responses, 1968, with the exact test.
    """
    _check_shares(lost, gained, alpha)
    if pairs < 1:
        raise UsageError(f"{pairs} pairs show nothing", cure="one pair or more")
    numpy, binom = library("numpy"), library("scipy.stats").binom
    changed = numpy.arange(pairs + 1)
    most = binom.ppf(alpha / 2, changed, 0.5)
    most = numpy.where(binom.cdf(most, changed, 0.5) > alpha / 2, most - 1, most)  # of the rarer kind, where it is seen
    share = lost / (lost + gained)
    seen = binom.cdf(most, changed, share) + binom.sf(changed - most - 1, changed, share)
    return float(numpy.sum(binom.pmf(changed, pairs, lost + gained) * seen))


def pairs_needed(lost: float, gained: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Give how many pairs show such a change with this power by McNemar's exact test; see ``paired_power``.

    UsageError as there, for equal shares, and beyond MAX_RUNS. O(pairs × log pairs).
    """
    _check_shares(lost, gained, alpha)
    return _least(lambda pairs: paired_power(lost, gained, pairs, alpha), power, different=lost != gained)


def unpaired_power(before: float, after: float, runs: int, alpha: float = 0.05) -> float:
    """Give the probability that a test of two proportions sees the change, each measured in so many runs of its own.

    The normal approximation to Cohen's h: it holds where more than about five runs of each kind are expected.
    UsageError for shares that are none, fewer than two runs, or without statsmodels. O(1). Source: Cohen, Statistical
    Power Analysis for the Behavioral Sciences, 1988, section 6.
    """
    for share in (before, after):
        if not 0 <= share <= 1:
            raise UsageError(f"a share of {share}", cure="shares of runs that are right lie between 0 and 1")
    _check_alpha(alpha)
    if runs < 2:
        raise UsageError(f"{runs} runs show nothing", cure="two runs or more")
    effect = library("statsmodels.stats.proportion").proportion_effectsize(after, before)
    return float(library("statsmodels.stats.power").NormalIndPower().power(effect, runs, alpha))


def runs_needed(before: float, after: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Give how many runs of each show such a change with this power, not paired; see ``unpaired_power``.

    UsageError as there, for equal shares, and beyond MAX_RUNS. O(log runs).
    """
    return _least(lambda runs: unpaired_power(before, after, max(2, runs), alpha), power, different=before != after)


def gate_power(
    answer: Answer, lost: float, gained: float, runs: int, alpha: float = 0.05, margin: float = 0.05
) -> float:
    """Give the probability that the gate has this answer when it is asked once, after so many runs.

    Each run is lost, or gained, with these shares, independently; where tasks differ in them it is about the same. A
    gate that is asked on the way finds more. UsageError for shares that are none, fewer than one run, or without scipy.
    O(runs): what is lost and gained is counted out, up to six standard deviations.
    """
    _check_shares(lost, gained, alpha)
    if runs < 1:
        raise UsageError(f"{runs} runs show nothing", cure="one run or more")
    numpy, special = library("numpy"), library("scipy.special")
    down, up = _around(runs, lost)[:, None], _around(runs, gained)[None, :]
    same = runs - down - up
    chance = special.gammaln(runs + 1) + special.xlogy(down, lost) + special.xlogy(up, gained)
    chance = chance + special.xlogy(numpy.maximum(same, 0), max(0.0, 1 - lost - gained))
    for count in (down, up, numpy.maximum(same, 0)):
        chance = chance - special.gammaln(count + 1)
    worse, kept = _shown(down, up, same, -math.log(alpha), margin)
    said = {"better or equal": kept, "worse": worse & ~kept, "inconclusive": ~worse & ~kept}[answer]
    return float(numpy.sum(numpy.exp(chance)[said & (same >= 0)]))


def gate_runs_needed(
    answer: Answer, lost: float, gained: float, alpha: float = 0.05, margin: float = 0.05, power: float = 0.8
) -> int:
    """Give how many runs bring the gate to this answer with this power; see ``gate_power``.

    UsageError as there, and beyond MAX_GATE_RUNS. O(runs × log runs).
    """
    _check_shares(lost, gained, alpha)
    return _least(
        lambda runs: gate_power(answer, lost, gained, runs, alpha, margin), power, different=True, most=MAX_GATE_RUNS
    )


def _around(runs: int, share: float) -> Any:
    """Give the counts that come up, of so many runs."""
    reach = _REACH * math.sqrt(runs * share * (1 - share)) + _REACH
    return library("numpy").arange(max(0, math.floor(runs * share - reach)), min(runs, runs * share + reach) + 1)


def _shown(down: Any, up: Any, same: Any, needed: float, margin: float) -> tuple[Any, Any]:
    """Tell, for all counts at once, whether either bet of the gate has made what it needs."""
    numpy = library("numpy")
    counts = {-1.0: down, 1.0: up, 0.0: numpy.maximum(same, 0)}
    shown = []
    for side in (0, 1):
        bets = []
        for stake, _ in enumerate(gains(0.0, margin)[side]):
            # a bet that was lost whole stays so; none of such runs is no loss, and 0 × infinity is no number
            parts = [(count, gains(difference, margin)[side][stake]) for difference, count in counts.items()]
            bets.append(sum(numpy.where(count > 0, max(gain, -1e9) * count, 0.0) for count, gain in parts))
        shown.append(numpy.logaddexp.reduce(bets) - math.log(len(bets)) >= needed)
    return shown[0], shown[1]


def _least(power_of: Callable[[int], float], power: float, *, different: bool, most: int = MAX_RUNS) -> int:
    """Give runs that have the power where one run less has not: but for small teeth, it grows with the runs."""
    if not 0 < power < 1:
        raise UsageError(f"a power of {power} is not between 0 and 1", cure="write 0.8 for 80 %")
    if not different:
        raise UsageError("nothing changes, so no number of runs shows it", cure="name the change that matters")
    low, high = 0, 1
    while power_of(high) < power:
        low, high = high, 2 * high
        if high > most:
            raise UsageError(f"more than {most:,} runs are needed", cure="name a larger change, or less power")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle, high)
    return high


def _check_shares(lost: float, gained: float, alpha: float) -> None:
    if min(lost, gained) < 0 or not 0 < lost + gained <= 1:
        raise UsageError(
            f"shares of {lost} lost and {gained} gained", cure="shares of all pairs, together more than 0, at most 1"
        )
    _check_alpha(alpha)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise UsageError(f"an alpha of {alpha} is not between 0 and 1", cure="write 0.05 for 5 %")
