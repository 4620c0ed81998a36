"""Function tools of agents: their calls are actions, and a refused one is told to the model as its result."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, get_type_hints

from agents.tool import ToolOutputFileContent, ToolOutputImage, ToolOutputText
from pydantic import ValidationError

from harness.adapters.exchange import Doorway, Exchange, Lasting
from harness.determinism import canonical
from harness.determinism.address import acting
from harness.errors import NotRecordable, Refused
from harness.mediation.refusal import for_model
from harness.run.drive import Run, aopen_call
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.value import decode_value, encode_value, holds_objects

PASSES: Final = "harness_passes"
_OUTPUT: Final = ToolOutputText | ToolOutputImage | ToolOutputFileContent
_OUTPUTS: Final = (_OUTPUT, list[_OUTPUT])  # type: ignore[valid-type]

Invoke = Callable[[Any, str], Awaitable[Any]]


def pass_tool(tool: Any, doorway: Doorway) -> None:
    """Let every call of a function tool, and of its copies, pass the door; one that does already stays as it is."""
    invoker, inner = _inside(tool)
    if hasattr(inner, PASSES):
        return
    passing = _passing(tool, inner, doorway)
    setattr(passing, PASSES, True)
    if inner is invoker:
        tool.on_invoke_tool = passing
    else:
        invoker._invoke_tool_impl = passing


def skip_tool(tool: Any) -> None:
    """Leave a tool as it is for good: what it calls passes the door by itself."""
    setattr(_inside(tool)[1], PASSES, True)


def name_of(tool: Any) -> str:
    """Give the name that rules know a function tool by: that of its namespace before its own, where it has one."""
    return str(getattr(tool, "qualified_name", tool.name))


def same_tool(one: Any, other: Any) -> bool:
    """Tell whether two function tools of one name are made of the same code, or say the same of themselves."""
    functions = _function(one), _function(other)
    if None not in functions:
        first, second = (getattr(inspect.unwrap(function), "__code__", function) for function in functions)
        return first is second
    return (one.description, one.params_json_schema) == (other.description, other.params_json_schema)


def as_json_object(said: str) -> dict[str, Any]:
    """Read the arguments that a model gives; what is no JSON object is kept as the text it is, under ``$input``."""
    try:
        given = canonical.decode(said.encode())
    except ValueError:
        given = None
    return encode_value(given) if isinstance(given, dict) else {"$input": said}


def _inside(tool: Any) -> tuple[Any, Any]:
    """Give what invokes a tool, and what does so below the SDK's own handling of errors (the same where none is)."""
    invoker = tool.on_invoke_tool
    return invoker, getattr(invoker, "_invoke_tool_impl", invoker)


def _passing(tool: Any, inner: Invoke, doorway: Doorway) -> Invoke:
    by_itself = hasattr(_function(tool), "__harness_tool__")
    nested = getattr(tool, "_is_agent_tool", False)
    annotations = (*_annotation(tool), *_OUTPUTS)

    @functools.wraps(inner)
    async def passing(context: Any, said: str) -> Any:
        run = doorway.current()
        if run is None:
            return await inner(context, said)
        try:
            with _acting(context):
                if by_itself:
                    return await inner(context, said)
                spec = ToolSpec(_named(tool, context), arguments=tool.params_json_schema)
                call_id = getattr(context, "tool_call_id", None)
                wanted = Call("tool", spec.name, as_json_object(said), doorway.narrow(spec), call_id)
                if nested:
                    return await _nested(run, wanted, inner, context, said)
                return await _performed(run, wanted, inner, context, said, annotations)
        except Refused as refused:
            return for_model(refused)

    return passing


async def _performed(run: Run, wanted: Call, inner: Invoke, context: Any, said: str, annotations: Any) -> Any:
    exchange = Exchange(
        lambda rewritten: inner(*_given(context, said, wanted, rewritten)),
        write=lambda value: written(value, annotations),
        read=lambda data: rebuilt(data, annotations),
    )
    return await exchange.apassed(run, wanted)


async def _nested(run: Run, wanted: Call, inner: Invoke, context: Any, said: str) -> Any:
    """Call a tool that is an agent: an action made of other actions, which run again on replay."""
    action, rewritten = await aopen_call(run, wanted)
    with Lasting(run, action) as calling:
        value = await inner(*_given(context, said, wanted, rewritten))
        calling.value = written(value, ())
    return value


def _given(context: Any, said: str, wanted: Call, rewritten: dict[str, Any] | None) -> tuple[Any, str]:
    """Give context and arguments to call a tool with: the model's own words, or those that were judged instead."""
    if rewritten is None or rewritten == wanted.args:
        return context, said
    said = canonical.encode(decode_value(rewritten)).decode()
    changed = copy.copy(context)
    for name, value in (("tool_arguments", said), ("_function_tool_arguments", None)):
        if hasattr(changed, name):
            setattr(changed, name, value)
    return changed, said


@contextmanager
def _acting(context: Any) -> Iterator[None]:
    """Let a tool act for the agent that calls it."""
    agent = getattr(context, "agent", None)
    token = acting.set(acting.get() if agent is None else agent.name)
    try:
        yield
    finally:
        acting.reset(token)


def _named(tool: Any, context: Any) -> str:
    """Give the name of a tool as it is called; a copy may have another name than what it was made from."""
    name: str = getattr(context, "qualified_tool_name", None) or getattr(context, "tool_name", None) or name_of(tool)
    return name


def _function(tool: Any) -> Any:
    """Give the Python function behind a tool, None where there is none, or the SDK does not tell."""
    return getattr(tool, "__wrapped__", None)


def _annotation(tool: Any) -> tuple[Any, ...]:
    """Give what the function behind a tool says it returns."""
    function = inspect.unwrap(_function(tool)) if _function(tool) is not None else None
    try:
        hints = get_type_hints(function) if function is not None else {}
    except (NameError, TypeError):
        return ()  # a name only a type checker knows
    return (hints["return"],) if "return" in hints else ()


def written(value: Any, annotations: tuple[Any, ...]) -> Any:
    """Write what a tool gave: as data where that gives an equal value back, else as the text that a model is shown."""
    try:
        data = encode_value(value)
    except NotRecordable:
        return str(value)
    if not holds_objects(data):
        return data
    return data if rebuilt(data, annotations) == value else str(value)


def rebuilt(data: Any, annotations: tuple[Any, ...]) -> Any:
    """Read what ``written`` has written, objects by the first annotation that they fit."""
    if holds_objects(data):
        for annotation in annotations:
            try:
                return decode_value(data, annotation)
            except ValidationError:
                continue
    return decode_value(data)
