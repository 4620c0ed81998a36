"""Two short drivers, one sync and one async, that carry out what a route orders through the door.

The router runs as the agent's own code: what it calls are ordinary actions, judged and recorded one by one, and on
replay it runs again over the recorded outcomes and has to say the same. What it knows of the tools' health, and the
time at which it begins, are reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from harness.errors import Refused
from harness.routing.health.monitors import Signal
from harness.routing.orders import (
    Ask,
    Begin,
    Came,
    Chosen,
    End,
    Gone,
    Health,
    Input,
    Invoke,
    Look,
    Looked,
    Order,
    Seen,
    Settle,
    Settled,
    Tell,
    Wait,
    Woke,
)
from harness.routing.router import Router
from harness.run.doubt import Settled as Doubtless
from harness.run.doubt import reading
from harness.run.drive import Abandoned, Attempt, Rewritten, Run, aattempt, attempt, read, say
from harness.run.inputs import Call
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


class _Journey:
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
            return self.step(Came(how.at, call, how.seq, how.outcome))
        if how.refused is not None and how.outcome is None:
            self.refused[str(how.refused)] = how.refused
        return self.step(Came(how.at, call, how.seq, how.outcome, str(how.refused or "")))

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


def travel(run: Run, router: Router, hands: Hands, action: int | None = None) -> Travelled:
    """Lead a route to its end, one call at a time; ``action`` is the call that asked for it, if there is one."""
    journey = _Journey(run, router, hands, action)
    orders = deque(journey.begin())
    while True:
        order = orders.popleft()
        match order:
            case Tell():
                journey.tell(order)
            case Seen(_, tool, how):
                hands.seen(tool, how)
            case Invoke(call, tool, args):
                journey.begun(order)
                orders.extend(journey.came(call, attempt(run, *journey.serving(*hands.call(tool, args)))))
            case Settle():
                orders.extend(journey.step(_settle(journey, order)))
            case Wait(until):
                run.world.wait(until - run.machine.at)
                orders.extend(journey.step(Woke(until)))
            case Look():
                orders.extend(journey.step(Looked(*journey.health())))
            case Ask(deadlock):
                orders.extend(journey.step(_chosen(run, journey.ask(deadlock))))
            case End():
                return journey.travelled(order)


async def atravel(run: Run, router: Router, hands: Hands, action: int | None = None) -> Travelled:
    """Do what ``travel`` does with as many calls at once as the router orders."""
    journey = _AsyncJourney(run, router, hands, action)
    try:
        async with asyncio.TaskGroup() as journey.group:
            journey.obey(journey.begin())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    except asyncio.CancelledError:
        journey.gone()
        raise
    assert journey.end is not None
    return journey.travelled(journey.end)


class _AsyncJourney(_Journey):
    """Every call, wait and question is a task; each hands its news to the router and obeys before it waits again.

    So what is written about an outcome follows it at once, whatever else is under way.
    """

    group: asyncio.TaskGroup
    end: End | None = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.sleeping: dict[int, asyncio.Task[None]] = {}

    def obey(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case Tell():
                    self.tell(order)
                case Seen(_, tool, how):
                    self.hands.seen(tool, how)
                case Invoke():
                    self.group.create_task(self._watched(self._call, order))
                case Settle():
                    self.group.create_task(self._watched(self._settle, order))
                case Wait(until):
                    if until not in self.sleeping:
                        self.sleeping[until] = self.group.create_task(self._sleep(until))
                case Look():
                    self.news(Looked(*self.health()))
                case Ask():
                    self.group.create_task(self._ask(order))
                case End():
                    self.end = order
                    for sleeper in self.sleeping.values():
                        sleeper.cancel()

    def news(self, said: Input) -> None:
        if self.end is None:
            self.obey(self.step(said))

    def gone(self) -> None:
        """Tell that the agent does not wait for the end of the route, if it has not come."""
        for order in self.router.step(Gone(self.run.machine.at)) if self.end is None else ():
            if isinstance(order, Tell):
                self.tell(order)

    async def _watched(self, make: Callable[[Made], Coroutine[Any, Any, None]], order: Made) -> None:
        """Make a call, and tell of it where it is cancelled."""
        try:
            await make(order)
        except Abandoned as abandoned:
            about = {"after": abandoned.seq, "tool": abandoned.tool, "why": "cancelled"}
            self.tell(Tell({"does": "escalate", "goal": self.router.goal, **about}))
            raise

    async def _call(self, order: Invoke) -> None:
        self.begun(order)
        how = await aattempt(self.run, *self.serving(*self.hands.acall(order.tool, order.args)))
        self.obey(self.came(order.call, how))

    async def _settle(self, order: Settle) -> None:
        self.news(await _asettle(self, order))

    async def _sleep(self, until: int) -> None:
        await asyncio.sleep(max(until - self.run.machine.at, 0) / 1e9)
        del self.sleeping[until]
        self.news(Woke(until))

    async def _ask(self, order: Ask) -> None:
        self.news(_chosen(self.run, await self.aask(order.deadlock)))


# --- calls in doubt ---------------------------------------------------------------------------------------------------


def _settle(journey: _Journey, order: Settle) -> Settled:
    """Ask a call's probe, and where that does not tell, a person."""
    found: Doubtless | str = "no tool can tell"
    probing, failed = journey.hands.probe(order.tool, order.args), -1
    if probing is not None:
        how = attempt(journey.run, *journey.serving(*journey.hands.call(*probing)))
        found, failed = _told(probing[0], journey.heard(how))
    if isinstance(found, Doubtless):
        return _settled(journey, order, found)
    return _answered(journey, order, found, failed, journey.ask(_question(order, found)))


