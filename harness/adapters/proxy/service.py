"""The HTTP side of a proxy, as an ASGI application: requests come in, are judged in their session, and go up.

What is judged are POST requests of the API (Chat Completions, Responses, Anthropic's Messages, embeddings …) and, where
the dialect is known, the calls of tools in their answers. Everything else passes and is counted, or is refused where
only what is judged may pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import httpx2

from harness.adapters.apis import anthropic_api, openai_api
from harness.adapters.proxy.asked import Asked, read_asked, read_body
from harness.adapters.proxy.client import Client, Receive, Scope, Send, TooLarge
from harness.adapters.proxy.conversations import Conversation, Conversations
from harness.adapters.proxy.delivery import Delivery
from harness.adapters.proxy.heard import read_heard
from harness.adapters.proxy.problems import Problem, refused, unreached
from harness.adapters.proxy.sessions import OpenSession, Sessions
from harness.adapters.proxy.upstream import SESSION, Upstream, credentials, heads_of, passed_back, plain_path
from harness.adapters.transport import AsyncDoor
from harness.determinism import address
from harness.errors import Halt, HarnessError, Refused, StoreError, UsageError

_DIALECTS: Final = ("chat/completions", "responses", "messages")
_NAME: Final = re.compile(r"[!-~]{1,128}")
_LINGERING_S: Final = 2.0  # for a stream that does not end after its last event
_KINDS: Final = 100  # of what passed beside a session, before the rest is counted as one


class Service:
    """Answer HTTP requests by passing them on.

    ``max_bytes`` is the size of the largest body that is judged; with ``strict`` what is not judged is refused.
    ``tell`` is for people.
    """

    def __init__(
        self,
        upstream: Upstream,
        conversations: Conversations,
        sessions: Sessions,
        *,
        max_bytes: int,
        strict: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._upstream, self._conversations, self._sessions = upstream, conversations, sessions
        self._max_bytes, self._strict, self._tell = max_bytes, strict, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(scope, receive, send)
        try:
            problem = await self._answered(client, scope)
        except asyncio.CancelledError:
            problem = Problem(503, "the proxy stops", "stopping")
        if problem is not None:
            await client.problem(problem)

    async def _answered(self, client: Client, scope: Scope) -> Problem | None:
        """Answer a request; give the problem where that cannot be done."""
        try:
            await self._answer(client, scope)
        except TooLarge:
            return Problem(413, f"the body has more than {self._max_bytes} bytes", "too_large")
        except Refused as no:
            return refused(no)
        except StoreError as error:
            return Problem(503, f"nothing is sent, because it cannot be recorded: {error}", "not_recorded")
        except HarnessError as error:
            return Problem(400, str(error), "not_understood")
        except Halt as halted:
            return Problem(503, f"nothing more is sent, because it cannot be recorded: {halted.error}", "not_recorded")
        except httpx2.HTTPError as error:
            return unreached(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, a client must be told in a way it understands
            self._tell(f"a request failed: {type(error).__name__}: {error}")
            return Problem(500, f"the proxy failed: {type(error).__name__}: {error}", "failed")
        return None

    async def _answer(self, client: Client, scope: Scope) -> None:
        method, raw = scope["method"], scope["raw_path"]
        path = plain_path(raw)
        dialect = next((one for one in _DIALECTS if path.lower().endswith(f"/{one}")), "")
        if not path.endswith(dialect):
            raise UsageError(f"the path {path!r} can be understood in two ways", cure="write it in lower case")
        if self._upstream.keyed and client.header("origin"):
            raise Refused("ORIGIN", "a page in a browser may not spend the key of this proxy", call=path)
        named = client.header(SESSION)
        if named and not _NAME.fullmatch(named):
            raise UsageError(f"the header {SESSION} is no name", cure="up to 128 visible ASCII characters")
        if method == "POST" and (dialect or _is_json(client)):
            client.path = dialect
            await self._judge(client, raw, scope["query_string"], named)
        else:
            await self._pass(client, scope, f"{method} {path}", named)

    # --- what is judged ----------------------------------------------------------------------------------------------

    async def _judge(self, client: Client, raw: bytes, query: bytes, named: str) -> None:
        if client.header("content-encoding") not in ("", "identity"):
            raise UsageError("a compressed body is not judged", cure="send it as it is")
        content = await client.body(self._max_bytes)
        asked = read_asked(read_body(content)) if client.path else Asked()
        request = self._upstream.request("POST", raw, query, client.headers, content)
        caller, keys = credentials(client.headers)
        again = client.header("x-stainless-retry-count") not in ("", "0")
        conversation = self._conversations.of(caller, asked, named=named, again=again)
        with self._inside(conversation) as session:
            for key in keys:
                session.kept.run.machine.learn_secret(key, "api_key")
            client.told = [(SESSION.encode(), conversation.name.encode())]
            async with client.watched():
                heard = await self._exchange(client, session, request)
            streamed = heard[:1] != b"{"
            self._conversations.heard(conversation, asked, read_heard(heard, streamed=streamed))

    @contextlib.contextmanager
    def _inside(self, conversation: Conversation) -> Iterator[OpenSession]:
        """Speak from the session of a conversation."""
        session = self._sessions.enter(conversation)
        address.enter(session.last)
        try:
            yield session
        except Halt:
            session.broken = True
            raise
        finally:
            session.last = max(session.last, address.here().last)
            self._sessions.leave(conversation, session)

    async def _exchange(self, client: Client, session: OpenSession, request: httpx2.Request) -> bytes:
        """Bring a request through the door of its session and its answer to the client; give what that has heard."""
        run, base = session.kept.run, self._upstream.base_of(request)
        api = anthropic_api(base) if client.path == "messages" else openai_api(base)
        door = AsyncDoor(self._upstream.client(session.number), api, lambda: run)
        response = await session.kept.answers.aexchange(request, door.handle_async_request)
        if not response.is_closed:
            return await self._stream(client, response, heads_of(request)[0])
        await client.whole(response.status_code, passed_back(response.headers.multi_items()), response.content)
        return response.content

    @staticmethod
    async def _stream(client: Client, response: httpx2.Response, head: httpx2.Headers) -> bytes:
        """Hand a stream on, under the head it came with, its last event when all of it is recorded."""
        delivery, heard = Delivery(), bytearray()
        await client.start(response.status_code, passed_back(head.multi_items()))
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        pieces = aiter(response.stream)
        try:
            while (piece := await _next(pieces, ending=delivery.ending)) is not None:
                if ready := delivery.take(piece):
                    heard += ready
                    await client.send(ready)
        except (TimeoutError, httpx2.TransportError):
            if not delivery.ending:
                raise
        finally:
            await response.stream.aclose()
        rest = delivery.rest()
        await client.end(rest)
        return bytes(heard + rest)

    # --- what passes -------------------------------------------------------------------------------------------------

    async def _pass(self, client: Client, scope: Scope, what: str, named: str) -> None:
        """Hand a request on as it is, and count it."""
        if self._strict:
            raise Refused("STRICT", "it is not judged, and only what is judged may pass", call=what)
        caller, _ = credentials(client.headers)
        with self._inside(self._conversations.of(caller, Asked(), named=named)) as session:
            known = what in session.unseen or len(session.unseen) < _KINDS
            session.unseen[what if known else "others"] += 1
            has_body = client.header("content-length") not in ("", "0") or client.header("transfer-encoding")
            request = self._upstream.request(
                scope["method"],
                scope["raw_path"],
                scope["query_string"],
                client.headers,
                client.pieces() if has_body else b"",
                judged=False,
            )
            response = await self._upstream.client(session.number).send(request, stream=True)
            try:
                async with client.watched():
                    await client.start(response.status_code, passed_back(response.headers.multi_items(), judged=False))
                    async for piece in response.aiter_raw():
                        await client.send(piece)
                    await client.end()
            finally:
                await response.aclose()


def _is_json(client: Client) -> bool:
    return client.header("content-type").partition(";")[0].strip().lower() == "application/json"


async def _next(pieces: AsyncIterator[bytes], *, ending: bool) -> bytes | None:
    """Give the next piece of a stream, None at its end; TimeoutError where it lingers after its last event."""
    if not ending:
        return await anext(pieces, None)
    async with asyncio.timeout(_LINGERING_S):
        return await anext(pieces, None)
