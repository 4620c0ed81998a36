"""One request of a client and its answer, over ASGI: the body within a limit, and whether the client is still there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from harness.adapters.proxy.problems import Problem, as_body, as_event
from harness.adapters.proxy.upstream import Headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NAMED_EVENTS: Final = ("responses", "messages")


class TooLarge(Exception):
    """Tell that a body is larger than what is judged."""


class Client:
    """Whoever sent one request.

    ``path`` is the end of its path where a dialect is known, empty elsewhere; ``told`` are headers of the proxy's own.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers: Headers = scope["headers"]
        self.path = ""
        self.told: Headers = []
        self.gone = False
        self._receive, self._send = receive, send
        self._started = self._done = False

    def header(self, name: str) -> str:
        """Give the first header of a name, in lower case; empty where there is none."""
        sought = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == sought), "")

    async def body(self, limit: int) -> bytes:
        """Read the whole body; TooLarge where it has more bytes than ``limit``, which is known before it has come."""
        said = self.header("content-length")
        if said.isdigit() and int(said) > limit:
            raise TooLarge
        content = bytearray()
        async for piece in self.pieces():
            content += piece
            if len(content) > limit:
                raise TooLarge
        return bytes(content)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the body as it comes; CancelledError where the client leaves before it is whole."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise asyncio.CancelledError
            more = message.get("more_body", False)
            yield message.get("body", b"")

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel what the task does inside as soon as the client has left: nobody waits for it."""
        task = asyncio.current_task()
        assert task is not None

        async def watch() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            if not self._done:
                self.gone = True
                task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of the answer."""
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self.told]})

    async def send(self, piece: bytes) -> None:
        """Send some of its body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self, piece: bytes = b"") -> None:
        """Send the last of it."""
        self._done = True
        await self._send({"type": "http.response.body", "body": piece})

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self.start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self.end(body)

    async def problem(self, problem: Problem) -> None:
        """Say that there is no answer, or no more of it."""
        if self._done or self.gone:
            return
        anthropic = self.path == "messages"
        if self._started:
            await self.end(as_event(problem, anthropic=anthropic, named=self.path in _NAMED_EVENTS))
            return
        headers = [(b"content-type", b"application/json")]
        headers += [(b"x-should-retry", b"false")] if problem.refused else []
        headers += [(b"connection", b"close")] if problem.status in (413, 503) else []
        await self.whole(problem.status, headers, as_body(problem, anthropic=anthropic))
