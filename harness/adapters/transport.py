"""The door as an HTTP transport: what a client's own code runs above, and its HTTP client below.

A transport passes requests on to the HTTP client it stands before, with its proxies, limits and hooks. Because the
client's own code runs above the seam, retries are calls of their own, errors are rebuilt by the client from the
recorded response, and a stream is served again as a stream. Outside a session a request passes through untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2

from harness.adapters.http import (
    Api,
    Stream,
    changed_request,
    failure_of,
    is_stream,
    read_request,
    recorded_response,
    revive,
    whole_response,
)
from harness.adapters.struck.exchange import Came, Struck, struck
from harness.determinism.address import inside
from harness.determinism.loop import beside, let_go
from harness.errors import Refused
from harness.run.drive import Run, abandon, abegin, begin, finish
from harness.run.inputs import Call
from harness.trace.outcome import Ok, Outcome

Current = Callable[[], Run | None]
"""How a transport finds the session that the calling code belongs to."""


def _delivered(
    run: Run, action: int, response: httpx2.Response, outcome: Outcome, body: Callable[[Stream, httpx2.Response], Any]
) -> httpx2.Response:
    """Give an answer to the client: a stream ends its action later, what has been read whole ends it now."""
    if is_stream(response):
        stream = Stream(run, action, response)
        return stream.response(body(stream, response))
    finish(run, action, outcome)
    return whole_response(response)


def _on_record(
    run: Run, action: int, request: httpx2.Request, faults: Struck, recorded: Outcome | None
) -> httpx2.Response:
    """Give what faults make of an answer that was recorded, None where one takes its place; nothing is sent."""
    try:
        with inside(action):
            faults.asked(changed_request(request, run.machine.rewritten(action)))
            came: Came | None = None
            try:
                came = None if recorded is None else revive(recorded, request)
            except httpx2.TransportError as error:
                came = error
            response = faults.came(came)
    except Exception as error:
        finish(run, action, failure_of(error))
        raise
    finish(run, action, recorded_response(response))
    return whole_response(response)


class Door(httpx2.BaseTransport):
    """Pass each request of a synchronous client through the door."""

    def __init__(self, inner: httpx2.Client, api: Api, current: Current) -> None:
        self.inner, self._api, self._current = inner, api, current

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        run = self._current()
        if run is None:
            return self.inner.send(request, stream=True)
        request.read()
        wanted = read_request(request, self._api)
        try:
            action = begin(run, wanted)
            faults = struck(run, action, wanted, self._api)
            recorded = run.world.recorded(action, waits=False)
            if recorded is None:
                return self._perform(run, action, request, faults)
            if recorded.struck is not None and faults is not None:
                run.world.moment(recorded.at)
                return _on_record(run, action, request, faults, recorded.outcome)
            assert recorded.outcome is not None
            if is_stream(recorded.outcome):
                stream = Stream(run, action, recorded.outcome)
                run.world.moment(stream.opened)
                return stream.response(_SyncBody(stream, None))
            run.world.moment(recorded.at)
            return revive(finish(run, action, recorded.outcome), request)
        except Refused as refused:
            return self._api.refusal(refused)

    def _perform(self, run: Run, action: int, request: httpx2.Request, faults: Struck | None) -> httpx2.Response:
        outcome: Outcome
        response = None
        failed: Exception | None = None
        run.world.aside()
        try:
            with inside(action):
                asked = changed_request(request, run.machine.rewritten(action))
                response = self._send(asked) if faults is None else self._struck(run, asked, faults)
            outcome = Ok(None) if is_stream(response) else recorded_response(response)
        except Exception as error:  # noqa: BLE001 — whatever the client below raises is the outcome of this call
            failed, outcome = error, failure_of(error)
        finally:
            run.world.moment(None)
        if failed is not None:
            finish(run, action, outcome)
            raise failed
        assert response is not None
        return _delivered(run, action, response, outcome, _SyncBody)

    def _send(self, request: httpx2.Request, *, whole: bool = False) -> httpx2.Response:
        response = self.inner.send(request, stream=True)
        if whole or not is_stream(response):
            response.read()
        return response

    def _struck(self, run: Run, request: httpx2.Request, faults: Struck) -> httpx2.Response:
        came: Came | None = None
        if (sent := faults.asked(request)) is not None:
            try:
                came = self._send(sent, whole=faults.whole)
            except Exception as error:  # noqa: BLE001 — whatever came, faults change it or let it through
                came = error
        run.world.wait(int(faults.delay_ms * 1e6))
        return faults.came(came)

    def close(self) -> None:
        self.inner.close()


class _SyncBody(httpx2.SyncByteStream):
    """Hand out the pieces of a stream as they come, or came; a second reader goes on where the first stopped."""

    def __init__(self, stream: Stream, response: httpx2.Response | None) -> None:
        self._stream, self._response = stream, response
        self._pieces = None if response is None else response.iter_bytes()

    def __iter__(self) -> Iterator[bytes]:
        stream = self._stream
        if self._pieces is None:
            for at, piece in stream.recorded_pieces():
                yield stream.passed(piece, stream.world.moment(at))
            stream.world.moment(stream.ended)
            stream.end_as_recorded()
            return
        try:
            for came, at in iter(self._next, None):
                yield stream.passed(came, at)
        except httpx2.TransportError as error:
            stream.cut(error)
            raise
        stream.end()

    def _next(self) -> tuple[bytes, int] | None:
        assert self._pieces is not None
        world = self._stream.world
        world.aside()
        try:
            with inside(self._stream.action):
                came = next(self._pieces, None)
        finally:
            at = world.moment(None)
        return None if came is None else (came, at)

    def close(self) -> None:
        self._stream.closed_early()
        if self._response is not None:
            self._response.close()


class AsyncDoor(httpx2.AsyncBaseTransport):
    """Pass each request of an asynchronous client through the door."""

    def __init__(self, inner: httpx2.AsyncClient, api: Api, current: Current) -> None:
        self.inner, self._api, self._current = inner, api, current

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        run = self._current()
        if run is None:
            return await self.inner.send(request, stream=True)
        await request.aread()
        wanted = read_request(request, self._api)
        try:
            return await self._pass(run, wanted, request)
        except Refused as refused:
            return self._api.refusal(refused)

    async def _pass(self, run: Run, wanted: Call, request: httpx2.Request) -> httpx2.Response:
        action = await abegin(run, wanted)
        faults = struck(run, action, wanted, self._api)
        try:
            recorded = await run.world.arecorded(action)
            if recorded is None:
                return await self._perform(run, action, request, faults)
            if recorded.outcome is not None and is_stream(recorded.outcome):
                stream = Stream(run, action, recorded.outcome)
                await run.world.arrived(stream.opened)
                return stream.response(_AsyncBody(stream, None))
            await run.world.turn_to_end(action, recorded.at)
        except asyncio.CancelledError:
            abandon(run, action)
            raise
        if recorded.struck is not None and faults is not None:
            return _on_record(run, action, request, faults, recorded.outcome)
        assert recorded.outcome is not None
        return revive(finish(run, action, recorded.outcome), request)

    async def _perform(self, run: Run, action: int, request: httpx2.Request, faults: Struck | None) -> httpx2.Response:
        outcome: Outcome
        response = None
        failed: Exception | None = None
        try:
            with inside(action):
                asked = changed_request(request, run.machine.rewritten(action))
                response = await beside(self._send(asked) if faults is None else self._struck(asked, faults))
            outcome = Ok(None) if is_stream(response) else recorded_response(response)
        except Exception as error:  # noqa: BLE001 — whatever the client below raises is the outcome of this call
            failed, outcome = error, failure_of(error)
        if failed is not None:
            finish(run, action, outcome)
            raise failed
        assert response is not None
        return _delivered(run, action, response, outcome, _AsyncBody)

    async def _send(self, request: httpx2.Request, *, whole: bool = False) -> httpx2.Response:
        response = await self.inner.send(request, stream=True)
        if whole or not is_stream(response):
            await response.aread()
        return response

    async def _struck(self, request: httpx2.Request, faults: Struck) -> httpx2.Response:
        came: Came | None = None
        if (sent := faults.asked(request)) is not None:
            try:
                came = await self._send(sent, whole=faults.whole)
            except Exception as error:  # noqa: BLE001 — whatever came, faults change it or let it through
                came = error
        if faults.delay_ms:
            await asyncio.sleep(faults.delay_ms / 1000)
        return faults.came(came)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _AsyncBody(httpx2.AsyncByteStream):
    """Hand out the pieces of a stream as they come, or came; a second reader goes on where the first stopped."""

    def __init__(self, stream: Stream, response: httpx2.Response | None) -> None:
        self._stream, self._response = stream, response
        self._pieces = None if response is None else response.aiter_bytes()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = self._stream
        if self._pieces is None:
            for at, piece in stream.recorded_pieces():
                yield stream.passed(piece, await stream.world.arrived(at))
            await stream.world.turn_to_end(stream.action, stream.ended)
            stream.end_as_recorded()
            return
        try:
            while (came := await self._next()) is not None:
                yield stream.passed(came, stream.now())
        except httpx2.TransportError as error:
            stream.cut(error)
            raise
        stream.end()

    async def aclose(self) -> None:
        self._stream.closed_early()
        if self._response is not None:
            with inside(self._stream.action):
                await let_go(self._response.aclose())

    async def _next(self) -> bytes | None:
        with inside(self._stream.action):
            return await beside(self._read())

    async def _read(self) -> bytes | None:
        assert self._pieces is not None
        return await anext(self._pieces, None)
