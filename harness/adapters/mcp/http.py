"""The streamable HTTP side of a proxy: an ASGI application before relays, each with a session and a server of its own.

A client's POST is answered with what the relay says to it: one message as JSON, more as a stream of events. Every
session begins with ``initialize``; a client of mcp 2 that asks without one is told so, and falls back to it unless
told not to. Streams to clients cannot be taken up again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from harness.adapters.mcp.client import Client, Exchange, OpenSession
from harness.adapters.mcp.messages import INVALID_REQUEST, Malformed, read_messages
from harness.adapters.mcp.relay import CANCELLED, error_line, key_of, numbered
from harness.adapters.mcp.stdio import MAX_LINE_BYTES
from harness.adapters.mcp.upstream import EVENTS, SESSION, VERSION, Upstream
from harness.errors import HarnessError

PATH: Final = "/mcp"
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_IDLE_S: Final = 3600.0
_NOT_PASSED_ON: Final = frozenset(
    [
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "keep-alive"),
        *("last-event-id", "origin", "proxy-authorization", "referer", "te", "trailer", "transfer-encoding", "upgrade"),
    ]
)


class Door:
    """The ASGI application that clients speak to, at ``PATH``.

    ``names`` are those by which it is reached: a request for another host, or from a page of another, is refused, so
    that no web page reaches it by a name that it has made point here.
    """

    def __init__(
        self,
        open_session: OpenSession,
        http: httpx2.AsyncClient,
        url: str,
        tell: Callable[[str], None],
        names: Collection[str] = LOCAL,
    ) -> None:
        self._open, self._http, self._url, self._tell = open_session, http, url, tell
        self._names = frozenset(names)
        self._clients: dict[str, Client] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._response(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def close(self) -> None:
        """End every session."""
        clients, self._clients = list(self._clients.values()), {}
        await asyncio.gather(*(client.close() for client in clients))

    async def _response(self, request: Request) -> Response:
        answers = {"POST": self._post, "GET": self._get, "DELETE": self._delete}
        if not self._is_for_us(request):
            return _refused(403, "a request for another host, or from a page of another")
        if request.url.path != PATH:
            return _refused(404, f"this is at {PATH}")
        if request.method not in answers:
            return Response(status_code=405, headers={"allow": ", ".join(answers)})
        return await answers[request.method](request)

    def _is_for_us(self, request: Request) -> bool:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        try:
            return urlsplit(f"//{host}").hostname in self._names and (
                origin is None or urlsplit(origin).hostname in self._names
            )
        except ValueError:
            return False

    async def _post(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _refused(415, "a message is application/json")
        if not _accepts(request, "application/json") or not _accepts(request, EVENTS):
            return _refused(406, f"accept application/json and {EVENTS}")
        line = bytearray()
        async for piece in request.stream():
            line += piece
            if len(line) > MAX_LINE_BYTES:
                return _refused(413, f"a message has at most {MAX_LINE_BYTES} bytes")
        asked, cancelled, begins = _read(bytes(line))
        number = request.headers.get(SESSION)
        if number is None and begins:
            return await self._begin(request, bytes(line), asked)
        client = await self._client(number)
        if client is None:
            return _unknown(number)
        client.upstream.headers = _passed_on(request)
        exchange = await client.post(bytes(line), asked, cancelled)
        if not asked:
            said = exchange.so_far()
            exchange.end()
            return _json(said[0], 400) if said else Response(status_code=202)
        response = await _answer(exchange)
        if client.upstream.gone:
            response.status_code = 404
        return response

    async def _begin(self, request: Request, line: bytes, asked: Collection[Any]) -> Response:
        """Begin the session of a client."""
        number, made = secrets.token_urlsafe(24), list[Client]()

        async def heard(said: bytes) -> None:
            await made[0].from_server(said)

        upstream = Upstream(self._http, self._url, heard, self._tell)
        upstream.headers = _passed_on(request)
        made.append(client := Client(self._open, upstream, self._tell))
        try:
            await client.begun()
        except HarnessError as error:
            self._tell(str(error))
            return _refused(500, "no trace can be written")
        client.used_s = _now_s()
        self._clients[number] = client
        response = await _answer(await client.post(line, asked, ()))
        if not isinstance(response, StreamingResponse) and "error" in json.loads(bytes(response.body)):
            del self._clients[number]
            await client.close()
        else:
            response.headers[SESSION] = number
        return response

    async def _get(self, request: Request) -> Response:
        number = request.headers.get(SESSION)
        client = await self._client(number)
        if client is None:
            return _unknown(number)
        if client.own_stream is not None and not client.own_stream.over:
            return _refused(409, "the stream of this session is open already")
        client.upstream.headers = _passed_on(request)
        status, exchange = await client.listen()
        if status != 200:
            exchange.end()
            return _refused(status, "the server has no stream of its own")
        return StreamingResponse(exchange.events(), media_type=EVENTS)

    async def _delete(self, request: Request) -> Response:
        number = request.headers.get(SESSION)
        client = await self._client(number)
        if number is None or client is None:
            return _unknown(number)
        client.upstream.headers = _passed_on(request)
        del self._clients[number]
        await client.close()
        return Response(status_code=204)

    async def _client(self, number: str | None) -> Client | None:
        """Give the client of a session, and end those that nobody has used for long or that their server has ended."""
        now_s = _now_s()
        for known, client in list(self._clients.items()):
            if not client.busy and (client.upstream.gone or now_s - client.used_s > _IDLE_S):
                del self._clients[known]
                await client.close()
        client_here = self._clients.get(number or "")
        if client_here is not None:
            client_here.used_s = now_s
        return client_here


async def _answer(exchange: Exchange) -> Response:
    """Answer with one message where it comes soon and is all, else with a stream."""
    first = await exchange.first()
    if len(first) == 1 and exchange.over:
        return _json(first[0])
    return StreamingResponse(exchange.events(first), media_type=EVENTS)


def _read(line: bytes) -> tuple[set[Any], set[Any], bool]:
    """Give the requests in what a client says, those it takes back, and whether it begins a session."""
    try:
        messages = [message for message, _ in read_messages(line)]
    except Malformed:
        return set(), set(), False  # the relay says so
    asked = {key_of(message) for message in messages if "method" in message and "id" in message}
    params = [message.get("params") for message in messages if message.get("method") == CANCELLED]
    cancelled = {numbered(one.get("requestId")) for one in params if isinstance(one, dict)}
    return asked, cancelled, [message.get("method") for message in messages] == ["initialize"]


def _accepts(request: Request, kind: str) -> bool:
    accepted = {one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "*/*").split(",")}
    return not accepted.isdisjoint({kind, f"{kind.partition('/')[0]}/*", "*/*"})


def _passed_on(request: Request) -> dict[str, str]:
    """Give the headers of a client that its server is to see; of the protocol's own, the version."""
    return {
        name: value
        for name, value in request.headers.items()
        if name == VERSION or not (name in _NOT_PASSED_ON or name.startswith(("mcp-", "sec-")))
    }


def _unknown(number: str | None) -> Response:
    if number is None:
        return _refused(400, "a session begins with initialize, and every later request names it")
    return _refused(404, "there is no such session; begin anew with initialize")


def _refused(status: int, why: str) -> Response:
    return _json(error_line(None, INVALID_REQUEST, why), status)


def _json(line: bytes, status: int = 200) -> Response:
    return Response(line, status, media_type="application/json")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
