"""One client of a proxy over streamable HTTP: its session, its relay, its server, and what it waits for.

What a message is part of travels in a context variable (``mcp_upstream.channel``), from the exchange through the relay
to the server and back, so that a relay need not know of it.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from harness.adapters.mcp.messages import read_messages
from harness.adapters.mcp.relay import key_of
from harness.adapters.mcp.stdio import MakeRelay
from harness.adapters.mcp.upstream import Upstream, channel
from harness.errors import HarnessError

OpenSession = Callable[[], AbstractAsyncContextManager[MakeRelay]]
"""Opens the session of one client, and gives what makes its relay."""

_PATIENCE_S: Final = 1.0  # before an answer that is not there yet is made a stream, whose head the client can see
_LEAVING_S: Final = 5.0
_PULSE_S: Final = 15.0
_ENDS: Final = re.compile(rb"\r\n|\r|\n")


class Exchange:
    """What a client's request over HTTP is answered with: messages, until every one it waits for has come.

    ``lasting`` is the work behind a stream that has no end of its own, and ends with it.
    """

    def __init__(self, waits: Collection[Any]) -> None:
        self.over = False
        self.lasting: asyncio.Task[None] | None = None
        self._waits = set(waits)
        self._said = asyncio.Queue[bytes | None]()

    def say(self, line: bytes) -> None:
        """Take a message for the client."""
        self._said.put_nowait(line)
        for message, _ in read_messages(line):
            if "method" not in message:
                self.forget(key_of(message))

    def forget(self, key: Any) -> None:
        """Wait no longer for the answer to a request, if it is one of these."""
        if key in self._waits:
            self._waits.discard(key)
            if not self._waits:
                self.end()

    def end(self) -> None:
        """Say nothing more."""
        if not self.over:
            self.over = True
            self._said.put_nowait(None)
        if self.lasting is not None:
            self.lasting.cancel()

    def so_far(self) -> list[bytes]:
        """Give what has been said and not been given yet."""
        said = [self._said.get_nowait() for _ in range(self._said.qsize())]
        return [line for line in said if line is not None]

    async def first(self) -> list[bytes]:
        """Give what is said first; nothing where that takes a while."""
        try:
            line = await asyncio.wait_for(self._said.get(), _PATIENCE_S)
        except TimeoutError:
            return []
        return [*([] if line is None else [line]), *self.so_far()]

    async def events(self, first: Sequence[bytes] = ()) -> AsyncIterator[bytes]:
        """Yield a stream of events, and a sign of life where nothing is said for a while."""
        try:
            for line in first:
                yield _event(line)
            while not (self.over and self._said.empty()):
                try:
                    said = await asyncio.wait_for(self._said.get(), _PULSE_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if said is not None:
                    yield _event(said)
        finally:
            self.end()


class Client:
    """One session of one client: its relay, its server, and the exchanges under way."""

    def __init__(self, open_session: OpenSession, upstream: Upstream, tell: Callable[[str], None]) -> None:
        self.upstream = upstream
        self.own_stream: Exchange | None = None
        self.used_s = 0.0
        self._open, self._tell = open_session, tell
        self._exchanges: list[Exchange] = []
        self._leaving = asyncio.Event()
        self._begun = asyncio.get_running_loop().create_future()
        self._living = asyncio.create_task(self._live())

    async def begun(self) -> None:
        """Wait until the session is open; raises what keeps it from being."""
        await asyncio.wait([self._begun, self._living], return_when=asyncio.FIRST_COMPLETED)
        if not self._begun.done():
            self._living.result()

    @property
    def busy(self) -> bool:
        """Whether somebody waits for something that it says."""
        self._exchanges = [one for one in self._exchanges if not one.over]
        return bool(self._exchanges)

    async def post(self, line: bytes, asked: Collection[Any], cancelled: Collection[Any]) -> Exchange:
        """Let the client say something; returns when it was sent on, answered or refused.

        ``asked`` are the requests in it, ``cancelled`` those that it takes back.
        """
        exchange = Exchange(asked)
        await self._inside(exchange, self._relay.from_client(line))
        for key in cancelled:
            self.upstream.forget(key)
            for one in self._exchanges:
                one.forget(key)
        return exchange

    async def listen(self) -> tuple[int, Exchange]:
        """Open the stream of what the server says of its own accord; give the status that the server answers with."""
        loop = asyncio.get_running_loop()
        exchange, opened = Exchange(()), loop.create_future()
        self.own_stream = exchange
        self._exchanges.append(exchange)
        context = contextvars.copy_context()
        context.run(channel.set, exchange)
        work = self.upstream.listen(lambda status: None if opened.done() else opened.set_result(status))
        exchange.lasting = loop.create_task(work, context=context)
        exchange.lasting.add_done_callback(lambda _: exchange.end())
        return await opened, exchange

    async def close(self) -> None:
        """Answer what waits with an error, seal the trace, and leave the server."""
        self._leaving.set()
        await asyncio.wait([self._living], timeout=_LEAVING_S)
        self._living.cancel()  # an approver who is asked may take hours
        await self.upstream.leave()
        for exchange in self._exchanges:
            exchange.end()

    async def _live(self) -> None:
        try:
            async with self._open() as make_relay:
                self._relay = make_relay(self._to_client, self.upstream.send)
                self._context = contextvars.copy_context()
                self._begun.set_result(None)
                await self._leaving.wait()
                await self._relay.lost("the session has ended")
        except HarnessError as error:
            if not self._begun.done():
                raise
            self._tell(str(error))

    async def _inside(self, exchange: Exchange, work: Coroutine[Any, Any, None]) -> None:
        """Do some work inside the session, for an exchange."""
        self._exchanges.append(exchange)
        context = self._context.copy()
        context.run(channel.set, exchange)
        await asyncio.get_running_loop().create_task(work, context=context)

    async def from_server(self, line: bytes) -> None:
        """Take what the server says."""
        await self._relay.from_server(line)

    async def _to_client(self, line: bytes) -> None:
        exchange: Exchange | None = channel.get()
        if (exchange is None or exchange.over) and "method" in json.loads(line):
            exchange = self.own_stream
        if exchange is None or exchange.over:
            self._tell("what was said to the client was not passed on: it waits for nothing")
        else:
            exchange.say(line)


def _event(line: bytes) -> bytes:
    data = b"".join(b"data: %b\n" % part for part in _ENDS.split(line))
    return b"event: message\n%b\n" % data
