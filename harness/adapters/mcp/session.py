"""Client sessions of the Model Context Protocol, recorded, checked and replayed at the requests they send.

The seam is ``ClientSession.send_request``, the one public way out of a session, in mcp 1 and 2 alike (and, in mcp 2,
``send_discover``). A wrapped session stays the object it was, of a subclass that passes the door, so that whoever
holds it already passes the door too. Results are written as the JSON the server sent, and are parsed again on replay.

What the server sends of its own accord (notifications, progress, sampling, elicitation, roots) reaches the client's
callbacks as ever. They run inside the effect of the session's connecting: what they do through the door is recorded and
checked, and on replay neither they nor the server are there. Not covered: subscriptions of mcp 2 (``listen``), and the
``_meta`` of requests, which is sent and not judged. Two private names of mcp 2 are used for its ``Client``
(``_build_session``, ``_connect``): it offers no public way to hand it a session.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import anyio
from mcp import ClientSession, types
from mcp.shared import exceptions
from pydantic import BaseModel, TypeAdapter

from harness.adapters.exchange import Doorway, Kept, in_time
from harness.adapters.mcp.messages import (
    Narrow,
    declared,
    error_in,
    outcome_of,
    outcome_of_error,
    read_call,
    refused_error,
    refused_result,
    result_in,
    with_args,
)
from harness.determinism.address import here, inside
from harness.errors import InDoubt, Refused, UsageError
from harness.run.drive import Run, acall
from harness.run.inputs import Call
from harness.run.session import SessionMachine
from harness.tool import ToolSpec
from harness.trace.error import describe, rebuild
from harness.trace.outcome import Failed, Ok, Outcome, Unknown

MCPError: Any = getattr(exceptions, "MCPError", None) or exceptions.McpError  # type: ignore[attr-defined]
"""The error that a client raises for what a server answers with one; named otherwise before mcp 2."""

_ANYTHING: Final = TypeAdapter(dict[str, Any])

Current = Callable[[], Run | None]
"""How an adapter finds the session that the calling code belongs to."""

Send = Callable[[Any], Awaitable[Any]]


def wrap_mcp(client: Any, doorway: Doorway, prefix: str = "") -> Any:
    """Give a client session, a client of mcp 2, or what connects to a server, with what it does passing the door.

    What connects (``stdio_client(…)`` and its like) connects to nothing while a run is replayed. ``prefix`` stands
    before the names of tools. UsageError for anything else.
    """
    current, door = doorway.current, _Door(doorway.current, doorway.narrow, prefix)
    if isinstance(client, ClientSession):
        return _passing(client, _session_class, door)
    if hasattr(client, "_build_session"):
        return _passing(client, _client_class, door)
    if isinstance(client, AbstractAsyncContextManager) and not isinstance(client, BaseModel):
        return _Transport(client, current)
    kind = type(client)
    raise UsageError(
        f"cannot wrap a {kind.__module__}.{kind.__name__}",
        cure="wrap an mcp.ClientSession, an mcp.Client, or what stdio_client(…) gives",
    )


def _passing(client: Any, class_of: Callable[[type], type], door: _Door) -> Any:
    if not hasattr(client, "harness_door"):
        client.__class__ = class_of(type(client))
    client.harness_door = door
    return client


@cache
def _session_class(kind: Any) -> type:
    """Give the class of a wrapped session: ``kind``, but for how its requests go out."""

    class Passing(kind):  # type: ignore[misc]
        async def __aenter__(self) -> Any:
            return await self.harness_door.entered(super().__aenter__)

        async def send_request(self, request: Any, result_type: Any, *args: Any, **options: Any) -> Any:
            above = super().send_request

            async def send(message: Any) -> Any:
                return await above(message, result_type, *args, **options)

            return await self.harness_door.request(self, send, request, result_type)

        async def send_notification(self, *args: Any, **options: Any) -> None:
            with nullcontext() if self.harness_door.current() is None else inside(0):  # it may take a connection
                await super().send_notification(*args, **options)

        async def send_discover(self, version: str) -> Any:
            return await self.harness_door.discover(super().send_discover, version)

    return _named(Passing, kind)


@cache
def _client_class(kind: Any) -> type:
    """Give the class of a wrapped client of mcp 2: ``kind``, but that its session passes the door."""

    class Passing(kind):  # type: ignore[misc]
        async def _build_session(self, stack: Any) -> Any:
            run = self.harness_door.current()
            if run is not None and run.world.offline:
                self._connect = _dispatched_nowhere
            with nullcontext() if run is None else inside(0):  # what it takes to connect is no doing of the agent
                session = await super()._build_session(stack)
            return _passing(session, _session_class, self.harness_door)

    return _named(Passing, kind)


def _named(passing: type, kind: type) -> type:
    passing.__name__, passing.__qualname__, passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return passing


class _Door:
    """What a wrapped session passes; ``known`` are the tools that its server has listed, run by run."""

    def __init__(self, current: Current, narrow: Narrow, prefix: str) -> None:
        self.current, self._narrow, self._prefix = current, narrow, prefix
        self._known: WeakKeyDictionary[SessionMachine, dict[str, ToolSpec]] = WeakKeyDictionary()
        self._owed: tuple[Send, Any] | None = None  # a handshake taken from a record, and not held for real so far

    async def entered(self, enter: Callable[[], Awaitable[Any]]) -> Any:
        """Enter a session: what reads from its server, and the callbacks that calls, belong to one recorded action."""
        run = self.current()
        if run is None:
            return await enter()
        await acall(run, read_call("connect", {}, {}, self._narrow, self._prefix), _nothing)
        with inside(here().last):
            return await enter()

    async def request(self, session: Any, send: Send, request: Any, result_type: Any) -> Any:
        run = self.current()
        if run is None:
            return await send(request)
        data = _dumped(request)

        async def sent(message: Any) -> Any:
            await self._hold_handshake(session)
            return await send(message)

        exchange = _Exchange(sent, request, data, result_type)
        result = await self._exchanged(run, exchange)
        if data["method"] == "initialize" and not exchange.sent:
            self._owed = send, request
        return result

    async def discover(self, send: Callable[[str], Awaitable[Any]], version: str) -> Any:
        run = self.current()
        if run is None:
            return await send(version)
        asked = {"method": "server/discover", "params": {"protocolVersion": version}}
        return await self._exchanged(run, _Exchange(lambda _: send(version), None, asked, _ANYTHING))

    async def _exchanged(self, run: Run, exchange: _Exchange) -> Any:
        method = exchange.data["method"]
        known = self._known.setdefault(run.machine, {})
        wanted = read_call(method, exchange.data.get("params") or {}, known, self._narrow, self._prefix)
        try:
            result = exchange.result(await acall(run, wanted, in_time(wanted.spec, exchange.perform)), wanted)
        except Refused as refused:
            if method != "tools/call":
                raise _error(**refused_error(refused)) from refused
            return _parsed(exchange.result_type, refused_result(refused, wanted.spec))
        if method == "tools/list":
            known.update(declared(_said(result)["tools"], self._prefix))
        return result

    async def _hold_handshake(self, session: Any) -> None:
        """Hold for real the handshake that a resumed run has only taken from its record."""
        if self._owed is None:
            return
        (send, request), self._owed = self._owed, None
        await send(request)
        done: Any = types.InitializedNotification(method="notifications/initialized")
        wrapped = types.ClientNotification(done) if isinstance(types.ClientNotification, type) else done
        await session.send_notification(wrapped)


class _Exchange(Kept):
    """One request and what comes of it, kept so that the agent gets the very object or error that came."""

    def __init__(self, send: Send, request: Any, data: dict[str, Any], result_type: Any) -> None:
        super().__init__()
        self._send, self._request, self.data, self.result_type = send, request, data, result_type
        self.sent = False

    async def perform(self, rewritten: dict[str, Any] | None) -> Outcome:
        self.sent = True
        try:
            value = await self._send(self._judged(rewritten))
            return self.keep(outcome_of(_said(value)), value)
        except MCPError as error:
            said = error.error
            return self.keep(outcome_of_error(said.code, said.message, said.data), error=error)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            return self.keep(Unknown(f"the connection is closed ({type(error).__name__})"), error=error)
        except Exception as error:  # noqa: BLE001 - such as an answer that is none; whatever it is, the agent gets it
            return self.keep(Failed(describe(error)), error=error)

    def _judged(self, rewritten: dict[str, Any] | None) -> Any:
        """Give the request that was judged, whatever has become of the agent's own arguments since."""
        if self._request is not None:
            return type(self._request).model_validate(with_args(self.data, rewritten))
        if rewritten is not None:
            raise UsageError(f"{self.data['method']} cannot be rewritten", cure="let the rule block it")
        return None

    def result(self, outcome: Outcome, wanted: Call) -> Any:
        """Give what came, or what the trace says that came; raise where that was an error."""
        if self.made(outcome):
            return self.given()
        kept, error = result_in(outcome), error_in(outcome)
        if kept is not None:
            return _parsed(self.result_type, kept)
        if error is not None:
            raise _error(**error)
        if isinstance(outcome, Failed):
            raise rebuild(outcome.error)
        assert isinstance(outcome, Unknown)
        raise InDoubt(wanted.tool, outcome.reason)


