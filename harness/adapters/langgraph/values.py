"""What tools and stores of LangChain give, as JSON data and back: messages, documents, commands and plain values."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any, Final

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, messages_from_dict
from langchain_core.messages.tool import ToolOutputMixin
from langgraph.errors import GraphBubbleUp, GraphInterrupt, ParentCommand
from langgraph.store.base import Item, SearchItem
from langgraph.types import Command, Interrupt, Send

from harness.errors import NotRecordable
from harness.trace.outcome import Failed
from harness.trace.value import ATOMS, decode_value, encode_value, holds_objects

_TYPE: Final = "$type"
_MESSAGE: Final = "langchain:message"
_KINDS: Final[dict[str, tuple[type, tuple[str, ...]]]] = {
    "langchain:document": (Document, ("id", "metadata", "page_content")),
    "langgraph:command": (Command, tuple(field.name for field in dataclasses.fields(Command))),
    "langgraph:interrupt": (Interrupt, ("id", "response_schema", "value")),
    "langgraph:item": (Item, ("created_at", "key", "namespace", "updated_at", "value")),
    "langgraph:found": (SearchItem, ("created_at", "key", "namespace", "score", "updated_at", "value")),
}
_NAMES: Final = {kind: name for name, (kind, _) in _KINDS.items()}
_SEND: Final = "langgraph:send"


def written(value: Any) -> Any:
    """Write a value as JSON data that gives an equal one back; NotRecordable for what would not. O(size)."""
    return _written(value, _leaf)


def result_written(value: Any, *, shown: bool, in_parts: bool) -> Any:
    """Write what a tool gave; where a model is ``shown`` it, what is no JSON data as the text that is shown for it.

    ``in_parts`` says that it is a content, which is shown, and an artifact, which is not.
    """
    if not shown:
        return written(value)
    if in_parts and isinstance(value, tuple) and len(value) == 2:
        parts = [result_written(value[0], shown=True, in_parts=False), written(value[1])]
        return {_TYPE: "tuple", "value": parts}
    try:
        return _written(value, _plain)
    except NotRecordable:
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, ToolOutputMixin) for item in items):
            return written(value)  # a model is not shown these as text
        return _text(value)


def read(data: Any) -> Any:
    """Make the like of a value again from what ``written`` wrote. O(size)."""
    if isinstance(data, list):
        return [read(item) for item in data]
    if not isinstance(data, dict):
        return data
    kind = data.get(_TYPE)
    if kind is None:
        return {key: read(item) for key, item in data.items()}
    if kind == _MESSAGE:
        return messages_from_dict([{"type": data["name"], "data": read(data["value"])}])[0]
    if kind == "tuple":
        return tuple(read(item) for item in data["value"])
    if kind == _SEND:
        return Send(data["value"]["node"], read(data["value"]["arg"]))
    if kind in _KINDS:
        return _KINDS[kind][0](**read(data["value"]))
    return decode_value(data)


def bubbled(error: Exception) -> Failed | None:
    """Write what leaves a tool on its way through the graph, and is no failure: nothing has happened by it.

    None for any other error. A tool that is interrupted runs again, from its beginning, once there is an answer.
    """
    if not isinstance(error, GraphBubbleUp):
        return None
    said = written(list(error.args[0])) if isinstance(error, GraphInterrupt) else written(list(error.args))
    kind = type(error)
    described = {
        "bubbles": said,
        "happened": False,
        "message": str(error),
        "type": f"{kind.__module__}:{kind.__qualname__}",
    }
    return Failed(described, retryable=True)


def rebuilt(error: dict[str, Any]) -> Exception | None:
    """Give again what ``bubbled`` wrote; None for any other error."""
    if "bubbles" not in error:
        return None
    said = read(error["bubbles"])
    again: Exception = ParentCommand(*said) if error["type"].endswith(":ParentCommand") else GraphInterrupt(tuple(said))
    return again


def _written(value: Any, leaf: Callable[[Any], Any]) -> Any:
    kind = type(value)
    if kind in ATOMS:
        return leaf(value) if kind is float else value
    if kind is list:
        return [_written(item, leaf) for item in value]
    if kind is tuple:
        return {_TYPE: "tuple", "value": [_written(item, leaf) for item in value]}
    if kind is dict and _TYPE not in value and all(type(key) is str for key in value):
        return {key: _written(item, leaf) for key, item in value.items()}
    if isinstance(value, BaseMessage):
        fields = {name: item for name, item in value if item is not None and name != "type"}
        return _typed(_MESSAGE, {name: _written(item, _leaf) for name, item in fields.items()}, name=value.type)
    if kind is Send:
        return _typed(_SEND, {"arg": _written(value.arg, _leaf), "node": value.node})
    if kind in _NAMES:
        said = {name: getattr(value, name) for name in _KINDS[_NAMES[kind]][1] if hasattr(value, name)}
        return _typed(_NAMES[kind], {name: _written(item, _leaf) for name, item in said.items()})
    return leaf(value)


def _typed(kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {_TYPE: kind, **more, "value": value}


def _leaf(value: Any) -> Any:
    data = encode_value(value)
    if holds_objects(data):
        kind = type(value)
        raise NotRecordable(
            f"a {kind.__module__}.{kind.__qualname__} does not come back from a trace",
            cure="give JSON data, messages or documents of langchain_core, or a Command of them",
        )
    return data


def _plain(value: Any) -> Any:
    if type(value) not in ATOMS or (type(value) is float and not math.isfinite(value)):
        raise NotRecordable("no JSON data")
    return value


def _text(value: Any) -> str:
    """Say a value as LangChain says it to a model."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except Exception:  # noqa: BLE001 - as LangChain does, whatever it raises
        return str(value)
