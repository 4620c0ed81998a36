"""``harness mcp-proxy --upstream`` between clients and a server of the official package, over streamable HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from harness.adapters.files import open_trace
from harness.trace.event import Event

pytest.importorskip("mcp", reason="the extra [mcp] is not installed: pip install 'agent-assurance-harness[mcp]'")
pytest.importorskip("starlette", reason="the extra [server] is not installed")

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CreateMessageResult, TextContent

from tests.cli.test_mcp_proxy import BAD, RULES

SHOP = Path(__file__).parents[1] / "adapters" / "mcp" / "server" / "shop.py"
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
ABOUT = {"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}, "protocolVersion": "2025-06-18"}


class Shop:
    """A server behind a proxy, and what became of both."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir()
        (folder / "shop.yaml").write_text(RULES)
        self.folder, self.ledger, self.stderr = folder, folder / "ledger.jsonl", folder / "stderr"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.direct = f"http://127.0.0.1:{port}/mcp"
        self.server = subprocess.Popen([sys.executable, str(SHOP), str(self.ledger), str(port), *options])
        self.proxy = self._proxied("--port", "0")
        self.url = self._line("stands before").split()[2]
        until(lambda: _listens(port))

    def _proxied(self, *options: str, **pipes: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "harness", "mcp-proxy", "--registry", str(self.folder / "shop.yaml")]
        command += ["--traces", str(self.folder / "runs"), "--upstream", self.direct, *options]
        with self.stderr.open("ab") as stderr:
            return subprocess.Popen(command, stderr=stderr, **pipes)

    def _line(self, said: str) -> str:
        until(lambda: said in self.told)
        return next(line for line in self.told.splitlines() if said in line)

    @property
    def told(self) -> str:
        """What the proxy has told people."""
        return self.stderr.read_text()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What the server has done."""
        return [json.loads(line) for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def runs(self, count: int = 1) -> list[list[Event]]:
        """Give the events of so many traces, all of them sealed."""
        until(lambda: self.told.count(".mat.jsonl") == count)
        found = []
        for path in sorted((self.folder / "runs").glob("*.mat.jsonl")):
            with open_trace(path) as reader:
                found.append(list(reader))
                assert reader.footer is not None
        return found

    def stop(self) -> None:
        """Stop both."""
        for process in (self.proxy, self.server):
            process.kill()
            process.wait()


def until(true: Callable[[], Any]) -> None:
    """Wait until something is so."""
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Give what starts a server and a proxy before it."""
    started: list[Shop] = []

    def begin(*options: str) -> Shop:
        started.append(Shop(tmp_path / f"{len(started)}", *options))
        return started[-1]

    yield begin
    for shop in started:
        shop.stop()


@asynccontextmanager
async def client(url: str, **callbacks: Any) -> Any:
    """Open a session as clients do."""
    async with streamable_http_client(url) as streams, ClientSession(*streams[:2], **callbacks) as session:
        await session.initialize()
        yield session


async def sampled(*_: Any) -> CreateMessageResult:
    """Answer for the client's model."""
    return CreateMessageResult(role="assistant", content=TextContent(type="text", text="yes"), model="none")


async def tour(url: str) -> tuple[list[Any], list[float]]:
    """Ask all sorts of things; give the answers and the progress that was told."""
    progress: list[float] = []

    async def on_progress(done: float, *_: Any) -> None:
        progress.append(done)

    answers: list[Any] = []
    async with client(url, sampling_callback=sampled) as session:
        answers.append(await session.list_tools())
        answers.append(await session.call_tool("look", {"order": "naïve 😀\u2028"}))
        answers.append(await session.call_tool("refund", {"order": "A", "cents": 100}))
        answers.append(await session.call_tool("ask", {"question": "may I?"}))
        answers.append(await session.call_tool("count", {"to": 3}, progress_callback=on_progress))
        answers.append(await session.call_tool("fail", {"why": "because"}))
        answers.append(await session.read_resource("shop://policy"))
        answers.append(await session.get_prompt("greet", {"name": "Ada"}))
        answers += await asyncio.gather(*(session.call_tool("look", {"order": str(one)}) for one in range(5)))
    return [one.model_dump(mode="json") for one in answers], progress


@pytest.mark.parametrize("options", [(), ("json",)])
def test_a_client_does_not_notice(start: Callable[..., Shop], options: tuple[str, ...]) -> None:
    """Every answer is the server's own, callbacks and progress included; each session is one sealed trace."""
    shop = start(*options)
    if options:  # a server that answers in JSON has no stream to ask on
        assert [one["isError"] for one in asyncio.run(refusals(shop.url))] == [True, False]
    else:
        assert asyncio.run(tour(shop.url)) == asyncio.run(tour(shop.direct))
    (events,) = shop.runs()
    assert events[-1].body["data"]["initialize"] == 1


