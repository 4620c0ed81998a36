"""Read the body of a model request into one value, the same for Chat Completions, Responses and Anthropic's Messages.

What it does not do: check the request against a full schema. Unknown fields are kept in ``body`` and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from harness.determinism import canonical
from harness.errors import NotRecordable, UsageError
from harness.trace.chat import text_of

CHAT: Final = "/v1/chat/completions"
RESPONSES: Final = "/v1/responses"
MESSAGES: Final = "/v1/messages"

ChatMessage: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a policy may look at.

    ``messages`` and ``tools`` have the shape of Chat Completions on every path; ``body`` is the JSON that arrived.
    ``number`` is the turn within the conversation, from 0: the assistant messages in its history. ``digest`` names
    the request; equal requests have equal digests, whoever sends them and whenever.
    """

    path: str
    body: dict[str, Any]
    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, Any], ...]
    stream: bool
    digest: str

    @property
    def number(self) -> int:
        """Count the assistant messages before this request."""
        return sum(message.get("role") == "assistant" for message in self.messages)

    @property
    def text(self) -> str:
        """Give the text of the last message."""
        return text_of(self.messages[-1].get("content"))


def read_request(path: str, data: bytes, earlier: Mapping[str, tuple[ChatMessage, ...]]) -> ModelRequest:
    """Read the body of a request to CHAT, RESPONSES or MESSAGES.

    ``earlier`` holds the messages of former responses by id, for ``previous_response_id``. UsageError says which
    field (``where``) is wrong. O(size).
    """
    body, digest = read_body(data)
    if path == RESPONSES:
        messages = _response_messages(body, earlier)
    else:
        messages = _chat_messages(body) if path == CHAT else _block_messages(body)
    if not messages:
        raise UsageError("there is no message to answer", where="input" if path == RESPONSES else "messages")
    return ModelRequest(
        path=path,
        body=body,
        model=read_field(body, "model", str),
        messages=messages,
        tools=tuple(map(_tool, _objects(body, "tools"))),
        stream=read_field(body, "stream", bool, default=False),
        digest=digest,
    )


def read_body(data: bytes) -> tuple[dict[str, Any], str]:
    """Read a JSON object and its digest; UsageError for anything else."""
    try:
        body = canonical.decode(data)
        digest = canonical.digest_of(body)
    except (ValueError, RecursionError, NotRecordable) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise UsageError(f"the body is a JSON {type(body).__name__}, not an object")
    return body, digest


def read_field(body: dict[str, Any], name: str, kind: type, *, default: Any = None) -> Any:
    """Give a field of a body, or the default where it is absent or null; UsageError for another type or none."""
    value = body.get(name)
    value = default if value is None else value
    if value is None:
        raise UsageError(f"the field {name!r} is missing", where=name)
    if type(value) is not kind:
        raise UsageError(f"the field {name!r} is a {type(value).__name__}, not a {kind.__name__}", where=name)
    return value


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read_field(body, name, list, default=[])
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise UsageError(f"{name}[{index}] is a {type(item).__name__}, not an object", where=f"{name}[{index}]")
    return items


def _chat_messages(body: dict[str, Any]) -> tuple[ChatMessage, ...]:
    read_field(body, "messages", list)
    read_field(body, "stream_options", dict, default={})
    read_field(body, "logprobs", bool, default=False)
    read_field(body, "top_logprobs", int, default=0)
    return tuple(_objects(body, "messages"))


def _block_messages(body: dict[str, Any]) -> tuple[ChatMessage, ...]:
    """Read Anthropic's messages, whose content may be blocks: a result of a tool among them is a message of its own."""
    read_field(body, "messages", list)
    system = text_of(body.get("system"))
    messages: list[ChatMessage] = [{"role": "system", "content": system}] if system else []
    for message in _objects(body, "messages"):
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        for block in blocks:
            if block.get("type") == "tool_result":
                said = text_of(block.get("content"))
                messages.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": said})
        calls = [_used(block) for block in blocks if block.get("type") == "tool_use"]
        rest = [block for block in blocks if block.get("type") not in ("tool_result", "tool_use")]
        if calls:
            messages.append({"role": "assistant", "content": text_of(rest) or None, "tool_calls": calls})
        elif rest or not blocks:
            messages.append({"role": message.get("role"), "content": rest or content})
    return tuple(messages)


def _used(block: dict[str, Any]) -> dict[str, Any]:
    function = {"name": block.get("name"), "arguments": canonical.encode_as_is(block.get("input")).decode()}
    return {"id": block.get("id"), "type": "function", "function": function}


def _response_messages(body: dict[str, Any], earlier: Mapping[str, tuple[ChatMessage, ...]]) -> tuple[ChatMessage, ...]:
    messages: list[ChatMessage] = []
    if instructions := read_field(body, "instructions", str, default=""):
        messages.append({"role": "system", "content": instructions})
    if previous := read_field(body, "previous_response_id", str, default=""):
        if previous not in earlier:
            raise UsageError(f"no response {previous!r} was given by this server", where="previous_response_id")
        messages.extend(earlier[previous])
    if isinstance(body.get("input"), str):
        messages.append({"role": "user", "content": body["input"]})
    else:
        _add_items(messages, _objects(body, "input"))
    return tuple(messages)


def _add_items(messages: list[ChatMessage], items: list[dict[str, Any]]) -> None:
    """Add Responses items as chat messages; reasoning and the like, which no chat message holds, stay in the body."""
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            messages.append({"role": item.get("role"), "content": item.get("content")})
        elif kind == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")})
        elif kind == "function_call":
            _add_call(messages, item)


def _add_call(messages: list[ChatMessage], item: dict[str, Any]) -> None:
    """Add a call to the assistant message it follows: the items of one response are one turn."""
    joins = bool(messages) and messages[-1]["role"] == "assistant"
    turn: ChatMessage = messages.pop() if joins else {"role": "assistant", "content": None}
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    messages.append({**turn, "tool_calls": [*turn.get("tool_calls", []), call]})


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "input_schema" in tool:
        function = {"name": tool.get("name"), "description": tool.get("description")}
        return {"type": "function", "function": {**function, "parameters": tool["input_schema"]}}
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}
