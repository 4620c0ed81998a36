"""Requests that cannot be judged or recorded, large ones, and clients that give up."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import Proxy, Rogue, asked, client, decisions, http_answer, outcomes, proxied, until

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


CHAT = "/v1/chat/completions"
FINE = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (CHAT, b"{", {}, 400),
        (CHAT, b"[]", {}, 400),
        (CHAT, b'{"model":"\xff"}', {}, 400),
        (CHAT, b'{"model":"m","messages":[],"messages":[]}', {}, 400),
        (CHAT, b'{"model":NaN}', {}, 400),
        (CHAT, b'{"model":"\\ud800"}', {}, 400),
        (CHAT, b'{"a":' * 300 + b"1" + b"}" * 300, {}, 400),
        (CHAT, FINE, {"content-encoding": "gzip"}, 400),
        (CHAT, FINE, {"x-harness-session": "no name"}, 400),
        (CHAT, FINE, {"content-type": "text/plain"}, 200),
        ("/v1/Chat/Completions", FINE, {}, 400),
        ("/v1/chat//completions", FINE, {}, 400),
        ("/v1/chat/%2e%2e/chat/completions", FINE, {}, 400),
        ("/v1/chat%2fcompletions", FINE, {}, 400),
        ("/v1/chat/completions/", FINE, {}, 400),
        ("/v1/no/such/path", b"{}", {}, 404),
        (CHAT, b'{"model":"' + b"x" * (2 << 20) + b'"}', {}, 413),
    ],
)
def test_bad_input_is_refused_clearly(
    small: Proxy, http: httpx2.Client, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """What cannot be judged goes no further, and its client is told why as the API tells."""
    headers = {"content-type": "application/json", **headers}
    came = http.build_request("POST", small.url, content=body, headers=headers)
    came.url = came.url.copy_with(raw_path=path.encode())
    response = http.send(came)
    assert response.status_code == status, response.text
    if status != 200:
        assert response.json()["error"]["message"]


@pytest.fixture(scope="module")
def small(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Give a proxy that judges no large bodies."""
    with proxied(tmp_path_factory.mktemp("small"), model.base_url, "--max-mb", "1") as running:
        yield running


def test_ten_megabytes_pass(proxy: Proxy) -> None:
    """A large request is judged and sent like a small one, and its answer comes back."""
    text = "x" * (10 << 20)
    said = client(proxy, "large").chat.completions.create(model="m", messages=asked(text))
    assert len(said.choices[0].message.content or "") > len(text)


def test_malformed_calls_unknown_tools_and_doubled_ids_are_judged(tmp_path: Path) -> None:
    """Arguments that are no JSON are seen by rules as what they are; two calls of one id are two calls."""
    made = [
        {"id": "same", "type": "function", "function": {"name": "refund", "arguments": '{"cents": '}},
        {"id": "same", "type": "function", "function": {"name": "nobody_knows", "arguments": "{}"}},
    ]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    with Rogue(http_answer(json.dumps(body).encode())) as upstream, proxied(tmp_path, upstream.url) as proxy:
        said = client(proxy, "odd").chat.completions.create(model="m", messages=asked("x"))
        seen = [one.function.name for one in said.choices[0].message.tool_calls or ()]  # type: ignore[union-attr]
        assert seen == ["nobody_knows"]
        assert decisions(proxy.events("odd")) == [("refund", "block"), ("nobody_knows", "allow")]


def test_what_cannot_be_recorded_is_not_sent(model: ModelServer, tmp_path: Path) -> None:
    """Where the disk takes no more a request is refused before the server sees it, and what came before is kept."""
    with proxied(tmp_path, model.base_url) as proxy:
        one = client(proxy, "full")
        assert one.chat.completions.create(model="m", messages=asked("x"))
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        arrived = len(model.requests)
        with pytest.raises(openai.InternalServerError, match="cannot be recorded"):
            one.chat.completions.create(model="m", messages=asked("y" * 30_000))
        assert len(model.requests) == arrived
        assert one.chat.completions.create(model="m", messages=asked("small enough"))
        assert outcomes(proxy.events("full")) == ["ok"]
        assert outcomes(proxy.events("full", 2)) == ["ok"]


def test_an_upload_that_is_given_up_harms_nobody(model: ModelServer, proxy: Proxy) -> None:
    """A client that leaves in the middle of a body leaves nothing under way, judged or not."""
    for path, kind in (("/v1/files", "multipart/form-data"), ("/v1/chat/completions", "application/json")):
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: 100000\r\n\r\n{{"
        host, port = proxy.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode())
            time.sleep(0.1)
    until(lambda: proxy.health()["under_way"] == 0)
    assert client(proxy, "afterwards").chat.completions.create(model="m", messages=asked("x"))
