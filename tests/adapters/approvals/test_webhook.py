"""A real server that answers questions."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.adapters.approvals.answers import answer_to, question_bytes, signature, signed
from harness.adapters.approvals.webhook import Webhook
from harness.door.app import Harness
from harness.door.resume import resume
from harness.errors import Waiting
from harness.ports import Approval, Pending, Question

QUESTION = Question("ASK", "too much", "pay", {"cents": 5}, "d" * 64)
KEY = b"shared"


class Said(NamedTuple):
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Desk:
    """A server on loopback that keeps every request, and answers as it is told."""

    def __init__(self) -> None:
        self.came: list[Said] = []
        self.answer: Callable[[Said], tuple[int, dict[str, str], bytes]] = lambda _: (500, {}, b"")
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                said = Said(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                desk.came.append(said)
                status, headers, content = desk.answer(said)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _any

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ask"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a running server."""
    desk = Desk()
    yield desk
    desk.close()


def yes(digest: str = QUESTION.digest, key: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Give the response that says yes."""
    return 200, {}, json.dumps(signed(answer_to(digest, allowed=True, by="Ann"), key)).encode()


def test_the_answer_may_be_in_the_response(desk: Desk) -> None:
    """The question is posted whole, with its digest as the key of its idempotency and the signature of its bytes."""
    desk.answer = lambda _: yes(key=KEY)
    assert Webhook(desk.url, key=KEY)(QUESTION) == Approval(True, "Ann", "", QUESTION.digest)
    (said,) = desk.came
    assert (said.method, said.path, said.body) == ("POST", "/ask", question_bytes(QUESTION))
    assert said.headers["x-harness-signature"] == f"sha256={signature(said.body, KEY)}"
    assert (said.headers["idempotency-key"], said.headers["content-type"]) == (QUESTION.digest, "application/json")


def test_the_answer_may_come_later(desk: Desk) -> None:
    """A 202 names a place, which is asked again until the answer is there."""

    def answer(said: Said) -> tuple[int, dict[str, str], bytes]:
        place = {"Location": "/later/7", "Retry-After": "0.05"}
        return yes() if len(desk.came) > 3 else (202, place, b"")

    desk.answer = answer
    begun = time.monotonic()
    assert Webhook(desk.url)(QUESTION) == Approval(True, "Ann", "", QUESTION.digest)
    assert [(said.method, said.path) for said in desk.came] == [("POST", "/ask")] + [("GET", "/later/7")] * 3
    assert time.monotonic() - begun >= 0.15


@pytest.mark.parametrize("after", ["3600", "inf", "99999999999999999999"])
def test_an_answer_that_takes_too_long_stops_the_run(after: str, desk: Desk) -> None:
    """After its patience the approver says where the answer will be, and when asking again is worth it."""
    desk.answer = lambda _: (202, {"Location": "/later/7", "Retry-After": after}, b"")
    said = Webhook(desk.url, wait_s=0.1)(QUESTION)
    assert isinstance(said, Pending)
    assert said.where.endswith("/later/7")
    assert said.until is not None
    assert [one.method for one in desk.came] == ["POST"]


@pytest.mark.parametrize(
    ("response", "why"), [((500, {}, b""), "HTTP 500"), ((403, {}, b"no"), "HTTP 403"), ((200, {}, b"yes"), "JSON")]
)
def test_what_is_no_answer_stops_the_run(response: tuple[int, dict[str, str], bytes], why: str, desk: Desk) -> None:
    """A service that is out of order has not said no."""
    desk.answer = lambda _: response
    said = Webhook(desk.url)(QUESTION)
    assert isinstance(said, Pending)
    assert why in said.why


def test_nobody_there_stops_the_run(desk: Desk) -> None:
    """Nor has one that cannot be reached."""
    desk.close()
    said = Webhook(desk.url)(QUESTION)
    assert isinstance(said, Pending)
    assert "ConnectError" in said.why


@pytest.mark.parametrize("key", [b"", b"another"])
def test_a_forged_answer_is_a_no(key: bytes, desk: Desk) -> None:
    """Whoever answers without the key has allowed nothing, and the reason says so."""
    desk.answer = lambda _: yes(key=key)
    said = Webhook(desk.url, key=KEY)(QUESTION)
    assert isinstance(said, Approval)
    assert (said.allowed, said.by) == (False, desk.url)


def test_a_run_waits_for_a_service_and_goes_on(desk: Desk, tmp_path: Path) -> None:
    """Beside other tasks, without stopping them; the resumed run posts the very same bytes again."""
    (tmp_path / "asked.yaml").write_text(
        'registry: asked\nversion: "1"\ndefault: allow\ninvariants:\n'
        "  - {id: ASK, on: action, tool: pay, require: 'False', severity: high, otherwise: escalate}\n"
    )
    app = Harness(tmp_path / "asked.yaml", traces=tmp_path, approver=Webhook(desk.url, key=KEY, wait_s=0.3))
    paid: list[int] = []

    @app.tool(effect="write")
    async def pay(cents: int) -> str:
        paid.append(cents)
        return "paid"

    desk.answer = lambda _: (202, {"Location": desk.url, "Retry-After": "0.1"}, b"")
    ticks: list[int] = []

    async def agent() -> str:
        import asyncio

        async def tick() -> None:
            while True:
                ticks.append(1)
                await asyncio.sleep(0.02)

        ticking = asyncio.create_task(tick())
        said = await pay(5)
        ticking.cancel()
        return said

    with pytest.raises(Waiting) as waiting:
        app.session().run(agent)
    assert (paid, len(ticks) > 5) == ([], True)
    desk.answer = lambda said: yes(json.loads(said.body)["digest"], KEY)
    resumed = resume(waiting.value.trace, entry=agent, app=app)
    assert (resumed.result, paid) == ("paid", [5])
    assert len({said.body for said in desk.came if said.method == "POST"}) == 1
