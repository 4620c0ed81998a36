"""Let outcomes arrive one by one in an event loop that belongs to somebody else.

A loop of harness's own (``determinism.loop``) lets an outcome arrive when the agent has nothing left to do. A server's
loop does not tell when that is: the agent's tasks run among those of other sessions. So each outcome that arrives
gives the agent some rounds of the loop to react to it before the next one of the same session may arrive. A replay
lets the agent react as far as it goes, and so finds the order that was recorded.

What it does not control: reactions that take more rounds than that, timers, threads and sockets of the agent's own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

ROUNDS: Final = 8  # an openai client takes two from its caller to its transport; each costs a callback of a microsecond


class Turns:
    """Give the outcomes of one session their turns, in the order in which they ask."""

    def __init__(self) -> None:
        self._rounds_left = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait until the agent has had its rounds since the last turn."""
        loop = asyncio.get_running_loop()
        if not self._rounds_left:
            self._begin(loop)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._rounds_left = ROUNDS
        loop.call_soon(self._count, loop)

    def _count(self, loop: asyncio.AbstractEventLoop) -> None:
        self._rounds_left -= 1
        if self._rounds_left:
            loop.call_soon(self._count, loop)
            return
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # a task that was cancelled needs no turn
                turn.set_result(None)
                self._begin(loop)
                return
