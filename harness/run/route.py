"""Two short drivers, one sync and one async, that carry out what a route orders through the door.

The router runs as the agent's own code: what it calls are ordinary actions, judged and recorded one by one, and on
replay it runs again over the recorded outcomes and has to say the same. What it knows of the tools' health, and the
time at which it begins, are reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from harness.routing.orders import (
    Ask,
    Chosen,
    End,
    Gone,
    Input,
    Invoke,
    Look,
    Looked,
    Order,
    Seen,
    Settle,
    Tell,
    Wait,
    Woke,
)
from harness.routing.router import Router
from harness.run.drive import Abandoned, Run, aattempt, attempt
from harness.run.journey import Hands, Journey, Travelled
from harness.run.settling import asettle, settle

Made = TypeVar("Made")


def travel(run: Run, router: Router, hands: Hands, action: int | None = None) -> Travelled:
    """Lead a route to its end, one call at a time; ``action`` is the call that asked for it, if there is one."""
    journey = Journey(run, router, hands, action)
    orders = deque(journey.begin())
    while True:
        order = orders.popleft()
        match order:
            case Tell():
                journey.tell(order)
            case Seen(tool, how):
                hands.seen(tool, how)
            case Invoke(call, tool, args):
                journey.begun(order)
                orders.extend(journey.came(call, attempt(run, *journey.serving(*hands.call(tool, args)))))
            case Settle():
                orders.extend(journey.step(settle(journey, order)))
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


class _AsyncJourney(Journey):
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
                case Seen(tool, how):
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
        self.news(await asettle(self, order))

    async def _sleep(self, until: int) -> None:
        await asyncio.sleep(max(until - self.run.machine.at, 0) / 1e9)
        del self.sleeping[until]
        self.news(Woke(until))

    async def _ask(self, order: Ask) -> None:
        self.news(_chosen(self.run, await self.aask(order.deadlock)))


def _chosen(run: Run, choice: Any) -> Chosen:
    return Chosen(run.machine.at, choice if choice is None or isinstance(choice, dict) else {"unread": choice})
