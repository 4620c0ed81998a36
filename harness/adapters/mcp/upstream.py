"""The way from a relay to a server that speaks streamable HTTP.

Each message is a POST of its own; what the server says comes back as the answer to it, as JSON or as a stream of
events, or on the stream of a GET. A stream that breaks off is taken up again where the server gave its events numbers.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import httpx2

from harness.adapters.mcp.messages import CONNECTION_CLOSED, INTERNAL_ERROR
from harness.adapters.mcp.relay import Relay, Send, error_line, key_of
from harness.adapters.mcp.stdio import MAX_LINE_BYTES, MakeRelay, lines, reader_of, writer_of
from harness.determinism import canonical

SESSION: Final = "mcp-session-id"
VERSION: Final = "mcp-protocol-version"
EVENTS: Final = "text/event-stream"
_LAST_EVENT: Final = "last-event-id"
_RETRIES: Final = 3
_RETRY_MS: Final = 1000
_ACCEPT: Final = {"accept": f"application/json, {EVENTS}", "content-type": "application/json"}

channel: Final[contextvars.ContextVar[Any]] = contextvars.ContextVar("harness_mcp_channel", default=None)
"""Which of a client's exchanges a message belongs to; what it brings about carries it to the server and back."""


class Upstream:
    """A server at a URL, for one session of one client.

    ``heard`` is given what the server says, as ``Relay.from_server`` takes it. ``headers`` are the client's own that go
    with every request, such as its authorization. ``gone`` is set when the server no longer knows the session. To be
    made outside of the session of harness, to which nothing belongs that it takes to reach a server.
    """

    def __init__(self, http: httpx2.AsyncClient, url: str, heard: Send, tell: Callable[[str], None]) -> None:
        self._http, self._url, self._heard, self._tell = http, url, heard, tell
        self._outside = contextvars.copy_context()
        self._exchanges: dict[Any, asyncio.Task[None]] = {}
        self._session: dict[str, str] = {}
        self._beginning: asyncio.Task[None] | None = None
        self.headers: dict[str, str] = {}
        self.gone = False

    async def send(self, line: bytes) -> None:
        """Send a message; returns when the server has taken it or, of a request, when it is on its way."""
        message = json.loads(line)
        asks = "method" in message and "id" in message
        if self._beginning is not None:
            await asyncio.wait([self._beginning])  # without the session that it begins, another would be begun
        key = key_of(message) if asks else object()
        task = self._outside_of_it(self._exchanged(line, message if asks else None))
        self._exchanges[key] = task
        task.add_done_callback(
            lambda done: self._exchanges.pop(key, None) if self._exchanges.get(key) is done else None
        )
        if message.get("method") == "initialize":
            self._beginning = task
        elif not asks:
            await asyncio.wait([task])

    def forget(self, key: Any) -> None:
        """Wait no longer for the answer to a request that the client has cancelled."""
        if key in self._exchanges:
            self._exchanges[key].cancel()

    async def listen(self, opened: Callable[[int], None]) -> None:
        """Hear what the server says of its own accord, until cancelled; its status is told first."""
        try:
            await self._streamed({}, None, opened)
        except httpx2.HTTPError as error:
            self._tell(f"the server's own stream has ended: {_named(error)}")
            opened(502)

    def listening(self) -> asyncio.Task[None]:
        """Hear what the server says of its own accord from now on, if it has a stream for that."""
        task = self._exchanges[self] = self._outside_of_it(self.listen(lambda _: None))
        return task

    async def leave(self) -> None:
        """End the session at the server, and wait for nothing any more."""
        try:
            if self._session and not self.gone:
                await self._http.delete(self._url, headers=self._with({}))
        except httpx2.HTTPError as error:
            self._tell(f"the server was not told that the session is over: {_named(error)}")
        finally:
            for task in list(self._exchanges.values()):
                task.cancel()

    def _with(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**self.headers, **self._session, **headers}

    def _outside_of_it(self, work: Any) -> asyncio.Task[None]:
        context = self._outside.copy()
        context.run(channel.set, channel.get())
        return asyncio.get_running_loop().create_task(work, context=context)

    async def _exchanged(self, line: bytes, request: Mapping[str, Any] | None) -> None:
        try:
            async with self._http.stream("POST", self._url, content=line, headers=self._with(_ACCEPT)) as response:
                await self._answered(response, request)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must wait for an answer for ever
            sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.InvalidURL)
            await self._failed(request, CONNECTION_CLOSED if sent else INTERNAL_ERROR, _named(error))

    async def _answered(self, response: httpx2.Response, request: Mapping[str, Any] | None) -> None:
        status, kind = response.status_code, _kind(response)
        if request is not None and request["method"] == "initialize" and SESSION in response.headers:
            self._session = {SESSION: response.headers[SESSION]}
        if status == 404 and self._session:
            self.gone = True
        if request is None:
            if not response.is_success:
                self._tell(f"the server has answered HTTP {status} to what is no request")
        elif response.is_success and kind == EVENTS:
            await self._stream(response, request)
        elif kind == "application/json":
            await self._whole(await _read(response), request, status)
        else:
            reason = f"the server has answered HTTP {status} ({kind or 'no content'})"
            await self._failed(request, _code(status), reason)

    async def _whole(self, body: bytes, request: Mapping[str, Any], status: int) -> None:
        """Hear an answer in one piece; an error that names no request is that of this one."""
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if isinstance(said, dict) and "error" in said and said.get("id") is None:
            body = json.dumps(said | {"jsonrpc": "2.0", "id": request["id"]}).encode()
        if not isinstance(said, dict | list) or (status >= 400 and not (isinstance(said, dict) and "error" in said)):
            await self._failed(request, _code(status), f"the server has answered HTTP {status} and no message")
            return
        await self._heard(body)
        if not _answers(said, request):
            await self._failed(request, CONNECTION_CLOSED, "the server has answered something else")

    async def _stream(self, response: httpx2.Response, request: Mapping[str, Any]) -> None:
        place: dict[str, str] = {}
        wait_ms, answered = await self._events(response, request, place)
        if not answered and place:
            await asyncio.sleep(wait_ms / 1000)
            answered = await self._streamed(place, request, lambda _: None)
        if not answered:
            await self._failed(request, CONNECTION_CLOSED, "the server's stream has ended without an answer")

    async def _streamed(
        self, place: dict[str, str], request: Mapping[str, Any] | None, opened: Callable[[int], None]
    ) -> bool:
        """Hear a stream of its own, from a place on, again where it breaks off; whether the answer has come on it."""
        failures = 0
        while failures < _RETRIES:
            wait_ms = _RETRY_MS
            try:
                headers = self._with(place | {"accept": EVENTS})
                async with self._http.stream("GET", self._url, headers=headers) as got:
                    opened(got.status_code)
                    if not got.is_success or _kind(got) != EVENTS:
                        return False
                    wait_ms, answered = await self._events(got, request, place)
                    failures = 0
                    if answered:
                        return True
            except httpx2.HTTPError:
                failures += 1
                if failures == _RETRIES:
                    raise
            await asyncio.sleep(wait_ms / 1000)
        return False

    async def _events(
        self, response: httpx2.Response, request: Mapping[str, Any] | None, place: dict[str, str]
    ) -> tuple[int, bool]:
        """Hear the events of a stream; give the wait it asks for and whether the answer was among them."""
        wait_ms = _RETRY_MS
        try:
            async for event in httpx2.EventSource(response, max_event_size=MAX_LINE_BYTES):
                if event.id:
                    place[_LAST_EVENT] = event.id
                wait_ms = wait_ms if event.retry is None else event.retry
                if event.event == "message" and event.data:
                    await self._heard(event.data.encode())
                    if request is not None and _answers(_parsed(event.data), request):
                        return wait_ms, True
        except httpx2.SSEError:
            raise
        except httpx2.TransportError as error:
            self._tell(f"a stream of the server broke off: {_named(error)}")
        return wait_ms, False

    async def _failed(self, request: Mapping[str, Any] | None, code: int, reason: str) -> None:
        self._tell(reason)
        if request is not None:
            await self._heard(error_line(request["id"], code, reason))