async def refusals(url: str) -> list[dict[str, Any]]:
    """Ask for what a rule blocks, and for what one rewrites."""
    async with client(url) as session:
        await session.list_tools()
        refused = await session.call_tool("refund", {"order": "A", "cents": 9000})
        noted = await session.call_tool("note", {"text": "a secret"})
        return [one.model_dump(mode="json", by_alias=True) for one in (refused, noted)]


def test_calls_are_judged(start: Callable[..., Shop]) -> None:
    """A blocked call never reaches the server, a rewritten one as it was rewritten; the trace says so."""
    shop = start()
    refused, noted = asyncio.run(refusals(shop.url))
    assert "refund at most 5000 cents" in refused["content"][0]["text"]
    assert refused["isError"]
    assert noted["content"][0]["text"] == "nothing"
    assert shop.entries == [{"note": "nothing"}]
    decisions = [one.body["decision"] for one in shop.runs()[0] if one.kind == "decision"]
    assert decisions == ["block", "rewrite"]


def test_sessions_keep_apart(start: Callable[..., Shop]) -> None:
    """Ten clients at once have a trace each, with their own calls and no others."""
    shop = start()

    async def one(name: str) -> None:
        async with client(shop.url) as session:
            for number in range(5):
                said = await session.call_tool("look", {"order": f"{name}-{number}"})
                assert said.content[0].text == f"order {name}-{number}: 120"

    async def main() -> None:
        await asyncio.gather(*(one(f"c{number}") for number in range(10)))

    asyncio.run(main())
    orders = [[one.body["args"]["order"] for one in run if one.kind == "action"] for run in shop.runs(10)]
    assert sorted(orders) == [[f"c{number}-{call}" for call in range(5)] for number in range(10)]


def test_what_belongs_to_no_request_comes_on_a_stream_of_its_own(start: Callable[..., Shop]) -> None:
    """A client that listens hears what the server says of its own accord."""
    shop = start()
    heard: list[str] = []

    async def on_message(message: Any) -> None:
        heard.append(str(message))

    async def main() -> None:
        async with client(shop.url, message_handler=on_message) as session:
            for _ in range(100):  # the client opens its stream when it likes
                await session.call_tool("announce", {})
                await asyncio.sleep(0.05)
                if any("list_changed" in one for one in heard):
                    return

    asyncio.run(main())
    assert any("list_changed" in one for one in heard)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def begun(url: str) -> dict[str, str]:
    """Begin a session by hand, and give the headers of its requests."""
    asked = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": ABOUT}
    answer = httpx2.post(url, json=asked, headers=HEADERS)
    assert answer.status_code == 200
    return {**HEADERS, "mcp-session-id": answer.headers["mcp-session-id"]}


