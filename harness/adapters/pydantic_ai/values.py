"""Arguments and results of pydantic-ai's tools as JSON data, and back.

Arguments are written as the JSON that a model would have sent for them. Of results, ToolReturn and the content that
models can see (images, sound, documents) come back as they were, other objects from the annotation of the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic_ai import exceptions, messages
from pydantic_core import PydanticSerializationError, from_json, to_json, to_jsonable_python

from harness.errors import NotRecordable, UsageError
from harness.trace.value import ATOMS, decode_value, encode_value, holds_objects

_CONTENT: Final = {
    f"pydantic_ai.{name}": getattr(messages, name)
    for name in (
        "AudioUrl",
        "BinaryContent",
        "BinaryImage",
        "CachePoint",
        "DocumentUrl",
        "ImageUrl",
        "TextContent",
        "UploadedFile",
        "VideoUrl",
    )
    if hasattr(messages, name)
}
_NAMES: Final = {kind: name for name, kind in _CONTENT.items()}
_RETURN: Final = "pydantic_ai.ToolReturn"
_RETURNED: Final = ("return_value", "content", "metadata", "tools")
_DEFERRED: Final = "pydantic_ai.deferred"


class Deferred:
    """A call that the tool has put off: for somebody's approval, or to be made elsewhere. Nothing has happened."""

    def __init__(self, error: exceptions.ApprovalRequired | exceptions.CallDeferred) -> None:
        self.error = error

    def facts(self) -> dict[str, Any]:
        """Give it as JSON data; NotRecordable where its metadata is none."""
        for_what = "approval" if isinstance(self.error, exceptions.ApprovalRequired) else "call"
        kind = getattr(self.error, "kind", None)
        return {
            "for": for_what,
            "metadata": encode_value(self.error.metadata),
            **({"kind": kind} if kind not in (None, "external") else {}),
        }

    @classmethod
    def from_facts(cls, said: dict[str, Any]) -> Deferred:
        """Make the like of it again."""
        metadata = decode_value(said["metadata"])
        if said["for"] == "approval":
            return cls(exceptions.ApprovalRequired(metadata))
        options = {"kind": said["kind"]} if "kind" in said else {}
        return cls(exceptions.CallDeferred(metadata, **options))


class Arguments:
    """The arguments of one call: as the validated values that the tool takes, and as JSON data.

    A function of one model is offered to models with the fields of that model as its parameters; ``args`` has them so.
    NotRecordable for what has no JSON.
    """

    def __init__(self, tool: Any, values: dict[str, Any]) -> None:
        self._tool, self._values = tool, values
        self._only: str | None = getattr(schema_of(tool), "single_arg_name", None)
        self.args = self._written()

    def given(self, rewritten: dict[str, Any] | None, context: Any) -> dict[str, Any]:
        """Give the values to call the tool with: those that were judged, whatever became of the agent's own.

        ValidationError where the arguments that rules have put in their place do not fit the tool.
        """
        if rewritten is None and self._written() == self.args:
            return self._values
        judged = json.dumps(self.args if rewritten is None else decode_value(rewritten))
        values: dict[str, Any] = self._tool.args_validator.validate_json(judged, context=context)
        return values

    def _written(self) -> dict[str, Any]:
        try:
            values = self._values if self._only is None else self._values[self._only]
            said: dict[str, Any] = from_json(to_json(values, inf_nan_mode="strings"))
        except PydanticSerializationError as error:
            name = self._tool.tool_def.name
            raise NotRecordable(f"an argument of {name} has no JSON: {error}", cure="annotate it as a model") from None
        return said


class Output:
    """What is given to an output function: as the value it takes, and as JSON data with the parameter's name."""

    def __init__(self, context: Any, value: Any) -> None:
        self._value = value
        self._data = to_jsonable_python(value)
        schema = {} if context.object_def is None else context.object_def.json_schema
        properties = list(schema.get("properties", ()))
        itself = isinstance(self._data, dict) and (len(properties) != 1 or list(self._data) == properties)
        self._only = None if itself else properties[0] if len(properties) == 1 else "output"
        self.args: dict[str, Any] = self._data if self._only is None else {self._only: self._data}

    def given(self, rewritten: dict[str, Any]) -> Any:
        """Give the value that rules have put in its place; UsageError where it is none that JSON can say."""
        data = decode_value(rewritten if self._only is None else rewritten.get(self._only))
        if isinstance(self._value, BaseModel):
            return type(self._value).model_validate(data)
        if self._value != self._data:
            raise UsageError("the arguments of an output function cannot be rewritten", cure="let the rule block it")
        return data


