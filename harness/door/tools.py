"""Functions as tools: recorded and checked inside a session, themselves outside it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.adapters.exchange import Kept, failed, in_time, told, written
from harness.determinism import canonical
from harness.door.binding import Binder, annotations_of, call_site
from harness.door.current import current_run, session_var
from harness.door.stated import check_key, tool_stated
from harness.errors import NotRecordable, UsageError
from harness.run.drive import acall, call
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.outcome import Ok, Outcome
from harness.trace.value import ATOMS, decode_value, encode_value, holds_objects, holds_types

if TYPE_CHECKING:
    from harness.door.app import Harness


class Tool:
    """One function that passes the door: how its arguments are bound and its results written."""

    def __init__(self, app: Harness, function: Callable[..., Any], spec: ToolSpec) -> None:
        self.app, self.function, self.spec = app, function, spec
        self.binder = Binder(function)

    @functools.cached_property
    def annotations(self) -> dict[str, Any]:
        """The annotations of the function, from which dataclasses and pydantic models are rebuilt."""
        return annotations_of(self.function)

    @property
    def annotation(self) -> Any:
        """The annotation of what it returns."""
        return self.annotations.get("return")

    @property
    def routed(self) -> bool:
        """Whether the graph of the session's app knows this tool, so that a call of it may be served by another one."""
        session = session_var.get()
        graph = None if session is None else session.app.graph
        return graph is not None and self.spec.name in graph.tools

    def outside(self) -> Callable[..., Any]:
        """Give the function itself, for a call outside a session; UsageError where the app is strict."""
        if self.app.strict:
            raise UsageError(f"{self.spec.name} was called outside a session", cure="open one: with app.session(): …")
        return self.function

    def wanted(self, arguments: dict[str, Any]) -> Call:
        """Write a call of this tool as what the agent wants; NotRecordable names an argument that cannot be written."""
        try:
            args = dict(arguments)
            for name, value in arguments.items():
                if type(value) not in ATOMS:
                    args[name] = written(value, f"/{name}")
        except NotRecordable as error:
            raise self._not_recordable(error, "argument") from None
        session = session_var.get()
        app = self.app if session is None else session.app  # whose rules do not change under a run
        return Call("tool", self.spec.name, args, app.spec(self.spec))

    def arguments(self, bound: dict[str, Any], judged: dict[str, Any]) -> dict[str, Any]:
        """Give the arguments to call the function with: those that were judged, whatever became of the agent's own.

        What can be changed the function gets as its own, which nobody changes under its hands. UsageError where the
        agent has changed an object that its annotation does not rebuild: the call does not happen then.
        """
        given = bound | judged
        for name, value in judged.items():
            if type(value) not in ATOMS:
                given[name] = self._as_judged(name, bound.get(name), value)
        return given

    def _as_judged(self, name: str, own: Any, value: Any) -> Any:
        if not holds_types(value):
            return decode_value(value)
        try:
            made = decode_value(value, self.annotations.get(name))
        except Exception:  # noqa: BLE001 - whatever keeps an annotation from rebuilding it
            made = None
        if _says(made, value):
            return made
        if _says(own, value):
            return own
        raise UsageError(
            f"the argument {name} of {self.spec.name} was changed after the call had been judged",
            where=call_site(self.function),
            cure=f"annotate {name} with its exact type, and hand over a copy",
        )

    def written(self, value: Any) -> Any:
        """Write a result as JSON data that gives an equal value back; NotRecordable where it would not."""
        if type(value) in ATOMS:
            return value
        try:
            data = written(value)
        except NotRecordable as error:
            raise self._not_recordable(error, "result") from None
        if holds_objects(data):
            self._check_comes_back(value, data)
        return data

    def _check_comes_back(self, value: Any, data: Any) -> None:
        said = getattr(inspect.unwrap(self.function), "__annotations__", {}).get("return")
        why = ", a name that only a type checker knows" if said is not None and self.annotation is None else ""
        try:
            if self.annotation is not None and decode_value(data, self.annotation) == value:
                return
        except Exception as error:  # noqa: BLE001 - whatever keeps an annotation from rebuilding it
            why = f": {error}"
        raise NotRecordable(
            f"a result of {self.spec.name} does not come back equal from its return annotation "
            f"{said if self.annotation is None else self.annotation!r}{why}",
            where=call_site(self.function),
            cure="annotate the function with the exact type it returns",
        )

    def _not_recordable(self, error: NotRecordable, what: str) -> NotRecordable:
        return NotRecordable(
            f"{what} {error.where} of {self.spec.name}: {error.what}", where=call_site(self.function), cure=error.cure
        )


