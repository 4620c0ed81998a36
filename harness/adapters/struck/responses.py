"""The Responses API: items in and items out, with instructions beside them.

What its server remembers by itself (``previous_response_id``, a conversation) no fault can make it forget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

from harness.adapters.answers.asked import objects, plain_text
from harness.adapters.answers.responses import Responses
from harness.adapters.answers.responses_items import FIELDS
from harness.adapters.answers.responses_stream import ResponsesVoice
from harness.adapters.answers.sse import Sent, new_event, respelled
from harness.adapters.struck.dialect import AT, Body, retold, text_of, with_text
from harness.faults.conversation import Answer, Asked, Messages

_EVENTS: Final = {
    "function_call": "response.function_call_arguments",
    "custom_tool_call": "response.custom_tool_call_input",
}
_INSTRUCTIONS: Final = (-1,)
_ADDED: Final = "response.output_item.added"
_ENDING: Final = frozenset({"response.completed", "response.incomplete"})


class ResponsesDialect:
    """Read and write the bodies of the Responses API."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        return Responses().tools(request)

    def messages(self, request: Body) -> Messages:
        said, told = request.get("input"), request.get("instructions")
        found: Messages = [{"role": "system", "content": told, AT: _INSTRUCTIONS}] if isinstance(told, str) else []
        if isinstance(said, str):
            return [*found, {"role": "user", "content": said, AT: (0,)}]
        for place, item in enumerate(said if isinstance(said, list) else ()):
            role = _role(item)
            if role == "assistant" and found and found[-1]["role"] == "assistant":
                found[-1][AT] += (place,)  # the items of one answer are one turn: its calls stay with each other
            else:
                found.append({"role": role, "content": _text(item), AT: (place,)})
        return found

    def asked(self, request: Body, messages: Messages) -> Body:
        told = [one["content"] for one in messages if one.get(AT, _INSTRUCTIONS) == _INSTRUCTIONS]
        request = {**request, "instructions": told[0]} if told else request
        rest = [one for one in messages if one.get(AT, _INSTRUCTIONS) != _INSTRUCTIONS]
        said = request.get("input")
        if isinstance(said, str):
            return {**request, "input": rest[0]["content"]}
        return {**request, "input": [item for one in rest for item in _items(said, one)]} if rest else request

    def answers(self, body: Body) -> list[Answer]:
        output = list(objects(body.get("output")))
        texts = [_text(item) or "" for item in output if item.get("type") == "message"]
        return [Answer("".join(texts), tuple(_called(item) for item in output if item.get("type") in FIELDS))]

    def answered(self, body: Body, answers: Sequence[Answer]) -> Body:
        (said,), (before,) = answers, self.answers(body)
        calls, texts = iter(said.calls), chain([said.text], repeat(""))
        output = []
        for item in body["output"]:
            kind = item.get("type") if isinstance(item, dict) else None
            if kind in FIELDS:
                output.append(_recalled(item, next(calls)))
            elif kind == "message" and said.text != before.text and _text(item) is not None:
                output.append(_reworded(item, next(texts)))
            else:
                output.append(item)
        return {**body, "output": output}

    def heard(self, events: Sequence[Sent]) -> Body | None:
        voice, ended, numbers = ResponsesVoice(), False, set[Any]()
        for sent in events:
            if sent.data is None and sent.readable:
                continue
            if sent.data is None or voice.is_failure(sent.data) or voice.contradicts(sent.data):
                return None
            voice.heard(sent.data)
            ended = ended or sent.data.get("type") in _ENDING
            numbers |= {sent.data.get("output_index")} if sent.data.get("type") == _ADDED else set()
        body = voice.body()
        return body if ended and numbers == set(range(len(body["output"]))) else None

    def respelled(self, events: Sequence[Sent], before: Body, answers: Sequence[Answer]) -> bytes:
        after = self.answered(before, answers)
        pairs = enumerate(zip(after["output"], before["output"], strict=True))
        new = {number: item for number, (item, old) in pairs if item != old}
        out, count = [], 0
        for sent in events:
            if sent.data is None:
                out.append(sent.raw)
                continue
            for data in _instead(sent.data, new, after["output"]):
                out.append(_spelled(sent, data, count))
                count += 1
        return b"".join(out)


