"""The scripted model server as the official openai client sees it, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from harness.errors import UsageError
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call, call_tool, calls, say, script, slow
from tests.testing.asking import CHAT, LONG, QUESTION, ask, client_of


def test_chat_answers_with_text() -> None:
    """A scripted text arrives as a chat completion with usage and a reason to stop."""
    completion = ask(say(LONG))
    assert completion.choices[0].message.content == LONG
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "m"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_chat_calls_tools_in_parallel() -> None:
    """Several calls arrive in one message, with distinct ids and their arguments as written."""
    completion = ask(calls(call("get_order", order_id="W-77"), call("refund", order_id="W-77", amount_cents=48_000)))
    first, second = completion.choices[0].message.tool_calls
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.choices[0].message.content is None
    assert (first.function.name, json.loads(first.function.arguments)) == ("get_order", {"order_id": "W-77"})
    assert second.function.arguments == '{"order_id":"W-77","amount_cents":48000}'
    assert first.id != second.id


def test_a_script_follows_the_turns_of_each_conversation() -> None:
    """The n-th reply answers the n-th turn, and two interleaved conversations do not mix."""
    with (
        ModelServer(script([call_tool("look", at="sky"), say("It is blue."), say("Still.")])) as server,
        client_of(server) as client,
    ):
        one: list[Any] = list(QUESTION)
        two: list[Any] = [{"role": "user", "content": "another"}]
        told = []
        for _ in range(3):
            for history in (one, two):
                message = client.chat.completions.create(model="m", messages=history).choices[0].message
                history.append(message.model_dump(exclude_none=True))
                for used in message.tool_calls or ():
                    history.append({"role": "tool", "tool_call_id": used.id, "content": "blue"})
                told.append(message.content)
        assert told == [None, None, "It is blue.", "It is blue.", "Still.", "Still."]
        assert [request.number for request in server.requests] == [0, 0, 1, 1, 2, 2]


def test_chat_streams_text() -> None:
    """A stream starts with the role, comes in several pieces that join to the text, and ends with usage."""
    with ModelServer(script([say(LONG)])) as server, client_of(server) as client:
        chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == LONG
    assert sum(bool(delta.content) for delta in deltas) > 2
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_stream_helper_adds_up_to_the_plain_answer() -> None:
    """The client's own accumulator rebuilds from a stream of text and calls what a plain request gets."""
    reply = calls(call("get_order", order_id="W-77"), call("note", text=LONG))
    with (
        ModelServer(lambda _: reply) as server,
        client_of(server) as client,
        client.chat.completions.stream(**CHAT) as stream,
    ):
        streamed = stream.get_final_completion().choices[0]
    plain = ask(reply).choices[0]
    assert [used.function.arguments for used in streamed.message.tool_calls or ()] == [
        used.function.arguments for used in plain.message.tool_calls
    ]
    assert streamed.finish_reason == plain.finish_reason == "tool_calls"


def test_responses_answers_with_text_and_calls() -> None:
    """The Responses API gets the same replies in its own shape."""
    with (
        ModelServer(script([call_tool("get_order", order_id="W-77"), say(LONG)])) as server,
        client_of(server) as client,
    ):
        items: list[Any] = [{"role": "user", "content": "Where is W-77?"}]
        first = client.responses.create(model="m", instructions="Be brief.", input=items)
        used: Any = first.output[0]
        assert (used.type, used.name, used.arguments) == ("function_call", "get_order", '{"order_id":"W-77"}')
        items += [used.model_dump(), {"type": "function_call_output", "call_id": used.call_id, "output": "on its way"}]
        second = client.responses.create(model="m", instructions="Be brief.", input=items)
        assert (second.output_text, second.status) == (LONG, "completed")
        assert second.usage is not None and second.usage.total_tokens > 0
        assert [message["role"] for message in server.requests[1].messages] == ["system", "user", "assistant", "tool"]


def test_responses_continue_a_former_response() -> None:
    """``previous_response_id`` brings back the conversation, and an unknown one is an error."""
    with ModelServer(script([say("one"), say("two")])) as server, client_of(server) as client:
        first = client.responses.create(model="m", instructions="Be brief.", input="first")
        second = client.responses.create(model="m", input="second", previous_response_id=first.id)
        assert second.output_text == "two"
        assert [message["content"] for message in server.requests[1].messages] == ["first", "one", "second"]
        with pytest.raises(openai.BadRequestError, match="resp_unknown"):
            client.responses.create(model="m", input="third", previous_response_id="resp_unknown")