async def relay_upstream(
    http: httpx2.AsyncClient,
    url: str,
    open_session: Callable[[], AbstractAsyncContextManager[MakeRelay]],
    stop: asyncio.Event,
    tell: Callable[[str], None],
) -> None:
    """Pass messages between this process's stdin and stdout and a server at a URL, until either ``stop`` or the end."""
    relay: Relay | None = None

    async def heard(line: bytes) -> None:
        assert relay is not None
        await relay.from_server(line)

    upstream = Upstream(http, url, heard, tell)  # outside of the session
    say, reader = await writer_of(sys.stdout.buffer), await reader_of(sys.stdin.buffer)

    async def to_client(line: bytes) -> None:
        await say(canonical.encode_as_is(canonical.decode(line)) if b"\n" in line else line)

    async with open_session() as make_relay:
        relay = make_relay(to_client, upstream.send)
        client = asyncio.create_task(_from_client(reader, relay, upstream))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([client, stopping], return_when=asyncio.FIRST_COMPLETED)
        client.cancel()
        stopping.cancel()
        await relay.lost("the proxy was stopped")
    await upstream.leave()
    if not client.cancelled():
        await client


async def _from_client(reader: asyncio.StreamReader, relay: Relay, upstream: Upstream) -> None:
    listening = None
    async for line in lines(reader):
        if line.strip():
            await relay.from_client(line)
        if listening is None and b"notifications/initialized" in line:
            listening = upstream.listening()
    await relay.settled()


async def _read(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_LINE_BYTES:
            raise httpx2.ReadError(f"an answer of more than {MAX_LINE_BYTES} bytes")
    return bytes(body)


def _code(status: int) -> int:
    """Give the error for a status without a message: who was turned away has done nothing, else nobody knows."""
    return INTERNAL_ERROR if 300 <= status < 500 else CONNECTION_CLOSED


def _answers(said: Any, request: Mapping[str, Any]) -> bool:
    messages = said if isinstance(said, list) else [said]
    return any(
        isinstance(one, dict) and "method" not in one and ("error" in one or key_of(one) == key_of(request))
        for one in messages
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _kind(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
