"""The scripted model server as the official Anthropic client sees it, over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from harness.testing.model_server import ModelServer, Policy, call, calls, fail, say, script
from harness.testing.scripted.request import CHAT, MESSAGES, read_request
from tests.testing.asking import LONG

ASK: dict[str, Any] = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "Where is W-77?"}]}
BOTH = calls(call("get_order", order_id="W-77"), call("note", text=LONG))


def client_of(server: ModelServer) -> Anthropic:
    """Give a client that does not retry."""
    return Anthropic(base_url=server.anthropic_url, api_key="scripted", max_retries=0)


def ask(policy: Policy) -> Any:
    """Ask one question."""
    with ModelServer(policy) as server, client_of(server) as client:
        return client.messages.create(**ASK)


def test_it_answers_with_text_and_with_calls() -> None:
    """Text and calls are blocks, with usage and a reason to stop."""
    told = ask(lambda _: say(LONG))
    assert [block.text for block in told.content] == [LONG]
    assert (told.stop_reason, told.model) == ("end_turn", "m")
    assert told.usage.input_tokens > 0 and told.usage.output_tokens > 0
    used = ask(lambda _: BOTH)
    assert [(block.name, block.input) for block in used.content] == [
        ("get_order", {"order_id": "W-77"}),
        ("note", {"text": LONG}),
    ]
    assert used.stop_reason == "tool_use"
    assert used.content[0].id != used.content[1].id


@pytest.mark.parametrize("reply", [say(LONG), BOTH])
def test_the_stream_helper_adds_up_to_the_plain_answer(reply: Any) -> None:
    """The client's own accumulator rebuilds from a stream what a plain request gets."""
    with ModelServer(lambda _: reply) as server, client_of(server) as client:
        with client.messages.stream(**ASK) as stream:
            pieces = [event for event in stream if event.type == "content_block_delta"]
            added = stream.get_final_message().to_dict()
        plain = client.messages.create(**ASK).to_dict()
    assert len(pieces) > 2
    for usage in (added["usage"], plain["usage"]):
        assert isinstance(usage, dict)
    assert _without_ids(added) == _without_ids(plain)


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is named by the request, which a stream words differently, and what the helper adds."""
    text = json.dumps(answer["content"], sort_keys=True)
    for block in answer["content"]:
        text = text.replace(str(block.get("id")), "ID").replace(', "parsed_output": null', "")
    return {"content": text, "reason": answer["stop_reason"], "written": answer["usage"]["output_tokens"]}


def test_a_script_follows_the_turns_of_a_conversation() -> None:
    """Blocks of calls and of results are read as the turns of a chat."""
    with ModelServer(script([BOTH, say("It is here.")])) as server, client_of(server) as client:
        history: list[Any] = list(ASK["messages"])
        first = client.messages.create(**{**ASK, "messages": history, "system": "Be brief."})
        history.append({"role": "assistant", "content": [block.to_dict() for block in first.content]})
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "done"} for block in first.content]
        history.append({"role": "user", "content": results})
        tools: Any = [{"name": "note", "description": "Note it.", "input_schema": {"type": "object"}}]
        second = client.messages.create(**{**ASK, "messages": history, "tools": tools})
        assert second.content[0].text == "It is here."
        asked = server.requests
    assert [message["role"] for message in asked[0].messages] == ["system", "user"]
    assert [message["role"] for message in asked[1].messages] == ["user", "assistant", "tool", "tool"]
    assert asked[1].messages[2]["content"] == "done"
    assert [one["id"] for one in asked[1].messages[1]["tool_calls"]] == [block.id for block in first.content]
    assert asked[1].tools[0]["function"] == {
        "name": "note",
        "description": "Note it.",
        "parameters": {"type": "object"},
    }


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [(429, "rate_limit_error", anthropic.RateLimitError), (500, "api_error", anthropic.InternalServerError)],
)
def test_errors_have_anthropics_shape(status: int, kind: str, error: type[anthropic.APIStatusError]) -> None:
    """The client raises its own class and finds type and message."""
    with pytest.raises(error) as raised:
        ask(lambda _: fail(status, "not now"))
    assert raised.value.body == {"type": "error", "error": {"type": kind, "message": "not now"}}


def test_a_conversation_reads_alike_in_both_shapes() -> None:
    """The same turns, in the words of either API, are the same messages."""
    chat = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": "so",
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "pay", "arguments": '{"cents":5}'}}],
        },
        {"role": "tool", "tool_call_id": "t", "content": "paid"},
        {"role": "assistant", "content": "done"},
    ]
    blocks = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "so"},
                {"type": "tool_use", "id": "t", "name": "pay", "input": {"cents": 5}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "paid"}]},
        {"role": "assistant", "content": "done"},
    ]
    one = read_request(CHAT, json.dumps({"model": "m", "messages": chat}).encode(), {})
    other = read_request(MESSAGES, json.dumps({"model": "m", "messages": blocks}).encode(), {})
    assert one.messages == other.messages
    assert one.number == other.number == 2
