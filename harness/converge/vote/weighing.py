"""What recorded votes show of those who cast them: how often each variant is right, and how far they fail together.

Only votes that were cast whatever they said are measured (``Voted.sure``): a race goes on longer where votes disagree,
so that all of its votes together would make them look worse, and less alike, than they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Any, NamedTuple

from harness.determinism import canonical
from harness.errors import UsageError
from harness.statistics.agreement import Agreement, agreement
from harness.statistics.interval import Interval, wilson
from harness.trace.event import Event


class Recorded(NamedTuple):
    """A vote as a trace holds it: ``votes`` are those that can be measured, as (variant, answer) by their numbers."""

    name: str
    variants: tuple[str, ...]
    answers: tuple[Any, ...]
    votes: tuple[tuple[int, int], ...]


class Voter(NamedTuple):
    """How often a variant was right; the interval is Wilson's at 95 %."""

    right: int
    votes: int
    interval: Interval

    @property
    def accuracy(self) -> float:
        """The share of right votes. To weigh by, the lower end of the interval promises less, and keeps it."""
        return self.right / self.votes


class Measured(NamedTuple):
    """What votes on questions with known answers show.

    ``alike`` is the share of pairs of wrong votes on one question that are for the same answer, None where there is no
    such pair: the nearer to 1, the nearer to the race between two answers that formulas are for.
    """

    agreement: Agreement
    voters: dict[str, Voter]
    alike: float | None


def votes_in(events: Iterable[Event]) -> Iterator[Recorded]:
    """Yield the votes of a trace, in their order."""
    for event in events:
        if event.kind == "state" and event.body["machine"] == "vote" and "votes" in event.body["data"]:
            data = event.body["data"]
            number = len(data["variants"])
            counted = ((ballot % number, vote) for ballot, vote in enumerate(data["votes"]) if vote >= 0)
            answers = tuple(answer["value"] for answer in data["answers"])
            yield Recorded(event.body["name"], tuple(data["variants"]), answers, tuple(islice(counted, data["sure"])))


def measure(votes: Sequence[tuple[Recorded, Any]], seed: int) -> Measured:
    """Measure votes on questions whose right answers are given beside them; ``seed`` is that of the bootstrap.

    All variants are measured only where a vote is not over before each of them has its turn: collect with a lead of as
    many votes as there are variants, or more. UsageError where there is no vote.
    """
    clusters, seen, pairs = [], dict[str, list[bool]](), list[bool]()
    for recorded, right in votes:
        rights = _is_right(recorded, right)
        clusters.append((sum(rights[answer] for _, answer in recorded.votes), len(recorded.votes)))
        for variant, answer in recorded.votes:
            seen.setdefault(recorded.variants[variant], []).append(rights[answer])
        wrong = [answer for _, answer in recorded.votes if not rights[answer]]
        pairs += [one == other for one, other in combinations(wrong, 2)]
    voters = {name: Voter(sum(said), len(said), wilson(sum(said), len(said))) for name, said in seen.items()}
    return Measured(agreement(clusters, seed), voters, sum(pairs) / len(pairs) if pairs else None)


def disagreement(votes: Iterable[Recorded]) -> float:
    """Give the share of pairs of votes on one question that differ, for questions whose answers nobody knows.

    Votes that never differ are either always right or fail together; this cannot tell which. UsageError without a pair.
    """
    pairs = [one[1] != other[1] for recorded in votes for one, other in combinations(recorded.votes, 2)]
    if not pairs:
        raise UsageError("no two votes on one question", cure="collect votes with a lead of two or more")
    return sum(pairs) / len(pairs)


def _is_right(recorded: Recorded, right: Any) -> list[bool]:
    wanted = canonical.encode(right)
    return [canonical.encode(answer) == wanted for answer in recorded.answers]
