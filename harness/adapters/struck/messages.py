"""Anthropic's Messages API: turns of blocks, with the system's words beside them; an answer is a list of blocks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

from harness.adapters.answers.asked import UNPARSED, objects, plain_text
from harness.adapters.answers.messages import Messages as Shape
from harness.adapters.answers.messages_stream import CALL, MessagesVoice
from harness.adapters.answers.sse import Sent, new_event, read_json, respelled
from harness.adapters.struck.dialect import AT, Body, is_text, retold, text_of, with_text
from harness.faults.conversation import Answer, Asked, Messages

_SYSTEM: Final = -1
_BEGIN: Final = {"role": "user", "content": "Go on."}


class MessagesDialect:
    """Read and write the bodies of the Messages API."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        return Shape().tools(request)

    def messages(self, request: Body) -> Messages:
        told, said = text_of(request.get("system")), request.get("messages")
        found: Messages = [] if told is None else [{"role": "system", "content": told, AT: _SYSTEM}]
        return found + [
            {"role": _role(one), "content": text_of(one.get("content")), AT: place}
            for place, one in enumerate(said if isinstance(said, list) else ())
            if isinstance(one, dict)
        ]

    def asked(self, request: Body, messages: Messages) -> Body:
        told = [one["content"] for one in messages if one.get(AT, _SYSTEM) == _SYSTEM]
        if told and told[0] != text_of(request.get("system")):
            request = {**request, "system": with_text(request.get("system"), told[0])}
        places = [one for one in messages if one.get(AT, _SYSTEM) != _SYSTEM]
        said = [retold(request["messages"][one[AT]], one["content"]) for one in places]
        if said and said[0].get("role") == "assistant" and said[0] is not request["messages"][0]:
            said = [_BEGIN, *said]  # no conversation of this API begins with its model
        return {**request, "messages": said}

    def answers(self, body: Body) -> list[Answer]:
        blocks = list(objects(body.get("content")))
        calls = tuple(_called(block) for block in blocks if block.get("type") == CALL)
        return [Answer("".join(block["text"] for block in blocks if is_text(block)), calls)]

    def answered(self, body: Body, answers: Sequence[Answer]) -> Body:
        blocks = _restated(body["content"], self.answers(body)[0], answers[0])
        return {**body, "content": [block for block, stays in zip(blocks, _stay(blocks), strict=True) if stays]}

    def heard(self, events: Sequence[Sent]) -> Body | None:
        voice, ended = MessagesVoice(), False
        for sent in events:
            if sent.data is None and sent.readable:
                continue
            if sent.data is None or voice.is_failure(sent.data) or voice.contradicts(sent.data):
                return None
            voice.heard(sent.data)
            ended = ended or sent.data.get("type") == "message_stop"
        return voice.body() if ended else None

    def respelled(self, events: Sequence[Sent], before: Body, answers: Sequence[Answer]) -> bytes:
        blocks = _restated(before["content"], self.answers(before)[0], answers[0])
        begun = [sent.data for sent in events if sent.data is not None and _begins(sent.data)]
        numbers = sorted(data["index"] for data in begun)
        gone = [number for number, stays in zip(numbers, _stay(blocks), strict=True) if not stays]
        triples = zip(numbers, blocks, before["content"], strict=True)
        new = {number: block for number, block, old in triples if block != old}
        out = []
        for sent in events:
            data = sent.data or {}
            number = data.get("index")
            if number is None:
                out.append(sent.raw)
            elif number not in gone:
                shown = number - sum(one < number for one in gone)
                out += _shown(sent, {**data, "index": shown}, new.get(number))
        return b"".join(out)


def _role(message: Body) -> str:
    """Give who speaks; a turn of the user's that brings results of calls is a tool's."""
    if any(block.get("type") == "tool_result" for block in objects(message.get("content"))):
        return "tool"
    return str(message.get("role"))


def _called(block: Body) -> Asked:
    wants = block.get("input")
    if isinstance(wants, dict) and list(wants) == [UNPARSED]:
        text = str(wants[UNPARSED])
    else:
        text = json.dumps(wants, ensure_ascii=False)
    return Asked(plain_text(block.get("name")), text)


def _restated(content: Sequence[Any], before: Answer, said: Answer) -> list[Any]:
    """Give blocks that say something else, each in the place of the one before."""
    calls, texts = iter(said.calls), chain([said.text], repeat(""))
    blocks: list[Any] = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == CALL:
            blocks.append(_recalled(block, next(calls)))
        elif isinstance(block, dict) and is_text(block) and said.text != before.text:
            blocks.append({**block, "text": next(texts)})
        else:
            blocks.append(block)
    return blocks


def _recalled(block: Body, asked: Asked) -> Body:
    """Give a block that makes another call; arguments that are no object stay the text they are."""
    if _called(block) == asked:
        return block
    wants = read_json(asked.arguments)
    return {**block, "name": asked.tool, "input": wants if isinstance(wants, dict) else asked.arguments}


def _stay(blocks: Sequence[Any]) -> list[bool]:
    """Tell which blocks stay: none that has lost its text, which the API takes not back, unless all have."""
    stay = [not isinstance(block, dict) or block.get("type") != "text" or bool(block.get("text")) for block in blocks]
    return stay if any(stay) else [place == 0 for place, _ in enumerate(blocks)]


def _begins(data: Body) -> bool:
    return data.get("type") == "content_block_start"


def _shown(sent: Sent, data: Body, new: Body | None) -> list[bytes]:
    """Spell an event of a block; those of one that is new all where it begins."""
    if new is None:
        return [sent.raw if data == sent.data else respelled(sent, data)]
    return [new_event(event, event["type"]) for event in _events(new, data["index"])] if _begins(data) else []


def _events(block: Body, number: int) -> Iterator[Body]:
    """Yield the events that bring a block, as a server would."""
    call = block["type"] == CALL
    wants = json.dumps(block["input"], ensure_ascii=False) if call else ""
    begun = {**block, "input": {}} if call else {**block, "text": ""}
    yield {"type": "content_block_start", "index": number, "content_block": begun}
    delta = (
        {"type": "input_json_delta", "partial_json": wants} if call else {"type": "text_delta", "text": block["text"]}
    )
    yield {"type": "content_block_delta", "index": number, "delta": delta}
    yield {"type": "content_block_stop", "index": number}
