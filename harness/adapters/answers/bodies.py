"""Requests and responses with other bodies than they came with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Final

import httpx2

from harness.adapters.answers.sse import spelled

Send = Callable[[httpx2.Request], httpx2.Response]
AsyncSend = Callable[[httpx2.Request], Awaitable[httpx2.Response]]

_OF_BODY: Final = ("content-encoding", "content-length", "transfer-encoding")


class Body(httpx2.SyncByteStream):
    """Hand out what the client sees; a second reader goes on where the first stopped."""

    def __init__(self, pieces: Generator[bytes], response: httpx2.Response) -> None:
        self._pieces, self._response = pieces, response

    def __iter__(self) -> Iterator[bytes]:
        while (piece := next(self._pieces, None)) is not None:
            yield piece

    def close(self) -> None:
        self._pieces.close()
        self._response.close()  # a generator that has not begun closes nothing


class AsyncBody(httpx2.AsyncByteStream):
    """Do what ``Body`` does where reading is asynchronous."""

    def __init__(self, pieces: AsyncGenerator[bytes], response: httpx2.Response) -> None:
        self._pieces, self._response = pieces, response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await anext(self._pieces, None)) is not None:
            yield piece

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._response.aclose()  # a generator that has not begun closes nothing


def given(response: httpx2.Response, body: bytes | Body | AsyncBody) -> httpx2.Response:
    """Give a response with another body, its head as it came."""
    headers = [item for item in response.headers.multi_items() if item[0] not in _OF_BODY]
    if isinstance(body, bytes):
        return httpx2.Response(response.status_code, headers=headers, content=body)
    return httpx2.Response(response.status_code, headers=headers, stream=body)


def with_body(request: httpx2.Request, before: dict[str, Any], after: dict[str, Any]) -> httpx2.Request:
    """Give a request with another JSON body, itself where it is the same."""
    if after is before:
        return request
    headers = [item for item in request.headers.multi_items() if item[0] != "content-length"]
    return httpx2.Request(
        request.method, request.url, headers=headers, content=spelled(after).encode(), extensions=request.extensions
    )


def sent(send: Send, request: httpx2.Request) -> httpx2.Response | None:
    """Send a request for which nobody waits: None where no answer came."""
    try:
        return send(request)
    except httpx2.TransportError:
        return None  # its action says what happened; the client is told what was refused


async def asent(send: AsyncSend, request: httpx2.Request) -> httpx2.Response | None:
    """Do what ``sent`` does where sending is asynchronous."""
    try:
        return await send(request)
    except httpx2.TransportError:
        return None
