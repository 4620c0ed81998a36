"""How unsure of itself a reply was, from the probabilities of its tokens (arXiv 2602.02863).

With p_t the distribution over the top k alternatives at token t, made to sum to 1, the instability is
I_t = JSD(p_t, p_(t-1)) + λ·H(p_t), in natural logarithms; the first token has no JSD. Its strength is the maximum over
t, its position t*/T, t counted from 1. The published AUROC is .66 to .74, so it is a weak sign: the mean entropy, which
is as simple as a baseline gets, is always given beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, fsum, log
from typing import NamedTuple

Distribution = Mapping[str, float]


class Strength(NamedTuple):
    """How unstable one reply is: max I_t, where that is (0 to 1), and the mean entropy beside it; nats."""

    strength: float
    position: float
    mean_entropy: float


def normalised(logprobs: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Give the probabilities of the alternatives so that they sum to 1; alternatives of one text count as one."""
    most = max(logprob for _, logprob in logprobs)
    total = fsum(exp(logprob - most) for _, logprob in logprobs)
    found: dict[str, float] = {}
    for token, logprob in logprobs:
        found[token] = found.get(token, 0.0) + exp(logprob - most) / total
    return found


def entropy(p: Distribution) -> float:
    """Give the entropy in nats."""
    return fsum(-share * log(share) for share in p.values() if share > 0)


def divergence(p: Distribution, q: Distribution) -> float:
    """Give the Jensen–Shannon divergence in nats: 0 for equal distributions, ln 2 for those without a common token."""
    middle = {token: (p.get(token, 0.0) + q.get(token, 0.0)) / 2 for token in {**p, **q}}
    return max(entropy(middle) - (entropy(p) + entropy(q)) / 2, 0.0)


def series(tokens: Sequence[Distribution], weight: float = 1.0) -> list[float]:
    """Give I_t of each token; ``weight`` is λ."""
    jumps = [0.0, *(divergence(p, before) for before, p in pairwise(tokens))]
    return [jump + weight * entropy(p) for jump, p in zip(jumps, tokens, strict=True)]


def strength(tokens: Sequence[Distribution], weight: float = 1.0) -> Strength:
    """Give the strength of a reply's instability; ValueError for one without tokens. The first maximum counts."""
    if not tokens:
        raise ValueError("a reply without tokens has no instability")
    values = series(tokens, weight)
    most = max(values)
    position = (values.index(most) + 1) / len(values)
    return Strength(most, position, fsum(map(entropy, tokens)) / len(tokens))
