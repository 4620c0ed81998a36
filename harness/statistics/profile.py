"""How often failures are to be expected where tasks come as a profile says, and not as they were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple

from harness.determinism.streams import stream
from harness.errors import UsageError

DRAWS: Final = 20_000
_SAFE: Final = 3  # standard errors by which the drawn quantile is taken too high


class Tried(NamedTuple):
    """A cell of a profile: its share of what will be asked, and how many of how many trials failed."""

    weight: float
    failures: int
    trials: int


class FailureBound(NamedTuple):
    """The failure rate under a profile: as observed, and what it is at most with the stated confidence."""

    observed: float
    bound: float
    confidence: float


def failure_bound(cells: Mapping[str, Tried], seed: int, confidence: float = 0.95, draws: int = DRAWS) -> FailureBound:
    """Bound Σ weight × failure rate from above, by draws from a Beta posterior of each cell.

    The posterior of k failures in n trials is Beta(1 + k, n - k), the upper one of Clopper and Pearson: with one cell
    the bound is theirs, with several it is on the safe side of nominal coverage wherever that was computed, which is
    no proof. A cell without trials counts as failing always. The quantile is taken three standard errors too high, so
    that draws do not make it too low. The same seed gives the same bound, whatever the order of cells. Not verified:
    that the profile is right, and that trials of a cell are independent and like what will be asked. UsageError unless
    0 <= failures <= trials, weights are 0 or more and add up to 1, and 0 < confidence < 1. O(cells × draws).
    The weighted sum of Beta posteriors is that of arXiv 2112.00646; which posterior, and its quantile, are ours.
    """
    _check(cells, confidence, draws)
    drawn = [0.0] * draws
    for name, cell in sorted(cells.items()):
        if cell.weight:
            chance = stream(seed, "failure bound", name)
            drawn = [sum_ + cell.weight * _rate(cell, chance) for sum_ in drawn]
    above = confidence * draws + _SAFE * math.sqrt(draws * confidence * (1 - confidence))
    bound = sorted(drawn)[min(math.ceil(above), draws) - 1]
    observed = math.fsum(cell.weight * (cell.failures / cell.trials if cell.trials else 1) for cell in cells.values())
    return FailureBound(observed, min(bound, 1.0), confidence)


def _rate(cell: Tried, chance: Random) -> float:
    passes = cell.trials - cell.failures
    return chance.betavariate(1 + cell.failures, passes) if passes else 1.0


def _check(cells: Mapping[str, Tried], confidence: float, draws: int) -> None:
    for name, (weight, failures, trials) in cells.items():
        if not 0 <= failures <= trials:
            raise UsageError(f"{failures} failures of {trials} trials", where=name, cure="0 <= failures <= trials")
        if not weight >= 0:
            raise UsageError(f"a weight of {weight}", where=name, cure="a share of what will be asked, 0 or more")
    whole = math.fsum(cell.weight for cell in cells.values())
    if not math.isclose(whole, 1, abs_tol=1e-9):
        raise UsageError(f"the weights of a profile add up to {whole:g}", cure="they are shares of one whole: 1 in all")
    if not 0 < confidence < 1:
        raise UsageError(f"a confidence of {confidence} is not between 0 and 1", cure="write 0.95 for 95 %")
    if draws < 1:
        raise UsageError(f"{draws} draws are too few", cure=f"take {DRAWS:,}")
