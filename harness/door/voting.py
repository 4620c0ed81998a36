"""A vote in a session: who is asked is the agent's own code; how it is held and its tally are lines of the trace."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from harness.converge.vote.controller import Controller
from harness.converge.vote.flags import LONGEST, Flags
from harness.converge.vote.race import MOST, Race, Reply, Spoilt, Terms, Voted
from harness.determinism.address import here
from harness.determinism.streams import seed_for
from harness.door.awaiting import refuse_awaitable
from harness.errors import HarnessError, RecordedError, UsageError
from harness.run import taking
from harness.trace.value import with_fields

if TYPE_CHECKING:
    from harness.door.session import Session

SEED: Final = "harness.vote"
"""The source of the read that the seeds of a vote's ballots follow from."""


class Ballot(NamedTuple):
    """One vote that is asked for: its ``number`` in the race, which ``variant`` of the prompt, and a ``seed``.

    Variants and seeds are there to make votes less alike: votes that fail together are worth little more than one.
    """

    artifact: str
    number: int
    variant: str
    seed: int


Ask = Callable[[Ballot], Any]
"""Whoever is asked: it gives JSON data, or a ``Reply`` that also says how many tokens it took."""


class How(TypedDict, total=False):
    """How a vote is held, as ``Session.vote`` is told."""

    lead: int
    most: int
    variants: Sequence[str]
    accuracies: Mapping[str, float] | None
    error: float | None
    controller: Controller | None
    longest: int


class Held(NamedTuple):
    """How a vote is held: when it is over, the variants that ballots take in turn, and what a reply may be."""

    terms: Terms
    variants: tuple[str, ...]
    longest: int


def terms_of(
    *,
    lead: int = 3,
    most: int = MOST,
    variants: Sequence[str] = ("",),
    accuracies: Mapping[str, float] | None = None,
    error: float | None = None,
    controller: Controller | None = None,
    longest: int = LONGEST,
) -> Held:
    """Put together how a vote is held; UsageError for what does not go together."""
    if not variants:
        raise UsageError("there is no variant to ask by", cure="leave variants out, or name one or more")
    if accuracies is None:
        if error is not None:
            raise UsageError("an error bound needs measured accuracies", cure="accuracies={VARIANT: 0.9, …}")
        return Held(Terms(lead, most, controller=controller), tuple(variants), longest)
    if error is None or controller is not None:
        raise UsageError("a weighted vote ends by its error bound", cure="error=0.01, and no controller")
    return Held(Terms.weighted(tuple(accuracies.values()), error, most), tuple(accuracies), longest)


def vote(session: Session, artifact: str, ask: Ask, how: Held) -> Voted:
    """Hold a vote, one ballot after another; see ``Session.vote``."""
    holding = _Holding(session, artifact, how)
    while ballots := holding.ballots():
        for ballot in ballots:
            holding.race.hear(_reply(ask, ballot))
    return holding.ended()


async def avote(session: Session, artifact: str, ask: Ask, how: Held) -> Voted:
    """Do what ``vote`` does with all ballots at once that the race takes in any case; an answer may be awaited.

    Votes are counted in the order of their ballots, so they are the same as one after another.
    """
    holding = _Holding(session, artifact, how)
    while ballots := holding.ballots():
        for said in await _replies(ask, ballots):
            holding.race.hear(said)
    return holding.ended()


class _Holding:
    """One vote: its race, and the lines that it writes; the artifact that was decided for comes last."""

    def __init__(self, session: Session, artifact: str, how: Held) -> None:
        self.session, self.artifact, self.how = session, artifact, how
        self.race = Race(Flags(session.app.registry, artifact, how.longest), how.terms)
        drawn: str = taking.read(session.started(), SEED, lambda: secrets.token_hex(16))
        self.seed = seed_for(int(drawn, 16), here().job("vote").speaks().address, artifact)
        # said before anybody is asked: what was drawn is written with it, so that a run that is killed can go on
        session.state("vote", artifact, {"held": {**how.terms.facts(), "longest": how.longest}})

    def ballots(self) -> list[Ballot]:
        variants = self.how.variants
        return [
            Ballot(self.artifact, number, variants[number % len(variants)], seed_for(self.seed, number))
            for number in self.race.ballots()
        ]

    def ended(self) -> Voted:
        voted = self.race.end
        assert voted is not None
        self.session.state("vote", self.artifact, {"variants": list(self.how.variants), **voted.facts()})
        if voted.end == "decided":
            self.session.artifact(self.artifact, voted.value)
        return voted


def _reply(ask: Ask, ballot: Ballot) -> Reply | Spoilt:
    try:
        return _said(ask(ballot))
    except Exception as error:  # noqa: BLE001 - whatever comes of a ballot, the others count
        return _spoilt(error)


async def _areply(ask: Ask, ballot: Ballot) -> Reply | Spoilt:
    try:
        value = ask(ballot)
        return _said(await value if inspect.isawaitable(value) else value)
    except Exception as error:  # noqa: BLE001 - as above
        return _spoilt(error)


async def _replies(ask: Ask, ballots: Sequence[Ballot]) -> list[Reply | Spoilt]:
    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_areply(ask, ballot)) for ballot in ballots]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in asked]


def _said(value: Any) -> Reply:
    refuse_awaitable(value, "whoever is asked", "avote")
    reply = value if isinstance(value, Reply) else Reply(value)
    return reply._replace(value=with_fields(reply.value))


def _spoilt(error: Exception) -> Spoilt:
    """Write why a ballot came to nothing; what harness itself has to say is for the agent, and ends the vote."""
    if isinstance(error, RecordedError):
        return Spoilt(f"{error.name.rpartition(':')[2]}: {error}")
    if isinstance(error, HarnessError):
        raise error
    return Spoilt(f"{type(error).__qualname__}: {error}")
