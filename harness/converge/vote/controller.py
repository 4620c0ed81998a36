"""Whether one more vote is worth asking for: stop, continue or abstain.

The leading answer and the next one are taken for two answers of which one is right, and votes for independent, each
right with the measured accuracy; answers further behind only make the leading one likelier. A lead of d votes is then
wrong with probability 1 / (1 + (p/(1-p))^d), and what one more vote is worth follows backwards from the last one.
The three ways to go on are those of arXiv 2511.12240; that they are weighed by what they are worth is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from harness.errors import UsageError
from harness.statistics.voting import decided_wrong, weight

Way = Literal["stop", "continue", "abstain"]

_STRIDE: Final = 64  # of the number of votes looked ahead, so that one table serves a whole race
_KEPT: Final = 16


class Advice(NamedTuple):
    """What to do after a vote.

    ``risk`` is how probable it is that the leading answer is wrong, ``worth`` what to stop here is worth and ``more``
    what to go on is, its votes paid; both in the unit of the controller, to abstain being worth nothing.
    """

    way: Way
    risk: float
    worth: float
    more: float


@dataclass(frozen=True)
class Controller:
    """Weigh one more vote against its cost.

    ``accuracy`` is that of a vote, measured; ``right`` is what a right answer is worth, ``wrong`` what a wrong one
    costs, ``vote`` what a vote costs, all in one unit. An answer is only given where it is wrong with probability
    ``error`` or less, which holds if votes are independent and the accuracy is what it is said to be. UsageError for
    an accuracy that says nothing, an error bound outside 0 to 0.5, and negative amounts.
    """

    accuracy: float
    error: float
    right: float = 1.0
    wrong: float = 1.0
    vote: float = 0.01

    def __post_init__(self) -> None:
        weight(self.accuracy)
        if not 0 < self.error < 0.5:
            raise UsageError(f"an error bound of {self.error}", cure="more than 0, and less than a coin: 0.5")
        if min(self.right, self.wrong, self.vote) < 0:
            raise UsageError("an amount is negative", cure="state what a wrong answer and a vote cost as costs")

    def after(self, lead: int, left: int) -> Advice:
        """Say what to do where the leading answer is ``lead`` votes ahead and ``left`` more may be asked for.

        O(1), and O((lead + left)^2) once for a race.
        """
        worth = self._worth(lead)
        more = self._more(lead, left) if left > 0 else float("-inf")
        way: Way = "stop" if worth >= max(more, 0.0) else "continue" if more > 0 else "abstain"
        return Advice(way, self.risk(lead), worth, more)

    def risk(self, lead: int) -> float:
        """Give the probability that an answer so many votes ahead is wrong."""
        return decided_wrong(self.accuracy, lead) if lead else 0.5

    def _worth(self, lead: int) -> float:
        """Give what it is worth to answer here; minus infinity where the answer is not sure enough."""
        risk = self.risk(lead)
        return self.right * (1 - risk) - self.wrong * risk if lead and risk <= self.error else float("-inf")

    def _more(self, lead: int, left: int) -> float:
        """Give what it is worth to ask once more and then do what is best, ``left`` > 0."""
        return self._asked(lead, _best(self, _rounded(lead + left))[left - 1])

    def _asked(self, lead: int, further: list[float]) -> float:
        """Give what it is worth to ask once more, where ``further`` is what each lead is worth after that."""
        risk = self.risk(lead)
        agrees = self.accuracy * (1 - risk) + (1 - self.accuracy) * risk if lead else 1.0
        return agrees * further[lead + 1] + (1 - agrees) * further[abs(lead - 1)] - self.vote


def _rounded(votes: int) -> int:
    return -(-votes // _STRIDE) * _STRIDE


@lru_cache(maxsize=_KEPT)
def _best(controller: Controller, horizon: int) -> list[list[float]]:
    """Give what each lead is worth with so many votes left, row by row, as far as both together are ``horizon``."""
    stopped = [max(0.0, controller._worth(lead)) for lead in range(horizon + 1)]
    rows = [stopped]
    for left in range(1, horizon):
        rows.append([max(stopped[lead], controller._asked(lead, rows[-1])) for lead in range(horizon + 1 - left)])
    return rows
