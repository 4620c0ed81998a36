"""Notice a model that is unsure of itself, from the log-probabilities of its tokens (``statistics.instability``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.routing.health.monitors.calls import Calls
from harness.routing.health.monitors.signal import Signal
from harness.statistics.instability import Distribution, normalised, strength
from harness.trace.chat import bodies_of
from harness.trace.event import Event

UNSTABLE: Final = 0.40  # ours: below everything that is more than a weak sign


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
