"""A vote as a race: the first answer that is ahead of every other by enough votes is taken, or none is.

A pure machine: ballots go out by number, replies come in in the order of their numbers. Answers are the same where
their canonical JSON is. No more ballots go out than the race takes in any case, so that those of one batch can be asked
at once, and the votes counted are the same as if they had been asked one by one. Source: arXiv 2511.09030, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple, Self

from harness.converge.vote.controller import Controller
from harness.converge.vote.flags import Flag, Flags
from harness.determinism import canonical
from harness.errors import NotRecordable, UsageError
from harness.statistics.voting import weight

End = Literal["decided", "undecided"]

_ROUNDING: Final = 1e-9

MOST: Final = 50
"""Ballots of a race, discarded ones included, after which it is given up."""


class Reply(NamedTuple):
    """What somebody who was asked gave: JSON data, and how many tokens it took where that is known."""

    value: Any
    tokens: int | None = None


class Spoilt(NamedTuple):
    """A ballot came to nothing: whoever was asked raised an error, or did not answer."""

    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """When a race is over.

    ``lead`` is by how much an answer has to be ahead of every other, in votes, or in the unit of ``weights``: ballot n
    has the weight n mod their number. ``most`` bounds the ballots. With a ``controller``, which weighs votes that are
    alike, no lead is asked for: it is over as soon as one more vote is not worth asking for. UsageError for terms that
    make no sense.
    """

    lead: float = 3
    most: int = MOST
    weights: tuple[float, ...] = (1,)
    controller: Controller | None = None

    def __post_init__(self) -> None:
        if self.most < 1 or not self.lead > 0 or not self.weights or min(self.weights) <= 0:
            cure = "a lead and weights above 0, and one ballot or more"
            raise UsageError(f"lead {self.lead}, weights {self.weights}, {self.most} ballots decide nothing", cure=cure)
        if self.controller is None and not self.within_reach(0, 0):
            cure = "ask more often, or be content with a smaller lead"
            raise UsageError(f"{self.most} ballots never come to a lead of {self.lead:g}", cure=cure)
        if self.controller is not None and len(set(self.weights)) > 1:
            cure = "leave out the weights, or the controller"
            raise UsageError("a controller weighs votes that are alike", cure=cure)

    def facts(self) -> dict[str, Any]:
        """Give them as JSON data, without what is as usual."""
        said: dict[str, Any] = {"most": self.most}
        said |= {"lead": self.lead} if self.controller is None else {"controller": asdict(self.controller)}
        return said | ({"weights": list(self.weights)} if len(set(self.weights)) > 1 else {})

    @property
    def sure(self) -> int:
        """How many votes are counted at least, whatever they say."""
        return 1 if self.controller is not None else math.ceil((self.lead - _ROUNDING) / max(self.weights))

    def within_reach(self, lead: float, asked: int) -> bool:
        """Tell whether the ballots that are left can make a lead the one that is asked for."""
        if len(self.weights) == 1:
            return lead + (self.most - asked) * self.weights[0] >= self.lead - _ROUNDING
        left = (self.weights[ballot % len(self.weights)] for ballot in range(asked, self.most))
        return lead + math.fsum(left) >= self.lead - _ROUNDING

    @classmethod
    def weighted(cls, accuracies: Sequence[float], error: float, most: int = MOST) -> Self:
        """Give the terms of a vote weighted by measured accuracies: it is wrong with probability ``error`` or less.

        That holds where votes are independent and there are two answers; see ``statistics.voting.weight``.
        """
        if not 0 < error < 0.5:
            raise UsageError(f"an error bound of {error}", cure="more than 0, and less than a coin: 0.5")
        return cls(math.log((1 - error) / error), most, tuple(map(weight, accuracies)))


class Answer(NamedTuple):
    """One answer and the votes for it; ``weight`` is theirs together."""

    value: Any
    votes: int
    weight: float


class Discarded(NamedTuple):
    """A reply that was not counted: the number of its ballot, why, and the rule that says so, if one does."""

    ballot: int
    why: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Voted:
    """How a race ended.

    ``value`` is the answer that was decided for, None where none was and ``why`` says it. ``votes`` says of each ballot
    which of ``answers`` it was for, -1 where it was discarded; answers are in the order of their first votes. ``lead``
    is how far the leading answer was ahead in the end. The first ``sure`` counted votes were cast whatever they said:
    only these may be measured, because a race goes on longer where votes disagree.
    """

    end: End
    value: Any
    votes: tuple[int, ...]
    answers: tuple[Answer, ...]
    discarded: tuple[Discarded, ...]
    lead: float
    sure: int
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data, without what is empty."""
        said: dict[str, Any] = {
            "end": self.end,
            "votes": list(self.votes),
            "answers": [one._asdict() for one in self.answers],
            "lead": self.lead,
            "sure": self.sure,
        }
        more = {"discarded": [one._asdict() for one in self.discarded], "why": self.why}
        return said | {name: value for name, value in more.items() if value}


