"""Chat Completions: ``choices`` with a message each, whose calls stand in ``tool_calls``.

An older ``function_call`` is read as a call without an id. Where an answer holds several choices their calls are judged
like any others, but the model is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.adapters.answers.asked import (
    Asked,
    Owed,
    Result,
    Ruling,
    Rulings,
    added,
    arguments,
    as_result,
    objects,
    plain_text,
    relaxed,
    result,
)
from harness.adapters.answers.chat_stream import BREAK, OLDER, ChatVoice

Body = dict[str, Any]


class Chat:
    """Read and write the bodies of Chat Completions."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        for tool in objects(request.get("tools")):
            declared = tool.get("function")
            if isinstance(declared, dict) and isinstance(name := declared.get("name"), str):
                yield name, declared.get("parameters")
        for older in objects(request.get("functions")):
            if isinstance(name := older.get("name"), str):
                yield name, older.get("parameters")

    def results(self, request: Body) -> Iterator[Result]:
        for message in objects(request.get("messages")):
            if _is_result(message):
                yield result(message.get("tool_call_id"), message.get("content"))

    def remembers(self, request: Body) -> bool:
        return False

    def amended(self, request: Body, texts: Mapping[int, str], owed: Mapping[str, Owed]) -> Body:
        if not texts:
            return request
        messages = list(request["messages"])
        places = [place for place, said in enumerate(messages) if isinstance(said, dict) and _is_result(said)]
        for number, text in texts.items():
            messages[places[number]] = {**messages[places[number]], "content": text}
        return {**request, "messages": messages}

    def calls(self, body: Body) -> list[Asked]:
        found = []
        for choice, message in _messages(body):
            for place, call in enumerate(_list(message.get("tool_calls"))):
                if isinstance(call, dict):
                    found.append(_asked((choice, place), call))
            older = message.get("function_call")
            if isinstance(older, dict):
                found.append(
                    Asked((choice, OLDER), "", plain_text(older.get("name")), arguments(older.get("arguments")))
                )
        return found

    def changed(self, body: Body, rulings: Rulings, *, tell: bool) -> Body:
        choices = list(_list(body.get("choices")))
        for place, number in _numbers(choices).items():
            choice, note = choices[place], rulings.told(number) if tell else ""
            choices[place] = _choice_changed(choice, choice["message"], number, rulings, note)
        return {**body, "choices": choices}

    def joined(self, before: Body, after: Body) -> Body:
        choices = list(objects(after.get("choices")))
        said, more = _messages(before), _messages(after)
        if said and more:
            content = with_text(said[0][1].get("content"), more[0][1].get("content"))
            choices[0] = {**choices[0], "message": {**more[0][1], "content": content}}
        return {**after, "choices": choices, "usage": added(before.get("usage"), after.get("usage"))}

    def again(self, request: Body, body: Body, rulings: Sequence[Ruling]) -> Body | None:
        messages = [message for _, message in _messages(body)]
        if len(messages) != 1:
            return None
        told = [_as_message(ruling) for ruling in rulings]
        return relaxed({**request, "messages": [*_list(request.get("messages")), messages[0], *told]}, "auto")

    def owed(self, request: Body, shown: Body, body: Body, rulings: Sequence[Ruling]) -> Owed | None:
        return None  # every request tells the whole conversation, as the client knows it

    def voice(self) -> ChatVoice:
        return ChatVoice()


def with_text(before: Any, after: Any) -> Any:
    """Join two contents of messages, texts or lists of parts."""
    if not before or not after:
        return after or before
    if isinstance(before, str) and isinstance(after, str):
        return before + BREAK + after
    return [*_parts(before), *_parts(after)]


def _choice_changed(choice: Body, message: Body, index: int, rulings: Rulings, note: str) -> Body:
    calls = []
    for place, call in enumerate(_list(message.get("tool_calls"))):
        if not rulings.refused((index, place)):
            calls.append(_with_arguments(call, rulings, (index, place)))
    message = {name: value for name, value in message.items() if name != "tool_calls"}
    message |= {"tool_calls": calls} if calls else {}
    if rulings.refused((index, OLDER)):
        del message["function_call"]
    elif (text := rulings.text((index, OLDER))) is not None:
        message["function_call"] = {**message["function_call"], "arguments": text}
    if note:
        message["content"] = with_text(message.get("content"), note)
    choice = {**choice, "message": message}
    if choice.get("finish_reason") in ("tool_calls", "function_call") and not rulings.left(index):
        choice["finish_reason"] = "stop"
    return choice


def _with_arguments(call: Body, rulings: Rulings, place: tuple[int, int]) -> Body:
    args = rulings.args(place)
    if args is None:
        return call
    if isinstance(call.get("custom"), dict):
        return {**call, "custom": {**call["custom"], "input": args.get("input")}}
    return {**call, "function": {**call["function"], "arguments": rulings.text(place)}}


def _asked(place: tuple[int, int], call: Body) -> Asked:
    call_id, custom = plain_text(call.get("id")), call.get("custom")
    if isinstance(custom, dict):
        return Asked(place, call_id, plain_text(custom.get("name")), {"input": plain_text(custom.get("input"))})
    declared = call.get("function")
    function = declared if isinstance(declared, dict) else {}
    return Asked(place, call_id, plain_text(function.get("name")), arguments(function.get("arguments")))


def _as_message(ruling: Ruling) -> Body:
    if ruling.asked.place[1] == OLDER:
        return {"role": "function", "name": ruling.asked.tool, "content": as_result(ruling)}
    return {"role": "tool", "tool_call_id": ruling.asked.id, "content": as_result(ruling)}


def _messages(body: Body) -> list[tuple[int, Body]]:
    """Give the messages of an answer with the numbers of their choices."""
    choices = _list(body.get("choices"))
    return [(number, choices[place]["message"]) for place, number in _numbers(choices).items()]


def _numbers(choices: list[Any]) -> dict[int, int]:
    """Give the numbers of the choices that hold a message, by place: their own, or that place where two are alike."""
    places = [
        place
        for place, choice in enumerate(choices)
        if isinstance(choice, dict) and isinstance(choice.get("message"), dict)
    ]
    said = [choices[place].get("index") for place in places]
    plain = all(type(number) is int for number in said) and len(set(said)) == len(said)
    return dict(zip(places, said if plain else places, strict=True))


def _is_result(message: Body) -> bool:
    return message.get("role") in ("tool", "function")


def _list(items: Any) -> list[Any]:
    return items if isinstance(items, list) else []


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
