"""What comes of a message that is sent to a server over streamable HTTP, however the server answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

pytest.importorskip("starlette", reason="the extra [server] is not installed")

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.adapters.mcp.upstream import Upstream

CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "look"}}
DONE = {"jsonrpc": "2.0", "id": 7, "result": {"content": []}}
PROGRESS = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
Answer = Callable[[Request], Response]


def events(*lines: str, status: int = 200) -> Response:
    """Answer with a stream."""
    return Response("\n".join([*lines, ""]), status, media_type="text/event-stream")


def message(said: Any, number: int = 0) -> str:
    """Give one event of a stream."""
    return f"id: {number}\nevent: message\ndata: {json.dumps(said)}\n" if number else f"data: {json.dumps(said)}\n"


class Seen:
    """What a server was asked, and what was heard of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heard: list[dict[str, Any]] = []
        self.told: list[str] = []
        self.gone = False


def spoken(answer: Answer, *messages: dict[str, Any]) -> Seen:
    """Send messages to a server, one after the other, and wait for what comes of them."""
    seen = Seen()

    def answered(request: Request) -> Response:
        seen.asked.append((request.method, dict(request.headers)))
        return answer(request)

    async def heard(line: bytes) -> None:
        seen.heard.append(json.loads(line))

    async def main() -> None:
        served = Starlette(routes=[Route("/mcp", answered, methods=["GET", "POST", "DELETE"])])
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=served)) as http:
            upstream = Upstream(http, "http://server/mcp", heard, seen.told.append)
            upstream.headers = {"authorization": "Bearer mine"}
            for said in messages:
                await upstream.send(json.dumps(said).encode())
                while upstream._exchanges:
                    await asyncio.sleep(0.001)
            await upstream.leave()
            seen.gone = upstream.gone

    asyncio.run(main())
    return seen


WAYS: dict[str, Answer] = {
    "JSON": lambda _: JSONResponse(DONE),
    "a stream": lambda _: events(message(PROGRESS), message(DONE)),
    "a stream that goes on": lambda _: events(message(DONE), message(PROGRESS)),
    "a stream with other events": lambda _: events(": alive", "event: ping\ndata: {}\n", message(DONE)),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_heard(way: str) -> None:
    """The answer comes, and what came before it; the client's own headers go along."""
    seen = spoken(WAYS[way], CALL)
    assert [one for one in seen.heard if "id" in one] == [DONE]
    assert [headers["authorization"] for _, headers in seen.asked] == ["Bearer mine"]
    assert seen.told == []


def test_a_stream_that_breaks_off_is_taken_up_again() -> None:
    """From the last event that came, as often as it takes, after the wait that the server asks for."""

    def answer(request: Request) -> Response:
        came = request.headers.get("last-event-id")
        following = {None: message(PROGRESS, 1), "1": message(PROGRESS, 2), "2": message(DONE, 3)}
        return events("retry: 1", following[came])

    seen = spoken(answer, CALL)
    assert seen.heard == [PROGRESS, PROGRESS, DONE]
    assert [method for method, _ in seen.asked] == ["POST", "GET", "GET"]


FAILURES: dict[str, tuple[Answer, int]] = {
    "a stream without the answer": (lambda _: events(message(PROGRESS)), -32000),
    "an error of a gateway": (lambda _: Response("<html>", 502, media_type="text/html"), -32000),
    "not allowed": (lambda _: Response(status_code=403), -32603),
    "turned away with data": (lambda _: JSONResponse({"detail": "no"}, 401), -32603),
    "elsewhere": (lambda _: Response(status_code=307, headers={"location": "http://evil.example/"}), -32603),
    "accepted, and nothing more": (lambda _: Response(status_code=202), -32000),
    "no JSON": (lambda _: Response("{", media_type="application/json"), -32000),
    "the answer to something else": (lambda _: JSONResponse({**DONE, "id": 8}), -32000),
    "an error of its own": (
        lambda _: JSONResponse({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "no"}}, 400),
        -32001,
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_request_is_always_answered(failure: str) -> None:
    """Whatever a server does instead, who asked gets an error under the id of the request."""
    answer, code = FAILURES[failure]
    seen = spoken(answer, CALL)
    last = seen.heard[-1]
    assert (last["id"], last["error"]["code"]) == (7, code)
    assert all(headers["host"] == "server" for _, headers in seen.asked)


def test_the_session_of_the_server_is_kept_and_ended() -> None:
    """Its id goes with every request after the first, and with the DELETE at the end."""

    def answer(request: Request) -> Response:
        return (
            Response(status_code=202)
            if request.method != "POST"
            else JSONResponse(DONE, headers={"mcp-session-id": "s"})
        )

    begin = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}}
    seen = spoken(answer, begin, CALL)
    assert [(method, headers.get("mcp-session-id")) for method, headers in seen.asked] == [
        ("POST", None),
        ("POST", "s"),
        ("DELETE", "s"),
    ]


def test_a_server_that_forgot_the_session_is_told_apart() -> None:
    """A 404 within a session means that it is gone; nobody is left to be told of its end."""

    def answer(request: Request) -> Response:
        if "mcp-session-id" in request.headers:
            return Response(status_code=404)
        return JSONResponse(DONE, headers={"mcp-session-id": "s"})

    seen = spoken(answer, {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}}, CALL)
    assert seen.gone
    assert [method for method, _ in seen.asked] == ["POST", "POST"]