def test_responses_streams_events_in_order() -> None:
    """A stream of a response counts its events and ends with the response that a plain request gets."""
    with ModelServer(script([say(LONG)])) as server, client_of(server) as client:
        events = list(client.responses.create(model="m", input="hello", stream=True))
        plain = client.responses.create(model="m", input="hello")
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == LONG
    assert events[-1].type == "response.completed" and events[-1].response.output_text == plain.output_text


def test_the_responses_stream_helper_adds_up() -> None:
    """The client's own accumulator for Responses rebuilds the calls of a stream."""
    with (
        ModelServer(lambda _: calls(call("a", text=LONG), call("b"))) as server,
        client_of(server) as client,
        client.responses.stream(model="m", input="hello") as stream,
    ):
        final = stream.get_final_response()
    arguments = [item.arguments for item in final.output if item.type == "function_call"]
    assert [json.loads(text) for text in arguments] == [{"text": LONG}, {}]


def test_a_policy_sees_the_request() -> None:
    """A policy gets messages and tools in one shape from both APIs, and the body as it arrived."""
    seen: list[ModelRequest] = []

    def policy(request: ModelRequest) -> Reply:
        seen.append(request)
        return say(request.text)

    parameters = {"type": "object", "properties": {}}
    flat: Any = {"type": "function", "name": "look", "parameters": parameters, "strict": False}
    nested: Any = {"type": "function", "function": {"name": "look", "parameters": parameters, "strict": False}}
    with ModelServer(policy) as server, client_of(server) as client:
        client.chat.completions.create(**CHAT, tools=[nested], temperature=0.5)
        client.responses.create(model="m", instructions="Be brief.", input="Where is W-77?", tools=[flat])
        assert server.requests == seen
    assert seen[0].messages == seen[1].messages == tuple(QUESTION)
    assert seen[0].tools == seen[1].tools == (nested,)
    assert (seen[0].body["temperature"], seen[0].stream, seen[0].model) == (0.5, False, "m")


def test_a_hundred_async_clients_at_once() -> None:
    """A hundred concurrent conversations over one shared client each get their own answers, streamed or not."""

    async def converse(client: AsyncOpenAI, number: int) -> list[str]:
        messages: Any = [{"role": "user", "content": f"I am {number}"}]
        plain = await client.chat.completions.create(model="m", messages=messages)
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return [plain.choices[0].message.content or "", "".join(streamed)]

    async def everybody(server: ModelServer) -> list[list[str]]:
        async with AsyncOpenAI(base_url=server.base_url, api_key="scripted", max_retries=0) as client:
            return await asyncio.gather(*(converse(client, number) for number in range(100)))

    with ModelServer(lambda request: slow(say(request.text), first_ms=20)) as server:
        answers = asyncio.run(everybody(server))
        assert len(server.requests) == 200
    assert answers == [[f"I am {number}"] * 2 for number in range(100)]


def test_models_are_listed() -> None:
    """The one model is called what it is."""
    with ModelServer(lambda _: say("")) as server, client_of(server) as client:
        assert [model.id for model in client.models.list()] == ["scripted"]


def test_embeddings_depend_on_the_text_only() -> None:
    """Equal texts get equal unit vectors, other texts others, in either encoding and in any size."""
    with ModelServer(lambda _: say("")) as server, client_of(server) as client:
        packed = client.embeddings.create(model="m", input=["a", "b", "a"], dimensions=8)
        plain = client.embeddings.create(model="m", input="a", dimensions=8, encoding_format="float")
    first, second, third = (row.embedding for row in packed.data)
    assert first == third != second
    assert first == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert sum(number**2 for number in first) == pytest.approx(1)


def test_a_policy_must_be_a_function() -> None:
    """A list of replies that was not made a script is refused before anything listens."""
    with pytest.raises(UsageError, match="the policy is a list"):
        ModelServer([say("hello")])  # type: ignore[arg-type]


def test_starting_is_fast() -> None:
    """A server is up within 50 ms, and importing it does not import the openai client."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        with ModelServer(lambda _: say("hello")):
            times.append(time.perf_counter() - started)
    assert sorted(times)[2] < 0.05
    code = "import sys, harness.testing.model_server; print('openai' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
