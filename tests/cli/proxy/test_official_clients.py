"""What official clients do through ``harness proxy``, and what of it is judged."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from harness.testing.model_server import ModelServer
from tests.cli.proxy.running import (
    CONNECTIONS,
    TOOLS,
    Proxy,
    Rogue,
    asked,
    client,
    decisions,
    http_answer,
    outcomes,
    proxied,
    until,
)

pytest.importorskip("starlette", reason="the extra [server] is not installed")
pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def test_an_official_client_gets_what_it_gets_directly(proxy: Proxy, model: ModelServer) -> None:
    """Chat, responses, embeddings and the list of models come through the proxy as they come without it."""
    direct = client(model)
    for one in (direct, client(proxy, "whole")):
        said = one.chat.completions.create(model="m", messages=asked("hello"))
        responded = one.responses.create(model="m", input="hello")
        vector = one.embeddings.create(model="e", input="hello").data[0].embedding
        came = (said.to_dict(), responded.to_dict(), vector, one.models.list().to_dict())
        if one is direct:
            expected = came
    assert came == expected
    assert outcomes(proxy.events("whole")) == ["ok", "ok", "ok"]


def test_streams_come_piece_by_piece_and_whole(proxy: Proxy, model: ModelServer) -> None:
    """The chunks of a chat and the events of a response are those of the server, one by one."""
    direct = client(model)
    for one in (direct, client(proxy, "streamed")):
        chunks = [chunk.to_dict() for chunk in one.chat.completions.create(model="m", messages=asked("x"), stream=True)]
        events = [event.to_dict() for event in one.responses.create(model="m", input="x", stream=True)]
        if one is direct:
            expected = chunks, events
    assert (chunks, events) == expected
    assert len(chunks) > 3


def test_the_head_of_an_answer_is_the_servers(tmp_path: Path) -> None:
    """Rate limits and the like come down, of a stream too, and the name of the conversation beside them."""
    events = b'data: {"choices": []}\n\ndata: [DONE]\n\n'
    answer = http_answer(events, "text/event-stream\r\nx-ratelimit-remaining: 7\r\nopenai-version: 3")
    with Rogue(answer) as upstream, proxied(tmp_path, upstream.url) as proxy:
        one = client(proxy, "headed")
        for stream in (True, False):
            came = one.chat.completions.with_raw_response.create(model="m", messages=asked("x"), stream=stream)
            heads = came.headers
            assert (heads["x-ratelimit-remaining"], heads["openai-version"]) == ("7", "3")
            assert heads["x-harness-session"] == "headed"
            came.http_response.read()


def test_a_stream_is_not_kept_until_its_end(proxy: Proxy) -> None:
    """The first piece of a slow answer is there long before the last."""
    stream = client(proxy, "slowly").chat.completions.create(model="m", messages=asked("slow"), stream=True)
    times = [time.monotonic() for chunk in stream if chunk.choices[0].delta.content]
    assert times[-1] - times[0] > 0.3


def test_an_asynchronous_client_may_ask_many_things_at_once(proxy: Proxy) -> None:
    """Thirty questions under way at a time each get their own answer."""

    async def ask() -> list[str | None]:
        async with AsyncOpenAI(base_url=proxy.base_url, api_key="sk-of-the-client", max_retries=0) as one:
            come = [one.chat.completions.create(model="m", messages=asked(f"word{n}")) for n in range(30)]
            return [said.choices[0].message.content for said in await asyncio.gather(*come)]

    assert asyncio.run(ask()) == [f"you said 'word{n}', naïvely 😀" for n in range(30)]


@pytest.mark.parametrize("stream", [False, True])
def test_calls_in_answers_are_judged(proxy: Proxy, stream: bool) -> None:
    """One call passes, one is rewritten, one is blocked, before the client sees them; the trace says so."""
    name = f"judged-{stream}"
    wanted = 'want look={},note={"text":"much too long"},refund={"cents":48000}'
    one = client(proxy, name)
    messages = asked(wanted)
    if stream:
        with one.chat.completions.stream(model="m", messages=messages, tools=TOOLS) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message  # type: ignore[assignment]
    seen = [(made.function.name, json.loads(made.function.arguments)) for made in message.tool_calls or ()]
    assert seen == [("look", {}), ("note", {"text": "short"})]
    assert "CAP" in (message.content or "")
    assert decisions(proxy.events(name)) == [
        ("look", "allow"),
        ("note", "rewrite"),
        ("note", "allow"),
        ("refund", "block"),
    ]


def test_a_result_ends_its_call_in_the_trace(proxy: Proxy) -> None:
    """What the client says came of a call is the observation of that call."""
    one, messages = client(proxy, "results"), asked('want refund={"cents":100}')
    said = one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message
    assert said.tool_calls
    messages += [said.to_dict(), {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "refunded 100"}]
    assert one.chat.completions.create(model="m", messages=messages, tools=TOOLS).choices[0].message.content == "done"
    events = proxy.events("results")
    refund = next(event.seq for event in events if event.kind == "action" and event.body["tool"] == "refund")
    (came,) = [event.body["ok"] for event in events if event.body.get("action") == refund]
    assert came == "refunded 100"


def test_errors_of_the_server_come_as_they_are(proxy: Proxy) -> None:
    """Status, body and the time to wait are those of the server, and the trace holds them."""
    one = client(proxy, "errors")
    with pytest.raises(openai.InternalServerError, match="a broken model") as broken:
        one.chat.completions.create(model="m", messages=asked("fail"))
    with pytest.raises(openai.RateLimitError, match="slow down") as busy:
        one.chat.completions.create(model="m", messages=asked("busy"), stream=True)
    assert broken.value.status_code == 500
    assert busy.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.BadRequestError, match="there is no message to answer"):
        one.chat.completions.create(model="m", messages=[])
    assert outcomes(proxy.events("errors")) == ["failed", "failed", "failed"]


def test_a_clients_own_retries_stay_in_its_conversation(proxy: Proxy, model: ModelServer) -> None:
    """An unnamed conversation whose first request is repeated by its client has one trace and not two."""
    before = set(proxy.conversations())
    with pytest.raises(openai.InternalServerError):
        client(proxy, max_retries=1).chat.completions.create(model="m", messages=asked("fail and fail again"))
    (new,) = set(proxy.conversations()) - before
    assert outcomes(proxy.conversations()[new]) == ["failed", "failed"]


def test_a_client_that_gives_up_leaves_a_complete_trace(proxy: Proxy) -> None:
    """Where a client's own time is over, its call ends as unknown, and a stream as one that was closed."""
    one = client(proxy, "impatient", timeout=0.5)
    with pytest.raises(openai.APITimeoutError):
        one.chat.completions.create(model="m", messages=asked("hang"))
    with one.chat.completions.create(model="m", messages=asked("slow"), stream=True) as stream:
        next(iter(stream))
    until(lambda: outcomes(proxy.events("impatient")) == ["unknown", "ok"])
    assert proxy.events("impatient")[-1].body["ok"]["closed"] is True


def test_anthropics_client_is_understood(tmp_path: Path) -> None:
    """Its messages are judged in its own shape, and its errors are of its own kind."""
    anthropic = pytest.importorskip("anthropic")
    use = {"type": "tool_use", "id": "tu_1", "name": "refund", "input": {"cents": 48000}}
    text = {"type": "text", "text": "I refund."}
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [text, use]}
    body |= {"stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    with Rogue(http_answer(json.dumps(body).encode())) as upstream, proxied(tmp_path, upstream.url) as proxy:
        headers = {"X-Harness-Session": "a"}
        options = {"max_retries": 0, "default_headers": headers, "http_client": CONNECTIONS[-1]}
        one = anthropic.Anthropic(base_url=proxy.url, api_key="sk-ant-key", **options)
        said = one.messages.create(model="m", max_tokens=9, messages=asked("refund it"))
        assert [block.type for block in said.content if block.type == "tool_use"] == []
        assert said.stop_reason == "end_turn"
        assert decisions(proxy.events("a"))[0] == ("refund", "block")
        with pytest.raises(anthropic.BadRequestError, match="JSON"):
            one.post("/v1/messages", cast_to=object, content=b"{", options={"headers": {"content-type": "a/b"}})
