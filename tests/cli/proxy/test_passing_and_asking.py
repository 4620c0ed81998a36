"""What passes without being judged, and calls that somebody is asked about."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import openai
import pytest

from harness.cli import execute
from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import TOOLS, Proxy, asked, client, outcomes, proxied, until

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def test_what_passes_without_being_judged_is_counted(model: ModelServer, tmp_path: Path) -> None:
    """The last note of a trace lists what passed beside it."""
    with proxied(tmp_path, model.base_url) as proxy:
        one = client(proxy, "unseen")
        one.chat.completions.create(model="m", messages=asked("x"))
        assert one.models.list().data[0].id == "scripted"
        with pytest.raises(openai.NotFoundError):
            one.files.list()
        proxy.stop()
        note = proxy.events("unseen")[-1].body
    assert note == {"text": "passed without being judged", "data": {"GET /v1/files": 1, "GET /v1/models": 1}}


def test_a_trace_says_what_a_proxy_cannot_see(proxy: Proxy) -> None:
    """What its client does by itself is named as unseen, once for each trace."""
    one = client(proxy, "surfaces")
    for text in ("x", "y"):
        one.chat.completions.create(model="m", messages=asked(text))
    reads = [event.body["reads"] for event in proxy.events("surfaces") if event.kind == "read"]
    assert [(one["kind"], one["status"]) for one in reads[0][0][1]] == [
        ("process", "unseen"),
        ("network", "unseen"),
        ("files", "unseen"),
    ]
    assert len(reads) == 1


def test_strictly_nothing_passes_that_is_not_judged(model: ModelServer, tmp_path: Path) -> None:
    """With --strict it is refused as a rule would refuse it."""
    with proxied(tmp_path, model.base_url, "--strict") as proxy:
        with pytest.raises(openai.PermissionDeniedError, match="only what is judged may pass"):
            client(proxy).models.list()
        assert client(proxy).chat.completions.create(model="m", messages=asked("x"))


def test_an_answer_of_a_person_is_found_when_the_call_is_made_again(model: ModelServer, tmp_path: Path) -> None:
    """A call without an answer is refused for now, the answer is written, and the same call passes, once."""
    with proxied(tmp_path, model.base_url, "--approve", "desk", "--idle", "0.2") as proxy:
        one = client(proxy, "asking")

        def want() -> tuple[list[str], str]:
            messages = asked('want charge={"cents":500}')
            said = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
            return [made.function.name for made in said.tool_calls or ()], said.content or ""  # type: ignore[union-attr]

        refused, text = want()
        assert refused == []
        (question,) = (tmp_path / "desk").glob("*.question.json")
        assert "the same call may be made again" in text + json.dumps(model.requests[-1].body)
        assert "answer.json" in text + json.dumps(model.requests[-1].body)
        until(lambda: proxy.health()["sessions"] == 0)  # the question outlives the trace it was asked in
        assert execute(["approve", str(question), "--yes", "--by", "Ann"]) == 0
        assert want()[0] == ["charge"]
        assert want()[0] == []
        assert len(list((tmp_path / "desk").glob("*.question.json"))) == 2


def test_what_is_not_judged_passes_as_it_is(proxy: Proxy, http: httpx2.Client) -> None:
    """A body of another kind than JSON goes up as it comes, and its answer down."""
    kind = {"content-type": "text/plain", "x-harness-session": "plain"}
    came = http.post(f"{proxy.base_url}/embeddings", content=b'{"model": "e", "input": "x"}', headers=kind)
    assert len(came.json()["data"]) == 1
    assert outcomes(proxy.events("plain")) == []
