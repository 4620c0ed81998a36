"""A scripted proposer: it knows the next move, and says another one as often as it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.converge.vote.race import Reply
from harness.determinism.streams import stream

PEGS: Final = "ABC"
ROUND: Final = {"A": "B", "B": "C", "C": "A"}
TOO_LONG: Final = 900
"""Tokens of a reply that goes on and on; the limit is 750."""

_PROSE: Final = Reply("I would take the smallest disk, but let me think again.")


@dataclass(frozen=True)
class Proposer:
    """Answer one step after another, with draws of its own for each, so that any step can be asked again.

    A vote is wrong with probability ``error``, whatever the others say; all wrong votes on a step name the same wrong
    move, which is the hardest case for a vote. With ``correlation``, that share of the steps is answered by one vote
    that all others repeat. A share ``spoilt`` of the replies is of the wrong form or too long.
    """

    error: float
    correlation: float = 0.0
    spoilt: float = 0.01
    seed: int = 0

    def replies(self, step: int, again: int, pegs: Mapping[str, str], last: str) -> Any:
        """Yield the votes on a step, without end; ``again`` counts how often it has been voted on before."""
        right = next_move(pegs, last)
        wrong = wrong_move(right)
        draw = stream(self.seed, "step", step, again).random
        shared = draw() < self.correlation
        repeated = wrong if draw() < self.error else right
        while True:
            chance = draw()
            if chance < self.spoilt:
                yield _PROSE if chance < self.spoilt / 2 else Reply(right, TOO_LONG)
            elif shared:
                yield Reply(repeated)
            else:
                yield Reply(wrong if draw() < self.error else right)


def next_move(pegs: Mapping[str, str], last: str) -> dict[str, str]:
    """Give the next move of the shortest solution, ``last`` being the disk that moved before."""
    if last != "a":
        source = next(peg for peg in PEGS if pegs[peg].startswith("a"))
        return {"disk": "a", "source": source, "target": ROUND[source]}
    one, other = (peg for peg in PEGS if not pegs[peg].startswith("a"))
    if not pegs[one] or (pegs[other] and pegs[other] < pegs[one]):
        one, other = other, one
    return {"disk": pegs[one][0], "source": one, "target": other}


def wrong_move(right: Mapping[str, str]) -> dict[str, str]:
    """Give the move of the same disk to the third peg; for the smallest one it is legal."""
    (target,) = set(PEGS) - {right["source"], right["target"]}
    return {**right, "target": target}
