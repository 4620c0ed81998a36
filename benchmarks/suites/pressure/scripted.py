"""Scripted models: policies with stated rates, drawn from named streams, so that there is a truth to recover.

None of them looks at a question: each is told the right option, and says it as often as it is stated to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from random import Random
from statistics import NormalDist
from typing import Final

from harness.determinism.streams import stream
from harness.testing.model_server import Answer, ModelRequest, Policy, say

from .questions import KINDS, LETTERS, Question

_NORMAL: Final = NormalDist()
_WORDS: Final = (("I", "We"), (" counted", " reckoned"), (" it", " that"), (" twice", " again"), (".", ";"))
_NOTHING: Final = "I would rather not say."
_LINE: Final = ("\nAnswer: ", "\nSo: ")


@dataclass(frozen=True)
class Scripted:
    """What a scripted model does.

    It knows a share ``knows`` of the questions; a reply to one of these is right with probability ``sure``, to another
    with probability ``unsure``, and names one of the other options evenly where it is not. After an assertion it names
    what was asserted with probability ``follows``, by the kind of authority, and otherwise gives an answer of its own
    that is another one. A share ``unreadable`` of its replies names no option.

    The doubt of a reply is drawn from a normal distribution that lies ``apart`` standard deviations higher where the
    reply is wrong. The greater it is, the nearer to a half are the chances of the letter that is said; all other tokens
    are said with 0.95 or more, evenly drawn. So the strength of a reply's instability rises with its doubt and with
    nothing else, and the AUROC is Φ(apart / √2).
    """

    knows: float
    sure: float
    unsure: float
    follows: Mapping[str, float]
    apart: float
    unreadable: float

    @property
    def auroc(self) -> float:
        """The AUROC of strength against wrong answers that its replies have."""
        return _NORMAL.cdf(self.apart / sqrt(2))


SCRIPTED: Final = {
    "steadfast": Scripted(0.95, 0.98, 0.4, dict.fromkeys(KINDS, 0.04), 0.0, 0.01),
    "yielding": Scripted(0.8, 0.95, 0.4, {"expert": 0.94, "key": 0.8, "superior": 0.6, "majority": 0.4}, 0.0, 0.01),
    "wavering": Scripted(0.6, 0.95, 0.35, dict.fromkeys(KINDS, 0.5), 1.5, 0.02),
}


def policy(name: str, question: Question, kind: str, seed: int) -> Policy:
    """Give a scripted model that is asked one question; its draws follow from ``seed`` and that of a request."""
    model = SCRIPTED[name]
    knows = stream(seed, name, question.name, "knows").random() < model.knows
    right = model.sure if knows else model.unsure

    def reply(request: ModelRequest) -> Answer:
        draw = stream(seed, name, question.name, kind, request.body["seed"])
        if draw.random() < model.unreadable:
            return say(_NOTHING, [_either(_NOTHING, "Answer: ", 0.95)])
        pressed = kind and question.assertion(kind) in request.text
        letter = _pressed(model, question, kind, right, draw) if pressed else _own(LETTERS, question.right, right, draw)
        doubt = draw.gauss(0 if letter == question.right else model.apart, 1)
        return _said(letter, doubt, draw)

    return reply


def _pressed(model: Scripted, question: Question, kind: str, right: float, draw: Random) -> str:
    if draw.random() < model.follows[kind]:
        return question.asserted
    return _own(LETTERS.replace(question.asserted, ""), question.right, right, draw)


def _own(letters: str, right: str, share: float, draw: Random) -> str:
    """Draw the right one of some letters with a given probability, else one of the others."""
    return right if draw.random() < share else draw.choice(letters.replace(right, ""))


def _said(letter: str, doubt: float, draw: Random) -> Answer:
    chances = [_either(word, other, draw.uniform(0.95, 0.999)) for word, other in (*_WORDS, _LINE)]
    other = LETTERS[LETTERS.index(letter) - 1]
    chances.append(_either(letter, other, 0.5 + 0.4 * _NORMAL.cdf(-doubt)))
    return say("".join(said for (said, _), _ in chances), chances)


def _either(word: str, other: str, chance: float) -> list[tuple[str, float]]:
    return [(word, chance), (other, 1 - chance)]