class Race:
    """Count the votes on one question. Not thread-safe; the same replies give the same end, byte for byte."""

    def __init__(self, flags: Flags, terms: Terms) -> None:
        self._flags, self._terms = flags, terms
        self._numbers: dict[bytes, int] = {}
        self._answers: list[Answer] = []
        self._votes: list[int] = []
        self._discarded: list[Discarded] = []
        self._given = 0
        self.end: Voted | None = None

    def ballots(self) -> range:
        """Give the numbers of the ballots to ask now: as many as the race takes at least; none where it is over."""
        asked = len(self._votes)
        if self.end is None and asked == self._given:
            self._given += self._batch()
        return range(asked, self._given)

    def _batch(self) -> int:
        if self._terms.controller is not None:
            return 1
        missing, last = self._terms.lead - self.lead, self._given
        while missing > _ROUNDING:
            missing -= self._terms.weights[last % len(self._terms.weights)]
            last += 1
        return last - self._given

    @property
    def lead(self) -> float:
        """How far the leading answer is ahead of every other."""
        if len(self._answers) < 2:
            return self._answers[0].weight if self._answers else 0
        *_, second, first = sorted(answer.weight for answer in self._answers)
        return first - second

    def hear(self, said: Reply | Spoilt) -> Voted | None:
        """Count what came of the next ballot, and give the end if this is it; UsageError where it was not given out."""
        if len(self._votes) == self._given:
            raise UsageError("a reply to no ballot", cure="ask only for the ballots that the race gives out")
        flag = self._cast(said)
        if flag is not None:
            self._discarded.append(Discarded(len(self._votes), flag.why, flag.rule))
            self._votes.append(-1)
        if len(self._votes) == self._given:  # none of a batch can decide before the last, and all of it were asked
            self.end = self._ended()
        return self.end

    def _cast(self, said: Reply | Spoilt) -> Flag | None:
        if isinstance(said, Spoilt):
            return Flag(said.why)
        try:
            spelled = canonical.encode(said.value)
        except NotRecordable as error:
            return Flag(str(error))
        flag = self._flags.against(spelled, said.tokens)
        if flag is None:
            weight = self._terms.weights[len(self._votes) % len(self._terms.weights)]
            number = self._numbers.setdefault(spelled, len(self._numbers))
            if number == len(self._answers):
                self._answers.append(Answer(canonical.decode(spelled), 1, weight))
            else:
                value, votes, total = self._answers[number]
                self._answers[number] = Answer(value, votes + 1, total + weight)
            self._votes.append(number)
        return flag

    def _ended(self) -> Voted | None:
        terms, lead, asked = self._terms, self.lead, len(self._votes)
        if terms.controller is not None:
            return self._weighed(terms.controller, lead, asked)
        if lead >= terms.lead - _ROUNDING:
            return self._voted("decided")
        if terms.within_reach(lead, asked):
            return None
        why = f"{asked} of {terms.most} ballots, and no answer can get ahead by {terms.lead:g}"
        return self._voted("undecided", why)

    def _weighed(self, controller: Controller, lead: float, asked: int) -> Voted | None:
        advice = controller.after(round(lead / self._terms.weights[0]), self._terms.most - asked)
        if advice.way == "continue":
            return None
        if advice.way == "stop":
            return self._voted("decided")
        why = f"no further vote is worth asking for; the leading answer is wrong with {advice.risk:.3g}"
        return self._voted("undecided", why)

    def _voted(self, end: End, why: str = "") -> Voted:
        value = max(self._answers, key=lambda one: one.weight).value if end == "decided" else None
        answers, discarded = tuple(self._answers), tuple(self._discarded)
        return Voted(end, value, tuple(self._votes), answers, discarded, self.lead, self._terms.sure, why)
