"""Notice a model that is unsure of itself, from the log-probabilities of its tokens (2602.02863).

With p_t the distribution over the top k alternatives at token t, made to sum to 1, the instability is
I_t = JSD(p_t, p_(t−1)) + λ·H(p_t), in natural logarithms; the first token has no JSD. Its strength is the maximum over
t, its position t*/T, t counted from 1. The published AUROC is .66 to .74, so it is a weak sign: the mean entropy, which
is as simple as a baseline gets, is always given beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import exp, fsum, log
from typing import Any, Final, NamedTuple

from harness.routing.health.monitors.calls import Calls
from harness.routing.health.monitors.signal import Signal
from harness.trace.chat import bodies_of
from harness.trace.event import Event

UNSTABLE: Final = 0.40  # ours: below everything that is more than a weak sign

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


def distributions(response: Any) -> list[list[Distribution]]:
    """Give the distributions of each choice of a recorded Chat Completions response, streamed or whole.

    Tokens without alternatives say nothing; a choice that has none at all is left out.
    """
    choices: dict[int, list[Distribution]] = {}
    for body in bodies_of(response):
        for choice in _objects(body.get("choices")):
            logprobs = choice.get("logprobs")
            for token in _objects(logprobs.get("content") if isinstance(logprobs, dict) else None):
                listed = list(_alternatives(token))
                if listed:
                    choices.setdefault(choice.get("index", 0), []).append(normalised(listed))
    return [choices[index] for index in sorted(choices)]


class Instability:
    """Signal a reply of a model whose instability is stronger than ``above``; of several choices the strongest.

    Nothing is seen of a model that is not asked for ``logprobs`` with ``top_logprobs``.
    """

    def __init__(self, above: float = 1.0, weight: float = 1.0) -> None:
        self.above, self.weight = above, weight
        self._calls = Calls()

    def step(self, event: Event) -> Signal | None:
        action = self._calls.ended(event)
        if action is None or action.body["surface"] != "model":
            return None
        found = max((strength(one, self.weight) for one in distributions(event.body.get("ok"))), default=None)
        if found is None or found.strength <= self.above:
            return None
        says = (
            f"the reply is unstable: {found.strength:.3f} at {found.position:.0%} of it, "
            f"more than {self.above:g} (mean entropy {found.mean_entropy:.3f})"
        )
        return Signal("instability", UNSTABLE, action.body["tool"], says)


def _alternatives(token: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for one in _objects(token.get("top_logprobs")):
        text, logprob = one.get("token"), one.get("logprob")
        if isinstance(text, str) and isinstance(logprob, int | float):
            yield text, logprob


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
