"""Chat Completions: messages with roles; an answer has choices with a message each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.adapters.answers.asked import objects, plain_text
from harness.adapters.answers.chat import Chat
from harness.adapters.answers.chat_stream import ChatVoice
from harness.adapters.answers.sse import Sent, respelled
from harness.adapters.struck.dialect import AT, Body, retold, text_of, with_text
from harness.faults.conversation import Answer, Asked, Messages

_OLDER: Final = "function_call"


class ChatDialect:
    """Read and write the bodies of Chat Completions."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        return Chat().tools(request)

    def messages(self, request: Body) -> Messages:
        said = request.get("messages")
        return [
            {"role": _role(one), "content": text_of(one.get("content")), AT: place}
            for place, one in enumerate(said if isinstance(said, list) else ())
            if isinstance(one, dict)
        ]

    def asked(self, request: Body, messages: Messages) -> Body:
        said = request["messages"]
        return {
            **request,
            "messages": [retold(said[one[AT]], one["content"]) if AT in one else one for one in messages],
        }

    def answers(self, body: Body) -> list[Answer]:
        return [
            Answer(text_of(message.get("content")) or "", tuple(_called(call) for call in _calls(message)))
            for message in _messages(body)
        ]

    def answered(self, body: Body, answers: Sequence[Answer]) -> Body:
        said = iter(answers)
        choices = [
            {**choice, "message": _restated(choice["message"], next(said))} if _speaks(choice) else choice
            for choice in body["choices"]
        ]
        return {**body, "choices": choices}

    def heard(self, events: Sequence[Sent]) -> Body | None:
        voice = ChatVoice()
        for sent in events:
            if not sent.readable or (sent.data is not None and voice.is_failure(sent.data)):
                return None
            if sent.data is not None:
                voice.heard(sent.data)
        return voice.body()

    def respelled(self, events: Sequence[Sent], before: Body, answers: Sequence[Answer]) -> bytes:
        after = self.answered(before, answers)
        pairs = zip(after["choices"], before["choices"], strict=True)
        new = {one["index"]: one["message"] for one, old in pairs if one != old}
        out = []
        for sent in events:
            data = sent.data and _with_deltas(sent.data, new)
            out.append(sent.raw if data is sent.data else b"" if data is None else respelled(sent, data))
        return b"".join(out)


def _role(message: Body) -> str:
    role = message.get("role")
    return "tool" if role == "function" else str(role)


def _speaks(choice: Any) -> bool:
    return isinstance(choice, dict) and isinstance(choice.get("message"), dict)


def _messages(body: Body) -> list[Body]:
    return [choice["message"] for choice in objects(body.get("choices")) if _speaks(choice)]


def _calls(message: Body) -> list[Body]:
    """Give the calls that a message asks for, an older one (``function_call``) last."""
    older = message.get(_OLDER)
    return [*objects(message.get("tool_calls")), *([{"function": older}] if isinstance(older, dict) else [])]


def _parts(call: Body) -> tuple[str, str]:
    """Give where a call holds what it wants: the object, and its field."""
    return ("custom", "input") if isinstance(call.get("custom"), dict) else ("function", "arguments")


def _called(call: Body) -> Asked:
    kind, field = _parts(call)
    inner = call.get(kind)
    wants = inner if isinstance(inner, dict) else {}
    return Asked(plain_text(wants.get("name")), plain_text(wants.get(field)))


def _restated(message: Body, answer: Answer) -> Body:
    if answer.text != (text_of(message.get("content")) or ""):
        message = {**message, "content": with_text(message.get("content"), answer.text)}
    calls = [
        call if _called(call) == asked else _recalled(call, asked)
        for call, asked in zip(_calls(message), answer.calls, strict=True)
    ]
    if isinstance(message.get(_OLDER), dict):
        message = {**message, _OLDER: calls.pop()["function"]}
    return {**message, "tool_calls": calls} if calls else message


def _recalled(call: Body, asked: Asked) -> Body:
    kind, field = _parts(call)
    return {**call, kind: {**(call.get(kind) or {}), "name": asked.tool, field: asked.arguments}}


def _with_deltas(data: Body, new: dict[int, Body]) -> Body | None:
    """Give a chunk with the first delta of each changed choice saying all of it; None where nothing is left.

    ``new`` are the messages that have not been said yet, by choice: a choice that has spoken has nothing left to say.
    """
    choices = []
    for choice in objects(data.get("choices")):
        message = new.get(choice.get("index", 0))
        if message is None:
            choices.append(choice)
        elif message or choice.get("finish_reason") is not None:
            chances = {"logprobs": None} if "logprobs" in choice else {}
            choices.append({**choice, "delta": _delta(message), **chances})
            new[choice.get("index", 0)] = {}
    if choices == (data.get("choices") or []):
        return data
    return {**data, "choices": choices} if choices or data.get("usage") else None


def _delta(message: Body) -> Body:
    calls = [{"index": place, **call} for place, call in enumerate(objects(message.get("tool_calls")))]
    return {**message, "tool_calls": calls} if calls else message