def _role(item: Any) -> str:
    kind = item.get("type", "message") if isinstance(item, dict) else ""
    if kind == "message":
        return str(item.get("role"))
    return "tool" if str(kind).endswith("_output") else "assistant"


def _text(item: Any) -> str | None:
    return text_of(item.get("content")) if isinstance(item, dict) else None


def _items(said: Any, message: Body) -> list[Any]:
    """Give the items of a turn, with the text it has now where it is one message."""
    items = [said[place] for place in message[AT]]
    if _role(items[0]) == "assistant":
        return items
    return [retold(items[0], message["content"])] if isinstance(items[0], dict) else items


def _called(item: Body) -> Asked:
    return Asked(plain_text(item.get("name")), plain_text(item.get(FIELDS[item["type"]])))


def _recalled(item: Body, asked: Asked) -> Body:
    if _called(item) == asked:
        return item
    return {**item, "name": asked.tool, FIELDS[item["type"]]: asked.arguments}


def _reworded(item: Body, text: str) -> Body:
    """Give a message with another text; what pointed at places in the old one points nowhere now."""
    parts = [
        {**part, **{name: [] for name in ("annotations", "logprobs") if name in part}}
        for part in with_text(item["content"], text)
    ]
    return {**item, "content": parts}


# --- streams ---------------------------------------------------------------------------------------------------------


def _instead(data: Body, new: dict[int, Body], output: list[Body]) -> Iterator[Body]:
    """Yield the events that a stream holds in the place of one: those of a changed item all where it begins."""
    number, kind = data.get("output_index"), data.get("type")
    if kind in _ENDING:
        response = data.get("response") or {}
        yield {**data, "response": {**response, "output": output}} if response.get("output") else data
    elif not isinstance(number, int) or number not in new:
        yield data
    elif kind == _ADDED:
        yield from (_of_message if new[number]["type"] == "message" else _of_call)(new[number], number)


def _spelled(sent: Sent, data: Body, count: int) -> bytes:
    """Spell an event with its number in the stream, where it has one; its very bytes where it is the one that came."""
    assert sent.data is not None
    if "sequence_number" in sent.data and data.get("sequence_number") != count:
        data = {**data, "sequence_number": count}
    if data == sent.data:
        return sent.raw
    same = data.get("type") == sent.data.get("type")
    return respelled(sent, data) if same else new_event(data, data["type"])


def _of_message(item: Body, number: int) -> Iterator[Body]:
    yield _added({**item, "content": []}, number)
    for place, part in enumerate(item["content"]):
        at = {"item_id": item.get("id"), "output_index": number, "content_index": place}
        if part.get("type") != "output_text":
            yield {"type": "response.content_part.added", **at, "part": part}
        else:
            yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
            if part["text"]:
                yield {"type": "response.output_text.delta", **at, "delta": part["text"], "logprobs": []}
            yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": part}
    yield {"type": "response.output_item.done", "output_index": number, "item": item}


def _of_call(item: Body, number: int) -> Iterator[Body]:
    field, name = FIELDS[item["type"]], _EVENTS[item["type"]]
    at = {"item_id": item.get("id"), "output_index": number}
    yield _added({**item, field: ""}, number)
    yield {"type": f"{name}.delta", **at, "delta": item[field]}
    yield {"type": f"{name}.done", **at, field: item[field]}
    yield {"type": "response.output_item.done", "output_index": number, "item": item}


def _added(item: Body, number: int) -> Body:
    return {"type": _ADDED, "output_index": number, "item": {**item, "status": "in_progress"}}