class _Transport(AbstractAsyncContextManager[Any]):
    """Connect to a server; while a run is replayed, to nothing."""

    def __init__(self, inner: AbstractAsyncContextManager[Any], current: Current) -> None:
        self._connection: Any = inner
        self._current = current

    async def __aenter__(self) -> Any:
        run = self._current()
        if run is None:
            return await self._connection.__aenter__()
        if run.world.offline:
            self._connection = _nowhere()
        with inside(0):  # what it takes to connect is no doing of the agent
            return await self._connection.__aenter__()

    async def __aexit__(self, *error: object) -> Any:
        if self._current() is None:
            return await self._connection.__aexit__(*error)
        with inside(0):
            return await self._connection.__aexit__(*error)


async def _dispatched_nowhere(stack: AsyncExitStack, *_: Any) -> Any:
    from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher  # of mcp 2

    return JSONRPCDispatcher(*await stack.enter_async_context(_nowhere()))


@asynccontextmanager
async def _nowhere() -> AsyncIterator[Any]:
    """Give streams with nobody at the other end: what is sent is kept, and nothing ever comes."""
    to_client, read = anyio.create_memory_object_stream[Any](0)
    write, from_client = anyio.create_memory_object_stream[Any](math.inf)
    async with to_client, read, write, from_client:
        yield read, write


async def _nothing(_: dict[str, Any] | None) -> Outcome:
    return Ok(None)


def _dumped(request: Any) -> dict[str, Any]:
    """Give a request as the JSON object that goes over the wire."""
    data: dict[str, Any] = request.model_dump(by_alias=True, mode="json", exclude_none=True)
    return data


def _said(result: Any) -> dict[str, Any]:
    """Give a result as the JSON object that the server sent."""
    if isinstance(result, dict):
        return result
    data: dict[str, Any] = result.model_dump(by_alias=True, mode="json", exclude_unset=True)
    return data


def _parsed(result_type: Any, data: dict[str, Any]) -> Any:
    if isinstance(result_type, TypeAdapter):
        return result_type.validate_python(data)
    return result_type.model_validate(data)


def _error(code: int, message: str, data: Any = None) -> Exception:
    """Give the error that a client raises for a JSON-RPC error."""
    if MCPError.__name__ == "McpError":
        raised: Exception = MCPError(types.ErrorData(code=code, message=message, data=data))
    else:
        raised = MCPError(code, message, data)
    return raised