class Effect(Kept):
    """One call of the function itself, kept so that the agent gets the very object or exception it made."""

    __slots__ = ("_arguments", "_judged", "_tool")

    def __init__(self, tool: Tool, arguments: dict[str, Any], judged: dict[str, Any]) -> None:
        super().__init__()
        self._tool, self._arguments, self._judged = tool, arguments, judged

    def perform(self, rewritten: dict[str, Any] | None) -> Outcome:
        try:
            value = self._tool.function(**self._given(rewritten))
            return self.keep(Ok(self._tool.written(value)), value)
        except Exception as error:  # noqa: BLE001 - whatever the tool raises is its outcome
            return self.keep(failed(error), error=error)

    async def aperform(self, rewritten: dict[str, Any] | None) -> Outcome:
        try:
            value = await self._tool.function(**self._given(rewritten))
            return self.keep(Ok(self._tool.written(value)), value)
        except Exception as error:  # noqa: BLE001 - whatever the tool raises is its outcome
            return self.keep(failed(error), error=error)

    def _given(self, rewritten: dict[str, Any] | None) -> dict[str, Any]:
        judged = self._judged if rewritten is None else rewritten
        return self._tool.arguments(self._arguments, judged)

    def result(self, outcome: Outcome) -> Any:
        """Give what the function gave, where that is the outcome that counts; else what the outcome says."""
        if self.made(outcome):
            return self.given()
        value = told(outcome, self._tool.spec.name)
        return decode_value(value, self._tool.annotation if holds_objects(value) else None)


def _says(value: Any, judged: Any) -> bool:
    """Tell whether a value is written as what was judged."""
    try:
        return canonical.encode(encode_value(value)) == canonical.encode(judged)
    except NotRecordable:
        return False


def make_tool(app: Harness, function: Callable[..., Any], declared: dict[str, Any]) -> tuple[Tool, Callable[..., Any]]:
    """Give a function's tool and its wrapper."""
    name = declared.pop("name", None) or getattr(function, "__name__", None)
    if name is None:  # a partial, or an object that can be called
        raise UsageError(f"{function!r:.80} has no name", where=call_site(function), cure="give it one: name='pay'")
    tool = Tool(app, function, ToolSpec(name, **tool_stated(declared, function)))
    check_key(tool.spec, tool.binder, function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{name} is a generator", where=call_site(function), cure="return the whole result, for example a list"
        )
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            run = current_run()
            if run is None:
                return await tool.outside()(*args, **kwargs)
            arguments = tool.binder.bind(args, kwargs)
            if tool.routed:
                from harness.door.standing_in import arouted

                return await arouted(tool, arguments, run)
            wanted = tool.wanted(arguments)
            effect = Effect(tool, arguments, wanted.args)
            return effect.result(await acall(run, wanted, in_time(wanted.spec, effect.aperform)))

        asynchronous.__harness_tool__ = tool  # type: ignore[attr-defined]
        return tool, asynchronous

    @functools.wraps(function)
    def synchronous(*args: Any, **kwargs: Any) -> Any:
        run = current_run()
        if run is None:
            return tool.outside()(*args, **kwargs)
        arguments = tool.binder.bind(args, kwargs)
        if tool.routed:
            from harness.door.standing_in import routed

            return routed(tool, arguments, run)
        wanted = tool.wanted(arguments)
        effect = Effect(tool, arguments, wanted.args)
        return effect.result(call(run, wanted, effect.perform))

    synchronous.__harness_tool__ = tool  # type: ignore[attr-defined]
    return tool, synchronous
