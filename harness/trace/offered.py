"""What requests and answers of a model say of tools: which it is offered, which it asks for, what came of that.

Chat Completions, Responses and Anthropic's messages are read alike. A tool is *hosted* where the provider of the model
runs it: whatever is no function of the client's. What is configured at the provider (a stored prompt with tools of its
own) is seen only by what the answers say of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from harness.trace.chat import messages_in
from harness.trace.covered import SurfaceKind
from harness.trace.event import Event

_CLIENT_RUN: Final = ("function", "custom", "computer", "local_shell", "shell", "apply_patch")
_CLIENT_RUN_DATED: Final = ("bash", "text_editor", "memory")  # with Anthropic these end in a date
_VERSION: Final = re.compile(r"(_preview)?(_\d{4}_?\d{2}_?\d{2})?$")
_HOSTED_USES: Final = ("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call")
_ITEMS: Final = {
    "custom_tool_call": "",
    "computer_call": "computer",
    "local_shell_call": "local_shell",
    "shell_call": "shell",
    "apply_patch_call": "apply_patch",
}
"""The calls of the Responses API that are no function calls, by what they are of; empty where they name it."""


class Asked(NamedTuple):
    """A call that a model asks for; ``id`` is empty where it has none."""

    id: str
    tool: str


def offered(options: dict[str, Any]) -> Iterator[tuple[SurfaceKind, str]]:
    """Yield the tools that a request offers: what runs them, and their names."""
    for tool in _objects(options.get("tools")):
        yield _offered(tool)
    if options.get("web_search_options") is not None:
        yield "hosted", "web_search"
    for server in _objects(options.get("mcp_servers")):
        yield "hosted", f"mcp:{server.get('name', '')}"


def _offered(tool: dict[str, Any]) -> tuple[SurfaceKind, str]:
    form = _VERSION.sub("", str(tool.get("type", "function")))
    if form in ("mcp", "mcp_toolset"):
        return "hosted", f"mcp:{tool.get('server_label') or tool.get('mcp_server_name') or ''}"
    if form == "computer_use":
        form = "computer"
    function = tool.get("function")
    named = (function if isinstance(function, dict) else tool).get("name")
    dated = "input_schema" in tool or form in _CLIENT_RUN_DATED
    return ("tool" if form in _CLIENT_RUN or dated else "hosted"), str(named or form)


def asked_in(event: Event, action: Event | None) -> Iterator[Asked]:
    """Yield the calls that the assistant asks for in a message or an answer; ``action`` is the answered call."""
    for message in messages_in(event, action):
        for call in message.tool_calls:
            yield Asked(_text(call["id"]), _text(call["tool"]))
        form = message.raw.get("type")
        if form in _ITEMS:
            yield Asked(_text(message.raw.get("call_id")), _ITEMS[form] or _text(message.raw.get("name")))


def hosted_in(event: Event, action: Event | None) -> Iterator[str]:
    """Yield the hosted tools that an answer says were used."""
    for message in messages_in(event, action):
        for item in (message.raw, *_objects(message.raw.get("content"))):
            form = item.get("type")
            if form in _HOSTED_USES:
                yield form.removesuffix("_call")
            elif form in ("mcp_call", "mcp_tool_use"):
                yield f"mcp:{item.get('server_label') or item.get('server_name') or ''}"
            elif form == "server_tool_use":
                yield _text(item.get("name"))


def answered_in(event: Event) -> Iterator[str]:
    """Yield the ids of the calls whose results a message, or the new part of a request, holds."""
    said = event.body["args"].get("messages") if event.kind == "action" else [event.body["message"]]
    for message in _objects(said):
        if message.get("role") == "tool":
            yield _text(message.get("tool_call_id"))
        elif _text(message.get("type")).endswith("_call_output"):
            yield _text(message.get("call_id"))
        for block in _objects(message.get("content")):
            if block.get("type") == "tool_result":
                yield _text(block.get("tool_use_id"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