def schema_of(tool: Any) -> Any:
    """Give what pydantic-ai knows of the function behind a tool; None for a tool that is none."""
    while hasattr(tool, "source_tool"):
        tool = tool.source_tool
    return getattr(getattr(tool, "call_func", None), "__self__", None)


def function_of(tool: Any) -> Any:
    """Give the function behind a tool; None for a tool that is none."""
    return getattr(schema_of(tool), "function", None)


def by_itself(function: Any) -> bool:
    """Tell whether a function passes the door by itself, as one under ``@app.tool`` does."""
    return hasattr(function, "__harness_tool__")


def returned_by(function: Any) -> Any:
    """Give the annotation of what a function returns; None where it has none, or is none."""
    try:
        return get_type_hints(function, include_extras=True).get("return")
    except (NameError, TypeError):
        return None  # a name only a type checker knows, or an object that is called like a function


def written(value: Any, annotation: Any = None) -> Any:
    """Write a result as JSON data.

    What does not come back equal from its annotation is written as the model is shown it, and comes back as that.
    NotRecordable for what a model could not be shown either.
    """
    if isinstance(value, Deferred):
        return {"$type": "object", "name": _DEFERRED, "value": value.facts()}
    try:
        data = _encoded(value, encode_value)
        if not holds_objects(data) or read(data, annotation) == value:
            return data
    except (NotRecordable, TypeError, ValueError):
        pass  # a class of the program's own that has JSON, or is not made by its annotation
    return _encoded(value, _as_shown)


def _as_shown(value: Any) -> Any:
    try:
        data = encode_value(value)
        if not holds_objects(data):
            return data
    except NotRecordable:
        pass
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise NotRecordable(f"a result has no JSON: {error}", cure="return JSON data or a pydantic model") from None


def read(data: Any, annotation: Any = None) -> Any:
    """Make the like of a result again."""
    return decode_value(_revived(data), annotation)


def _encoded(value: Any, leaf: Callable[[Any], Any]) -> Any:
    kind: Any = type(value)
    if kind in ATOMS:
        return value
    if kind is list:
        return [_encoded(item, leaf) for item in value]
    if kind is dict and "$type" not in value and all(type(key) is str for key in value):
        return {key: _encoded(item, leaf) for key, item in value.items()}
    if kind is messages.ToolReturn:
        fields = {name: getattr(value, name, None) for name in _RETURNED}
        return _object(_RETURN, {name: _encoded(item, leaf) for name, item in fields.items() if item is not None})
    if kind in _NAMES:
        return _object(_NAMES[kind], _content(value))
    return leaf(value)


def _content(value: Any) -> dict[str, Any]:
    """Write content that models can see, without what is derived from the rest."""
    kind: Any = type(value)
    fields: dict[str, Any] = _adapter(kind).dump_python(value, mode="json", warnings=False)
    return {name: item for name, item in fields.items() if getattr(value, f"_{name}", item) is not None}


def _object(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"$type": "object", "name": name, "value": fields}


def _revived(data: Any) -> Any:
    if isinstance(data, list):
        return [_revived(item) for item in data]
    if not isinstance(data, dict):
        return data
    name = data.get("name") if data.get("$type") == "object" else None
    if name == _DEFERRED:
        return Deferred.from_facts(data["value"])
    if name == _RETURN:
        fields = {field: decode_value(_revived(item)) for field, item in data["value"].items()}
        return messages.ToolReturn(fields.pop("return_value", None), **fields)
    if name in _CONTENT:
        return _adapter(_CONTENT[name]).validate_json(json.dumps(data["value"]))
    return {key: _revived(item) for key, item in data.items()}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