async def _asettle(journey: _Journey, order: Settle) -> Settled:
    found: Doubtless | str = "no tool can tell"
    probing, failed = journey.hands.probe(order.tool, order.args), -1
    if probing is not None:
        how = await aattempt(journey.run, *journey.serving(*journey.hands.acall(*probing)))
        found, failed = _told(probing[0], journey.heard(how))
    if isinstance(found, Doubtless):
        return _settled(journey, order, found)
    return _answered(journey, order, found, failed, await journey.aask(_question(order, found)))


def _told(probe: str, how: Attempt) -> tuple[Doubtless | str, int]:
    """Read what a probe said; with the event that says so where it failed."""
    if isinstance(how.outcome, Ok) and how.refused is None:
        return reading(probe, how.outcome.value), -1
    said = str(how.refused) if how.refused is not None else f"the probe {probe} failed"
    return said, how.seq


def _settled(journey: _Journey, order: Settle, found: Doubtless) -> Settled:
    decided = "found" if found.outcome is not None else "absent"
    return Settled(journey.run.machine.at, order.call, decided, found.why, found.outcome)  # type: ignore[arg-type]


def _question(order: Settle, unclear: str) -> dict[str, Any]:
    return {"in_doubt": {"args": order.args, "tool": order.tool, "unclear": unclear, "why": order.why}}


def _answered(journey: _Journey, order: Settle, unclear: str, probe: int, choice: Any) -> Settled:
    """Read a person's word on whether a call happened: ``happened`` with its ``result``, or ``again``."""
    at, why = journey.run.machine.at, f"{order.why}; {unclear}"
    known = choice if isinstance(choice, dict) else None
    match known:
        case {"happened": True, **rest} if not rest.keys() - {"result"}:
            outcome = Ok(rest.get("result"))
            return Settled(at, order.call, "found", "a person says that it happened", outcome, probe, known)
        case {"happened": False, **rest} if not rest:
            return Settled(at, order.call, "absent", "a person says that it did not happen", None, probe, known)
        case {"again": True, **rest} if not rest:
            return Settled(at, order.call, "again", "a person allows it", None, probe, known)
        case None:
            return Settled(at, order.call, "left", f"{why}; nobody was there to ask", None, probe)
        case _:
            return Settled(at, order.call, "left", f"{why}; the answer does not say", None, probe, known)


def _chosen(run: Run, choice: Any) -> Chosen:
    return Chosen(run.machine.at, choice if choice is None or isinstance(choice, dict) else {"unread": choice})
