"""Chat messages in the shape of the GenAI conventions (roles and parts), and back as Chat Completions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.chat import Message, read_message


def as_parts(message: Message) -> dict[str, Any]:
    """Give a message as ``{"role", "parts"}``; images and other content that is no text are left out."""
    raw = message.raw
    if message.role == "tool":
        call_id = raw.get("tool_call_id", raw.get("call_id"))
        part = {"type": "tool_call_response", "id": call_id, "response": message.text}
        return {"role": "tool", "parts": [part]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": message.text}] if message.text else []
    for call, said in zip(message.tool_calls, _arguments(raw), strict=True):
        arguments = said if call["args"] is None else call["args"]
        parts.append({"type": "tool_call", "id": call["id"], "name": call["tool"], "arguments": arguments})
    return {"role": message.role, "parts": parts}


def inputs(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the messages of a model's request, of Chat Completions or Responses, with parts."""
    said = request.get("messages", request.get("input"))
    if isinstance(said, str):
        said = [{"role": "user", "content": said}]
    found = _told(item for item in said or () if isinstance(item, dict))
    instructions = request.get("instructions")
    system = {"role": "system", "parts": [{"type": "text", "content": instructions}]}
    return [system, *found] if isinstance(instructions, str) and instructions else found


def outputs(replies: Iterable[dict[str, Any]], finish_reasons: tuple[str, ...]) -> list[dict[str, Any]]:
    """Give the messages of a model's answer with parts and the reason why each ended."""
    found = _told(replies)
    for number, message in enumerate(found):
        message["finish_reason"] = finish_reasons[min(number, len(finish_reasons) - 1)] if finish_reasons else ""
    return found


def as_chat(said: Any) -> Iterator[dict[str, Any]]:
    """Give a message with parts as Chat Completions messages: one, or one for each answer of a tool in it.

    A part of another kind stays as it is among the contents. UsageError where it is no such message.
    """
    if not isinstance(said, dict) or not isinstance(said.get("role"), str):
        raise UsageError(f"a message is an object with a role, not {str(said)[:80]!r}")
    parts = said.get("parts", [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise UsageError("the parts of a message are a list of objects")
    answers = [part for part in parts if part.get("type") == "tool_call_response"]
    for part in answers:
        response = part.get("response", part.get("result"))
        yield {"role": "tool", "tool_call_id": part.get("id"), "content": text_of(response)}
    rest = [part for part in parts if part.get("type") != "tool_call_response"]
    if rest or not answers:
        yield _spoken(said["role"], rest)


def tool_call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """Give a call as an assistant's message holds it."""
    said = arguments if isinstance(arguments, str) else text_of({} if arguments is None else arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": said}}


def text_of(value: Any) -> str:
    """Give a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else canonical.encode_as_is(value).decode()


def _told(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the items that are messages; others, such as a model's hidden reasoning, are nobody's words."""
    return [as_parts(message) for message in map(read_message, items) if message.role]


def _arguments(raw: dict[str, Any]) -> list[Any]:
    """Give the arguments of a message's calls as they were written."""
    if raw.get("type") == "function_call":
        return [raw.get("arguments")]
    functions = (call.get("function") for call in raw.get("tool_calls") or () if isinstance(call, dict))
    return [function.get("arguments") for function in functions if isinstance(function, dict)]


def _spoken(role: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    calls = [tool_call(p.get("id"), p.get("name"), p.get("arguments")) for p in parts if p.get("type") == "tool_call"]
    said = [part for part in parts if part.get("type") != "tool_call"]
    content: Any = None
    if all(part.get("type") == "text" for part in said):
        content = "".join(text_of(part.get("content", "")) for part in said) if said else None
    else:
        content = [
            {"type": "text", "text": text_of(part.get("content", ""))} if part.get("type") == "text" else part
            for part in said
        ]
    return {"role": role, "content": content} | ({"tool_calls": calls} if calls else {})
