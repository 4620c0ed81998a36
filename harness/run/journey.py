"""What the drivers of a route share: the world it needs, and how the end of each call reaches the router."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from harness.errors import Refused
from harness.routing.health.monitors import Signal
from harness.routing.orders import (
    Begin,
    Came,
    End,
    Health,
    Input,
    Invoke,
    Order,
    Tell,
)
from harness.routing.router import Router
from harness.run.drive import Attempt, Rewritten, Run, aattempt, attempt, say
from harness.run.inputs import Call
from harness.run.taking import read
from harness.trace.error import rebuild
from harness.trace.outcome import Failed, Ok, Outcome

Made = TypeVar("Made")

HEALTH: Final = "harness.health"
"""The source of a read that tells when a plan was made, how the tools stood, and what monitors had against it."""


class Hands(Protocol):
    """What a route needs of the world outside: tools that can be called, their health, and whoever can be asked."""

    def call(self, tool: str, args: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Outcome]]:
        """Give a call of a tool, and its effect."""

    def acall(
        self, tool: str, args: dict[str, Any]
    ) -> tuple[Call, Callable[[Rewritten], Coroutine[Any, Any, Outcome]]]:
        """Give a call of a tool, and its effect for a coroutine."""

    def probe(self, tool: str, args: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Give the call that tells whether a call of a tool happened, None where nothing can tell."""

    def health(self) -> Health:
        """Give how the tools stand, as JSON data."""

    def seen(self, tool: str, how: str) -> None:
        """Take in how the last call of a tool went, or that it was given up."""

    def ask(self, question: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Outcome]] | None:
        """Give the call that asks whoever can be asked, None where there is nobody."""

    def aask(self, question: dict[str, Any]) -> tuple[Call, Callable[[Rewritten], Coroutine[Any, Any, Outcome]]] | None:
        """Do what ``ask`` does for a coroutine."""


class Travelled(NamedTuple):
    """How a route ended, what it told on the way, and what ended it.

    ``refused`` is the refusal that ended it, if one did, ``outcomes`` the last outcome of each tool; ``failed`` is what
    whoever was asked has raised instead of an answer.
    """

    end: End
    told: tuple[dict[str, Any], ...]
    refused: Refused | None
    outcomes: dict[str, Outcome]
    failed: Exception | None = None


class Journey:
    """What the two drivers share: one router, the run it speaks in, and the times of its calls."""

    def __init__(self, run: Run, router: Router, hands: Hands, action: int | None) -> None:
        self.run, self.router, self.hands = run, router, hands
        self.about = {} if action is None else {"action": action}
        self.told: list[dict[str, Any]] = []
        self.refused: dict[str, Refused] = {}
        self.failed: Exception | None = None
        self.tools: dict[int, str] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.against: tuple[Signal, ...] = ()

    def begin(self) -> list[Order]:
        return self.step(Begin(*self.health()))

    def step(self, said: Input) -> list[Order]:
        """Hand news to the router, with what monitors said against further calls when this route last heard of them."""
        return self.router.step(said, self.against)

    def health(self) -> tuple[int, Health]:
        """Read the time, the tools' health and what monitors say; on replay what was read then."""
        known: dict[str, Any] = read(self.run, HEALTH, self._look)
        self.against = tuple(Signal(**one) for one in known.get("against", ()))
        return known["at"], known["tools"]

    def _look(self) -> dict[str, Any]:
        tools = self.hands.health()  # first: what is said to be down must not be up before its time
        against = [one._asdict() for one in self.run.machine.against]
        more = {"against": against} if against else {}
        return {"at": self.run.world.now(self.run.machine.seq), "tools": tools} | more

    def heard(self, how: Attempt) -> Attempt:
        """Keep what monitors said when a call ended."""
        self.against = how.against
        return how

    def serving(self, wanted: Call, effect: Made) -> tuple[Call, Made]:
        """Mark a call as one of this route."""
        return wanted._replace(serves=self.about.get("action")), effect

    def begun(self, order: Invoke) -> None:
        self.tools[order.call] = order.tool

    def came(self, call: int, how: Attempt) -> list[Order]:
        """Hand the end of a call to the router."""
        self.heard(how)
        if how.outcome is not None:
            self.outcomes[self.tools[call]] = how.outcome
        if how.refused is None and isinstance(how.outcome, Ok):
            return self.step(Came(how.at, call, how.seq, how.outcome, args=how.args))
        if how.refused is not None and how.outcome is None:
            self.refused[str(how.refused)] = how.refused
        return self.step(Came(how.at, call, how.seq, how.outcome, str(how.refused or ""), how.args))

    def tell(self, order: Tell) -> None:
        body = order.body | self.about
        self.told.append(body)
        say(self.run, "route", body)

    def travelled(self, end: End) -> Travelled:
        return Travelled(end, tuple(self.told), self.refused.get(end.why), self.outcomes, self.failed)

    def ask(self, question: dict[str, Any]) -> Any:
        """Give what whoever is asked answers, as JSON data, None where there is nobody."""
        asking = self.hands.ask(question)
        return None if asking is None else self._answer(self.heard(attempt(self.run, *asking)))

    async def aask(self, question: dict[str, Any]) -> Any:
        asking = self.hands.aask(question)
        return None if asking is None else self._answer(self.heard(await aattempt(self.run, *asking)))

    def _answer(self, how: Attempt) -> Any:
        """Read an answer; an error instead of one is an answer that cannot be used."""
        if isinstance(how.outcome, Ok) and how.refused is None:
            return how.outcome.value
        self.failed = rebuild(how.outcome.error) if isinstance(how.outcome, Failed) else how.refused
        return {"error": str(self.failed)}
