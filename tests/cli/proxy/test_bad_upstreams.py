"""Upstreams that hang, break off, speak no sense or are not there."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx2
import openai
import pytest

from harness.adapters.files import open_trace
from tests.cli.proxy.running import LONG, Proxy, Rogue, asked, client, http_answer, outcomes, proxied

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def test_an_upstream_that_hangs_is_an_error_in_time(proxy: Proxy) -> None:
    """The client is told after the proxy's time limit, and the trace says that nobody knows what happened."""
    with pytest.raises(openai.APIStatusError, match="no answer in time") as late:
        client(proxy, "late").chat.completions.create(model="m", messages=asked("hang"))
    assert late.value.status_code == 504
    assert late.value.body["code"] == "upstream_timeout"  # type: ignore[index]
    assert outcomes(proxy.events("late")) == ["unknown"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_drops_the_connection_is_an_error(proxy: Proxy, stream: bool) -> None:
    """No answer at all is a bad gateway."""
    name = f"dropped-{stream}"
    with pytest.raises(openai.APIStatusError, match="broke off") as broken:
        client(proxy, name).chat.completions.create(model="m", messages=asked("drop"), stream=stream)
    assert broken.value.status_code == 502
    assert outcomes(proxy.events(name)) == ["unknown"]


def test_a_stream_that_is_cut_ends_with_an_error(proxy: Proxy) -> None:
    """What came is seen, then the official client raises what the proxy says; the trace has the pieces and the cut."""
    seen = ""
    with pytest.raises(openai.APIError, match="broke off"):
        for chunk in client(proxy, "cut").chat.completions.create(model="m", messages=asked("cut"), stream=True):
            seen += chunk.choices[0].delta.content or ""
    assert seen == LONG[:16]
    with pytest.raises(openai.APIError, match="broke off"):
        list(client(proxy, "cut").responses.create(model="m", input="cut", stream=True))
    events = proxy.events("cut")
    assert "RemoteProtocolError" in events[-1].body["ok"]["cut"]
    assert outcomes(events) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("answer", "stream", "error"),
    [
        (b"SMTP ready, say hello\r\n\r\n", False, "broke off or is none"),
        (http_answer(b"<html>fine</html>", "text/html", "503 Away"), False, "503"),
        (http_answer(b"\xff\xfe", "application/json", "500 Oops"), False, "500"),
        (http_answer(b'{"error": {"message": "overloaded"}}', status="529 "), False, "overloaded"),
        (http_answer(b"data: {\xff\n\ndata: [DONE]\n\n", "text/event-stream"), True, "no JSON"),
        (http_answer(b'data: {"half": ', "text/event-stream"), True, "no JSON"),
    ],
)
def test_garbage_is_a_clear_error(tmp_path: Path, answer: bytes, stream: bool, error: str) -> None:
    """Whatever an upstream says, the client gets an error it understands, and the trace is complete and sealed."""
    with Rogue(answer) as upstream, proxied(tmp_path, upstream.url) as proxy:
        with pytest.raises(openai.APIError, match=error):
            list(client(proxy, "g").chat.completions.create(model="m", messages=asked("x"), stream=stream))  # type: ignore[call-overload]
        assert outcomes(proxy.events("g")) != ["open"]
        assert "stopped" in proxy.stop()
        with open_trace(proxy.traces / "g-001.mat.jsonl") as reader:
            list(reader)
        assert reader.footer is not None


def test_an_upstream_that_is_not_there_is_a_bad_gateway(tmp_path: Path) -> None:
    """Nothing was sent, and the trace knows."""
    with proxied(tmp_path, "http://127.0.0.1:9/v1") as proxy:
        with pytest.raises(openai.APIStatusError, match="cannot be reached") as away:
            client(proxy, "away").chat.completions.create(model="m", messages=asked("x"))
        assert away.value.status_code == 502
        assert outcomes(proxy.events("away")) == ["failed"]


def test_a_stream_that_lingers_after_its_last_event_is_ended(tmp_path: Path) -> None:
    """A server that says it is done and keeps the connection keeps nobody waiting for long."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunk["choices"] = [{"index": 0, "delta": {"content": "all"}, "finish_reason": "stop"}]  # type: ignore[assignment]
    events = b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    with Rogue(head + events, hold_s=30) as upstream, proxied(tmp_path, upstream.url) as proxy:
        began = time.monotonic()
        came = httpx2.post(
            f"{proxy.base_url}/chat/completions",
            json={"model": "m", "messages": asked("x"), "stream": True},
            headers={"x-harness-session": "l"},
            timeout=20,
            trust_env=False,
        )
        assert time.monotonic() - began < 10
        assert came.content == events
        assert proxy.events("l")[-1].body["ok"]["closed"] is True
