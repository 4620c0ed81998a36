"""Anthropic's Messages API: an answer is a list of ``content`` blocks, a call one of type ``tool_use``.

What the server runs itself (``server_tool_use``, hosted MCP) is not judged: its result stands in the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from harness.adapters.answers.asked import (
    Asked,
    Owed,
    Result,
    Ruling,
    Rulings,
    added,
    as_result,
    data_of,
    objects,
    plain_text,
    relaxed,
    result,
)
from harness.adapters.answers.messages_stream import CALL, MessagesVoice

Body = dict[str, Any]


class Messages:
    """Read and write the bodies of the Messages API."""

    def tools(self, request: Body) -> Iterator[tuple[str, Any]]:
        for tool in objects(request.get("tools")):
            if isinstance(name := tool.get("name"), str):
                yield name, tool.get("input_schema")

    def results(self, request: Body) -> Iterator[Result]:
        for message in objects(request.get("messages")):
            for block in objects(message.get("content")):
                if block.get("type") == "tool_result":
                    failed = block.get("is_error") is True
                    yield result(block.get("tool_use_id"), block.get("content"), failed=failed)

    def remembers(self, request: Body) -> bool:
        return False

    def amended(self, request: Body, texts: Mapping[int, str], owed: Mapping[str, Owed]) -> Body:
        if not texts:
            return request
        numbers = count()
        messages = [
            {**message, "content": [_with_text(block, texts, numbers) for block in message["content"]]}
            if isinstance(message, dict) and isinstance(message.get("content"), list)
            else message
            for message in request["messages"]
        ]
        return {**request, "messages": messages}

    def calls(self, body: Body) -> list[Asked]:
        return [
            Asked((0, place), plain_text(block.get("id")), plain_text(block.get("name")), data_of(block.get("input")))
            for place, block in enumerate(_content(body))
            if isinstance(block, dict) and block.get("type") == CALL
        ]

    def changed(self, body: Body, rulings: Rulings, *, tell: bool) -> Body:
        content = []
        for place, block in enumerate(_content(body)):
            if not rulings.refused((0, place)):
                args = rulings.args((0, place))
                content.append(block if args is None else {**block, "input": args})
        if tell and (text := rulings.told()):
            content.append({"type": "text", "text": text})
        calls = any(isinstance(block, dict) and block.get("type") == CALL for block in content)
        ended = body.get("stop_reason") == CALL and not calls
        return {**body, "content": content} | ({"stop_reason": "end_turn"} if ended else {})

    def joined(self, before: Body, after: Body) -> Body:
        content = [*_content(before), *_content(after)]
        return {**after, "content": content, "usage": added(before.get("usage"), after.get("usage"))}

    def again(self, request: Body, body: Body, rulings: Sequence[Ruling]) -> Body | None:
        told = [
            {"type": "tool_result", "tool_use_id": one.asked.id, "content": as_result(one), "is_error": True}
            for one in rulings
        ]
        said = [block for block in _content(body) if block != {"type": "text", "text": ""}]
        further = [{"role": "assistant", "content": said}, {"role": "user", "content": told}]
        chosen = request.get("tool_choice")
        free = {**chosen, "type": "auto"} if isinstance(chosen, dict) else chosen
        if isinstance(free, dict):
            free.pop("name", None)
        before = request.get("messages")
        messages = [*(before if isinstance(before, list) else []), *further]
        return relaxed({**request, "messages": messages}, free)

    def owed(self, request: Body, shown: Body, body: Body, rulings: Sequence[Ruling]) -> Owed | None:
        return None  # every request tells the whole conversation, as the client knows it

    def voice(self) -> MessagesVoice:
        return MessagesVoice()


def _with_text(block: Any, texts: Mapping[int, str], numbers: Iterator[int]) -> Any:
    if not isinstance(block, dict) or block.get("type") != "tool_result":
        return block
    number = next(numbers)
    return {**block, "content": texts[number], "is_error": True} if number in texts else block


def _content(body: Body) -> list[Any]:
    content = body.get("content")
    return content if isinstance(content, list) else []
