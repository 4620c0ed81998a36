"""What is particular about each API: its older and rarer calls, its servers that remember, its ways to ask again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from harness.adapters.answers.asked import Rulings, arguments, result
from harness.adapters.answers.chat import Chat
from harness.adapters.answers.messages import Messages
from harness.adapters.answers.responses import Responses
from harness.adapters.answers.shape import Shape
from harness.testing.model_server import Answer, ModelRequest, ModelServer, Reply, call, calls, say
from harness.trace.outcome import Failed, Ok
from tests.adapters.answers.hearing import Heard, Rule, allow, refuse, rewrite, stream_of
from tests.adapters.answers.talking import Talk, record


def heard(shape: Shape, body: dict[str, Any], rule: Rule, *more: dict[str, Any], **request: Any) -> tuple[Heard, Any]:
    """Judge a whole answer, and those that follow when the model is asked again."""
    rounds = [[json.dumps(one).encode()] for one in (body, *more)]
    found = Heard(shape, rounds, rule, whole=True, **request)
    return found, json.loads(found.data)


def message(*tools: str, **said: Any) -> dict[str, Any]:
    """Make a message of Chat Completions with calls."""
    made = [{"id": f"c{one}", "type": "function", "function": {"name": one, "arguments": "{}"}} for one in tools]
    return {"role": "assistant", "content": None, **said} | ({"tool_calls": made} if made else {})


def test_each_choice_is_judged_by_itself() -> None:
    """Where several answers were asked for, calls are left out of each, and the model is not asked again."""
    choices = [
        {"index": 0, "message": message("pay"), "finish_reason": "tool_calls"},
        {"index": 1, "message": message("find", "pay"), "finish_reason": "tool_calls"},
        {"index": 2, "message": message("pay", content="well"), "finish_reason": "tool_calls"},
    ]
    found, body = heard(Chat(), {"choices": choices}, refuse("pay"), {"choices": []})
    assert found.requests == []
    said = [choice["message"] for choice in body["choices"]]
    assert ["tool_calls" in one for one in said] == [False, True, False]
    assert [choice["finish_reason"] for choice in body["choices"]] == ["stop", "tool_calls", "stop"]
    assert all("blocked by NO" in one["content"] for one in said)
    assert said[2]["content"].startswith("well\n\n")


def test_choices_of_a_stream_are_judged_apart() -> None:
    """Interleaved chunks of two choices: one keeps its call, the other is told."""
    pay, find = ({"index": 0, "id": tool, "function": {"name": tool, "arguments": "{}"}} for tool in ("pay", "find"))
    chunks = [
        {"id": "x", "choices": [{"index": one, "delta": {"tool_calls": [piece]}, "finish_reason": None}]}
        for one, piece in ((0, pay), (1, find))
    ] + [{"id": "x", "choices": [{"index": one, "delta": {}, "finish_reason": "tool_calls"}]} for one in (0, 1)]
    events = Heard(Chat(), [[stream_of(chunks, named=False, done=True)]], refuse("pay")).events()
    ends = {one["index"]: one["finish_reason"] for event in events for one in event["choices"] if one["finish_reason"]}
    assert ends == {0: "stop", 1: "tool_calls"}
    told = [one for event in events for one in event["choices"] if one["delta"].get("content")]
    assert [one["index"] for one in told] == [0]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_older_form_of_a_call_is_judged_too(streamed: bool) -> None:
    """A function_call is a call without an id, and its result a message of the role function."""
    older = {"name": "pay", "arguments": '{"cents":5}'}
    shape, request = Chat(), {"messages": [], "function_call": {"name": "pay"}}
    if streamed:
        chunks = [
            {
                "id": "x",
                "choices": [{"index": 0, "delta": {"role": "assistant", "content": None, "function_call": one}}],
            }
            for one in ({"name": "pay", "arguments": '{"cen'}, {"arguments": 'ts":5}'})
        ]
        chunks.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "function_call"}]})
        data = stream_of(chunks, named=False, done=True)
        found = Heard(shape, [[data]], refuse(), **request)
        assert not any("function_call" in choice["delta"] for event in found.events() for choice in event["choices"])
        changed = Heard(shape, [[data]], rewrite("pay", cents=1)).events()
        pieces = [choice["delta"].get("function_call", {}) for event in changed for choice in event["choices"]]
        assert "".join(piece.get("arguments", "") for piece in pieces) == '{"cents":1}'
    else:
        choice = {"index": 0, "message": message(function_call=older), "finish_reason": "function_call"}
        found, body = heard(shape, {"choices": [choice]}, refuse(), **request)
        assert "function_call" not in body["choices"][0]["message"]
        _, body = heard(shape, {"choices": [choice]}, rewrite("pay", cents=1))
        assert body["choices"][0]["message"]["function_call"]["arguments"] == '{"cents":1}'
    assert found.judged[0].asked[1:] == ("", "pay", {"cents": 5})
    assert [one["role"] for one in found.requests[0]["messages"]] == ["assistant", "function"]


def test_a_tool_that_takes_a_text_is_judged_by_it() -> None:
    """A custom tool's input is the argument ``input``, in both of OpenAI's APIs."""
    custom = {"id": "c1", "type": "custom", "custom": {"name": "shell", "input": "rm -rf /"}}
    chat = {"choices": [{"index": 0, "message": message() | {"tool_calls": [custom]}, "finish_reason": "tool_calls"}]}
    found, body = heard(Chat(), chat, rewrite("shell", input="ls"))
    assert found.judged[0].asked.args == {"input": "rm -rf /"}
    assert body["choices"][0]["message"]["tool_calls"][0]["custom"]["input"] == "ls"
    item = {"type": "custom_tool_call", "call_id": "c1", "id": "i", "name": "shell", "input": "rm -rf /"}
    found, body = heard(Responses(), {"id": "r", "output": [item]}, rewrite("shell", input="ls"))
    assert body["output"][0]["input"] == "ls"
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "input": ""}},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "rm "},
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "-rf /"},
        {"type": "response.custom_tool_call_input.done", "output_index": 0, "input": "rm -rf /"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    told = Heard(Responses(), [[stream_of(events, named=True, done=False)]], rewrite("shell", input="ls"))
    assert b"rm" not in told.data
    assert [event.get("delta") for event in told.events() if "delta" in event["type"]] == ["ls"]


def test_calls_that_the_client_carries_out_are_judged_and_the_servers_own_are_not() -> None:
    """A local shell call is one; a hosted search, or a shell call with its output beside it, is none."""
    shell = {
        "type": "local_shell_call",
        "call_id": "c1",
        "id": "i1",
        "action": {"command": ["rm"]},
        "status": "completed",
    }
    search = {"type": "web_search_call", "id": "i2", "status": "completed"}
    hosted = {"type": "shell_call", "call_id": "c2", "id": "i3", "action": {"commands": ["ls"]}}
    output = {"type": "shell_call_output", "call_id": "c2", "id": "i4", "output": []}
    found, body = heard(Responses(), {"id": "r", "output": [shell, search, hosted, output]}, refuse(), input="go")
    assert [one.asked.tool for one in found.judged] == ["local_shell"]
    assert found.judged[0].asked.args == {"action": {"command": ["rm"]}}
    assert found.requests == []  # no refusal can be said to the model in the place of its output
    assert [item["type"] for item in body["output"]] == [
        "web_search_call",
        "shell_call",
        "shell_call_output",
        "message",
    ]


def test_a_call_that_only_the_end_of_a_stream_tells_is_judged() -> None:
    """A server that sends nothing but the whole response, or another call there than before, gets no further."""
    item = {"type": "function_call", "call_id": "c1", "id": "i", "name": "pay", "arguments": '{"cents":1}'}
    whole = {"type": "response.completed", "response": {"id": "r", "output": [item], "usage": None}}
    only = Heard(Responses(), [[stream_of([whole], named=True, done=False)]], refuse())
    assert b"cents" not in only.data
    events = [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {**whole, "response": {"id": "r", "output": [{**item, "arguments": '{"cents":99}'}]}},
    ]
    told = Heard(Responses(), [[stream_of(events, named=True, done=False)]], allow)
    assert [one.asked.args for one in told.judged] == [{"cents": 1}]
    assert b"99" not in told.data


def test_pieces_that_are_not_the_call_they_end_as_are_spelled_anew() -> None:
    """Whichever of both a client reads, it reads what was judged."""
    item = {"type": "function_call", "call_id": "c1", "id": "i", "name": "pay", "arguments": '{"cents":1}'}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"cents":99}'},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    told = Heard(Responses(), [[stream_of(events, named=True, done=False)]], allow)
    assert told.events()[1]["delta"] == '{"cents":1}'
    block = {"type": "tool_use", "id": "t", "name": "pay", "input": {"cents": 99}}
    pieces = [
        {"type": "content_block_start", "index": 0, "content_block": block},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"cents":1}'},
        },
        {"type": "content_block_stop", "index": 0},
    ]
    told = Heard(Messages(), [[stream_of(pieces, named=True, done=False)]], allow)
    assert told.judged[0].asked.args == {"cents": 1}
    assert b"99" not in told.data


@pytest.mark.parametrize(
    ("shape", "chosen", "free"),
    [
        (Chat(), "required", "auto"),
        (Chat(), {"type": "function", "function": {"name": "pay"}}, "auto"),
        (Responses(), {"type": "function", "name": "pay"}, "auto"),
        (
            Messages(),
            {"type": "tool", "name": "pay", "disable_parallel_tool_use": True},
            {"type": "auto", "disable_parallel_tool_use": True},
        ),
        (Messages(), {"type": "any"}, {"type": "auto"}),
        (Chat(), "auto", "auto"),
    ],
)
def test_a_model_that_had_to_call_a_tool_may_say_no_when_asked_again(shape: Shape, chosen: Any, free: Any) -> None:
    """Or it would have to want the refused call again."""
    bodies: dict[type, dict[str, Any]] = {
        Chat: {"choices": [{"index": 0, "message": message("pay"), "finish_reason": "tool_calls"}]},
        Responses: {"id": "r", "output": [{"type": "function_call", "call_id": "c", "name": "pay", "arguments": "{}"}]},
        Messages: {"content": [{"type": "tool_use", "id": "c", "name": "pay", "input": {}}], "stop_reason": "tool_use"},
    }
    request = {"messages": [], "input": "go", "tool_choice": chosen}
    found, _ = heard(shape, bodies[type(shape)], refuse(), **request)
    assert found.requests[0]["tool_choice"] == free
    assert request["tool_choice"] == chosen


def test_what_a_model_thought_goes_with_the_call_it_led_to() -> None:
    """Thinking blocks and their signatures are sent again with the refused call, which their server demands."""
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "pay."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "pay", "input": {}},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    ]
    found = Heard(Messages(), [[stream_of(events, named=True, done=False)]], refuse(), messages=[])
    said, told = found.requests[0]["messages"]
    assert said["content"] == [
        {"type": "thinking", "thinking": "Let me pay.", "signature": "sig"},
        {"type": "tool_use", "id": "t", "name": "pay", "input": {}},
    ]
    assert told["content"][0]["tool_use_id"] == "t"
    assert told["content"][0]["is_error"] is True


def test_what_a_server_says_of_its_calls_beyond_the_standard_is_kept() -> None:
    """A signature that some models need with a call goes back to them, and reaches the client."""
    piece = {"index": 0, "id": "c", "function": {"name": "pay", "arguments": "{}"}, "extra_content": {"signature": "s"}}
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}
    data = stream_of([chunk], named=False, done=True)
    assert Heard(Chat(), [[data]], refuse(), messages=[]).requests[0]["messages"][0]["tool_calls"][0][
        "extra_content"
    ] == {"signature": "s"}
    changed = Heard(Chat(), [[data]], rewrite("pay", cents=1)).events()[0]
    assert changed["choices"][0]["delta"]["tool_calls"][0]["extra_content"] == {"signature": "s"}


def test_a_result_that_is_an_error_is_recorded_as_one() -> None:
    """Anthropic's clients say so; OpenAI's have no word for it."""
    content = [{"type": "text", "text": "not found"}]
    block = {"type": "tool_result", "tool_use_id": "t", "content": content, "is_error": True}
    (found,) = Messages().results({"messages": [{"role": "user", "content": [block]}]})
    assert isinstance(found.outcome, Failed)
    assert "not found" in found.outcome.error["message"]
    assert result("c", "text").outcome == Ok("text")
    assert isinstance(result("c", float("nan")).outcome.value, str)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a": 1.0, "b": 12345678901234567890123}', {"a": 1.0, "b": 12345678901234567890123}),
        ('{"a": {"$type": 1}}', {"a": {"$type": "dict", "value": [["$type", 1]]}}),
        ("[1]", {"$unparsed": "[1]"}),
        ('{"a": 1, "a": 2}', {"$unparsed": '{"a": 1, "a": 2}'}),
        ('{"a": {"b": 1, "b": 2}}', {"$unparsed": '{"a": {"b": 1, "b": 2}}'}),
        ('{"a": Infinity}', {"$unparsed": '{"a": Infinity}'}),
        ('{"a": 1e999}', {"$unparsed": '{"a": 1e999}'}),
        ('{"a": "\\ud800"}', {"$unparsed": '{"a": "\\ud800"}'}),
        ("\ud800", {"$unparsed": "?"}),
        ('{"a":' * 300 + "1" + "}" * 300, {"$unparsed": '{"a":' * 300 + "1" + "}" * 300}),
        (None, {}),
        (7, {"$unparsed": "7"}),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_arguments_are_what_every_client_reads_alike(text: Any, args: Any) -> None:
    """Everything else is the text itself, which no rule on an argument mistakes for one."""
    assert arguments(text) == args


def policy(request: ModelRequest) -> Reply:
    """Want a refund twice, one of them too much; then say what came back."""
    results = [str(one["content"]).splitlines()[0] for one in request.messages if one["role"] == "tool"]
    if request.text == "blocked":
        return calls(call("refund", cents=99_000))
    if request.text == "some":
        return Answer("so", (call("refund", cents=99_000), call("find", sku="mug")))
    return say("; ".join(results))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ["blocked", "some"])
def test_a_server_that_remembers_is_told_what_the_client_has_not_seen(text: str, stream: bool, tmp_path: Any) -> None:
    """A conversation that goes on by previous_response_id goes on at the last round, and every call has its result."""
    with ModelServer(policy) as server:
        talk = Talk(server, "responses", stream=stream)
        app = talk.app(tmp_path)

        def agent() -> list[str]:
            with talk.client(app, asynchronous=False) as client:
                first = _response(client, stream, input=text)
                outputs: Any = [
                    {"type": "function_call_output", "call_id": item.call_id, "output": "found"}
                    for item in first.output
                    if item.type == "function_call"
                ]
                further = [*outputs, {"role": "user", "content": "and now?"}]
                second = _response(client, stream, input=further, previous_response_id=first.id)
            return [first.output_text, second.output_text]

        first, second = record(app, agent)[0]
    assert "refund was blocked by CAP" in first
    last = server.requests[-1]
    wanted = [one["id"] for message in last.messages for one in message.get("tool_calls") or ()]
    given = [message["tool_call_id"] for message in last.messages if message["role"] == "tool"]
    assert sorted(wanted) == sorted(given)
    assert len(given) == (1 if text == "blocked" else 2)
    assert "refund was blocked by CAP" in second


@pytest.mark.parametrize("streamed", [False, True])
def test_a_conversation_that_the_server_keeps_is_told_once(streamed: bool, tmp_path: Any) -> None:
    """Refusals go with the next request of the same conversation, not with the one after, nor with any other."""
    with ModelServer(policy) as server:
        talk = Talk(server, "responses", stream=streamed)
        app = talk.app(tmp_path)

        def agent() -> None:
            with talk.client(app, asynchronous=False) as client:
                for text, conversation in (("some", "one"), ("hm", "two"), ("well", "one"), ("then", "one")):
                    _response(client, streamed, input=text, conversation=conversation)

        record(app, agent)
    told = [any(message["role"] == "tool" for message in request.messages) for request in server.requests]
    assert told == [False, False, True, False]


def test_what_a_conversation_is_told_are_outputs_only() -> None:
    """Its server has the rest: the answer itself is not sent again."""
    item = {"type": "function_call", "call_id": "c1", "name": "pay", "arguments": "{}"}
    find = {"type": "function_call", "call_id": "c2", "name": "find", "arguments": "{}"}
    request = {"input": "go", "conversation": {"id": "conv"}}
    found, _ = heard(Responses(), {"id": "r", "output": [item, find]}, refuse("pay"), **request)
    assert found.owed is not None
    assert (found.owed.shown, found.owed.once) == ("conv", True)
    amended = Responses().amended({**request, "input": "next"}, {}, {"conv": found.owed})
    assert [one.get("call_id") for one in amended["input"]] == ["c1", None]
    found, _ = heard(Responses(), {"id": "r", "output": [item]}, refuse("pay"), **request)
    assert [one["type"] for one in found.requests[0]["input"]] == ["function_call_output"]


def test_an_item_that_no_server_has_made_is_sent_without_its_id() -> None:
    """The text that tells of a refusal may be part of the next request, as any client sends it."""
    find = {"type": "function_call", "call_id": "c2", "name": "find", "arguments": "{}"}
    pay = {**find, "call_id": "c1", "name": "pay"}
    _, body = heard(Responses(), {"id": "r", "output": [find, pay]}, refuse("pay"), input="go")
    amended = Responses().amended({"input": body["output"]}, {}, {})
    assert "id" in body["output"][1]
    assert "id" not in amended["input"][1]
    assert Responses().amended({"input": [find]}, {}, {}) == {"input": [find]}


def test_rulings_say_nothing_of_what_was_not_judged() -> None:
    """A place without a ruling is left as it is."""
    assert not Rulings(()).refused((0, 0))
    assert Rulings(()).text((0, 0)) is None
    assert Rulings(()).told() == ""


def _response(client: OpenAI, stream: bool, **request: Any) -> Any:
    if not stream:
        return client.responses.create(model="m", **request)
    with client.responses.stream(model="m", **request) as events:
        return events.get_final_response()
