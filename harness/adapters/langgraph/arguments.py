"""The arguments of one call of a LangChain tool: as the values that it takes, and as the JSON data that rules judge."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.tools.base import _get_runnable_config_param
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from harness.adapters.exchange import written
from harness.determinism import canonical
from harness.errors import NotRecordable, Refused
from harness.trace.value import ATOMS, decode_value


class Arguments:
    """What a tool is called with, after its schema has checked and completed what the model asked for.

    ``judged`` leaves out what the framework injects (state, store, runtime, the call's id), and with it ``config``, the
    parameters that are given by LangChain itself. NotRecordable for an argument that has no JSON.
    """

    def __init__(
        self, tool: Any, args: tuple[Any, ...], options: dict[str, Any], call_id: str | None, config: frozenset[str]
    ) -> None:
        self._tool, self._args, self._options, self._id, self._config = tool, args, options, call_id, config
        self.judged = self._judged(args, options)

    def given(self, rewritten: dict[str, Any] | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give what to call the tool with: what was judged, whatever became of the agent's own lists and objects.

        It is made anew by the tool's schema where rules or the agent have changed it. Refused where the schema does not
        take it, or makes something else of it; the call does not happen then.
        """
        if rewritten is None:
            if not self._mutable() or self._judged(self._args, self._options) == self.judged:
                return self._args, self._options
            rewritten = self.judged
        asked = {self._asked_as(name): value for name, value in decode_value(rewritten).items()}
        kept = {name: value for name, value in self._options.items() if name not in self.judged}
        injected = {name: value for name, value in kept.items() if name not in self._config}
        try:
            args, options = self._tool._to_args_and_kwargs(asked | injected, self._id)
        except ValidationError as error:
            raise self._unfit(f"they do not fit its schema ({error.error_count()} errors)") from error
        options = kept | options
        if self._judged(args, options) != rewritten:
            raise self._unfit("its schema makes other arguments of them than those that were judged")
        return args, options

    def _mutable(self) -> bool:
        return any(type(value) not in ATOMS for value in self.judged.values())

    def _unfit(self, why: str) -> Refused:
        refused = Refused(
            "rewrite", f"other arguments were put in the place of its own, and {why}", call=self._tool.name
        )
        refused.happened = False  # type: ignore[attr-defined]  # what ``failed`` asks of an error
        return refused

    def _judged(self, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in options.items() if name not in self._config}
        own |= zip(self._tool.args, args, strict=False) if args else ()
        try:
            judged = {name: as_json(value) for name, value in self._tool._filter_injected_args(own).items()}
        except PydanticSerializationError as error:
            raise NotRecordable(
                f"an argument of {self._tool.name} has no JSON: {error}", cure="annotate it as a pydantic model"
            ) from None
        said: dict[str, Any] = written(judged)
        return said

    def _asked_as(self, name: str) -> str:
        """Give the name by which a model asks for an argument."""
        fields = getattr(self._tool.args_schema, "model_fields", None) or {}
        alias = getattr(fields.get(name), "validation_alias", None)
        return alias if isinstance(alias, str) else name


def given_by_langchain(kind: type[BaseTool]) -> frozenset[str]:
    """Name the parameters of a kind of tool that LangChain itself gives when it runs one."""
    return frozenset(filter(None, ("callbacks", "run_manager", _get_runnable_config_param(kind._run))))


def schema_of(tool: BaseTool) -> dict[str, Any] | None:
    """Give the JSON Schema that a model sees of a tool; None where it has none."""
    schema: Any = tool.tool_call_schema
    if isinstance(schema, dict):
        return schema
    try:
        found: dict[str, Any] = schema.model_json_schema()
    except Exception:  # noqa: BLE001 - a type without a schema, or a model of pydantic 1
        return None
    return found


def as_json(value: Any) -> Any:
    """Give a value as the JSON that a model would have sent for it; a set in one order, whatever the hash seed."""
    if type(value) in ATOMS:
        return value
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(as_json(key)): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(as_json, value), key=canonical.encode)
    if isinstance(value, BaseModel):
        return {name: as_json(item) for name, item in value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return to_jsonable_python(value)