def test_only_those_who_may_are_answered(start: Callable[..., Shop]) -> None:
    """Other hosts and pages, other types, unknown sessions and paths are refused, and nothing is written of them."""
    url = start().url
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}

    def status(method: str = "POST", at: str = url, said: Any = ping, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(method, at, json=said, headers=HEADERS | named).status_code

    assert status(host="evil.example") == 403
    assert status(origin="https://evil.example") == 403
    assert status(origin="null") == 403
    assert status(content_type="text/plain") == 415
    assert status(accept="application/json") == 406
    assert status() == 400
    assert status(mcp_session_id="guessed") == 404
    assert status(at=url + "/other") == 404
    assert status("PUT") == 405
    assert status("DELETE", mcp_session_id="guessed") == 404
    assert httpx2.get(url, headers={"accept": "text/event-stream"}).status_code == 400
    session = begun(url.replace("127.0.0.1", "localhost"))
    assert httpx2.post(url, json=ping, headers=session).json()["result"] == {}
    assert httpx2.delete(url, headers=session).status_code == 204
    assert httpx2.post(url, json=ping, headers=session).status_code == 404


def test_what_is_no_message_goes_no_further(start: Callable[..., Shop]) -> None:
    """Whatever cannot be read without doubt is answered with an error, and never reaches the server."""
    shop = start()
    session = begun(shop.url)
    for line, code, number in BAD:
        answer = httpx2.post(shop.url, content=line, headers=session)
        error = answer.json()
        assert (error["error"]["code"], error["id"]) == (code, number)
        assert answer.status_code == 400 or number == 1  # a request, which is answered as requests are
    assert shop.entries == []
    said = httpx2.post(shop.url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    assert (said.status_code, said.content) == (202, b"")


def calling(tool: str, **arguments: Any) -> dict[str, Any]:
    """Give a call."""
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def outcome(events: list[Event]) -> dict[str, Any]:
    """Give the outcome of the one call."""
    (found,) = [one.body for one in events if one.kind == "observation"]
    return found


def last(answer: httpx2.Response) -> dict[str, Any]:
    """Give the last message of an answer, whether it was a stream or not."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith(("data: ", "{"))]
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def test_a_server_that_dies_in_a_call(start: Callable[..., Shop]) -> None:
    """The client gets an error, nobody knows what became of the call, and the trace is sealed."""
    shop = start()
    session = begun(shop.url)
    answer = httpx2.post(shop.url, json=calling("die"), headers=session, timeout=30)
    assert last(answer)["error"]["code"] == -32000
    httpx2.delete(shop.url, headers=session)
    assert "unknown" in outcome(shop.runs()[0])
    assert shop.entries == [{"died": True}]


def test_a_server_that_is_not_there(start: Callable[..., Shop]) -> None:
    """The client is told at once that its session cannot begin."""
    shop = start()
    shop.server.kill()
    shop.server.wait()
    answer = httpx2.post(
        shop.url, json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": ABOUT}, headers=HEADERS
    )
    assert "ConnectError" in last(answer)["error"]["message"]
    assert "mcp-session-id" not in answer.headers


def test_a_signal_in_the_middle_of_a_call(start: Callable[..., Shop]) -> None:
    """What waits is answered with an error, the trace is sealed, and the proxy ends."""
    shop = start()
    session = begun(shop.url)
    with httpx2.Client(timeout=30) as http:
        slow = calling("ask", question="nobody answers")
        with http.stream("POST", shop.url, json=slow, headers=session) as answer:
            began = time.monotonic()
            shop.proxy.send_signal(signal.SIGTERM)
            answer.read()
    assert last(answer)["error"]["code"] == -32000
    assert shop.proxy.wait(20) == 0
    assert time.monotonic() - began < 10
    (events,) = shop.runs()
    assert "unknown" in outcome(events)


def test_a_call_that_is_cancelled(start: Callable[..., Shop]) -> None:
    """A cancelled call is answered no more, and is unknown in the trace."""
    shop = start()
    session = begun(shop.url)

    async def main() -> str:
        async with httpx2.AsyncClient(timeout=30) as http:
            asked = calling("ask", question="nobody answers")
            waiting = asyncio.create_task(http.post(shop.url, json=asked, headers=session))
            await asyncio.sleep(1)
            gone = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
            assert (await http.post(shop.url, json=gone, headers=session)).status_code == 202
            return (await waiting).text

    text = asyncio.run(main())
    assert '"id":7' not in text
    httpx2.delete(shop.url, headers=session)
    assert outcome(shop.runs()[0])["unknown"] == {"reason": "cancelled"}


def test_a_session_that_the_server_has_ended(start: Callable[..., Shop]) -> None:
    """A server that no longer knows the session has the client begin anew."""
    shop = start()
    session = begun(shop.url)
    port = httpx2.URL(shop.direct).port
    shop.server.kill()
    shop.server.wait()
    shop.server = subprocess.Popen([sys.executable, str(SHOP), str(shop.ledger), str(port)])
    until(lambda: _listens(port or 0))
    answer = httpx2.post(shop.url, json=calling("look", order="A"), headers=session)
    assert answer.status_code == 404
    assert httpx2.post(shop.url, json=calling("look", order="A"), headers=session).status_code == 404
    assert httpx2.post(shop.url, json=calling("look", order="A"), headers=begun(shop.url)).status_code == 200


def test_a_client_over_stdio(start: Callable[..., Shop]) -> None:
    """A client that can only start programs reaches a server that is only at a URL."""
    shop = start()
    pipe = subprocess.PIPE
    with shop._proxied("--stdio", stdin=pipe, stdout=pipe) as proxy:
        asked = [{"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": ABOUT}]
        asked += [{"jsonrpc": "2.0", "method": "notifications/initialized"}, calling("note", text="a secret")]
        said, _ = proxy.communicate("".join(json.dumps(one) + "\n" for one in asked).encode(), timeout=30)
    answers = {one["id"]: one for one in map(json.loads, said.splitlines()) if "id" in one}
    assert answers[7]["result"]["content"][0]["text"] == "nothing"
    assert shop.entries == [{"note": "nothing"}]
    assert [one.body["tool"] for one in shop.runs()[0] if one.kind == "action"] == ["note", "note"]
