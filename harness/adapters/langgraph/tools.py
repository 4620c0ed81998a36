"""Tools of LangChain whose calls pass the door.

The seam is ``_run`` and ``_arun``, which every tool has: above them run the schema that checks what the model asked
for, the callbacks that streams of events are made of, and the node that turns an error into a message, live and on
replay alike. A wrapped tool stays the object it was, of a subclass that passes the door, so that whoever holds it
already passes the door too. Private names of langchain_core that are used: ``_run``, ``_arun``,
``_to_args_and_kwargs``, ``_filter_injected_args``, ``_get_runnable_config_param``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ClassVar, Final, NamedTuple

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, Tool

from harness.adapters.exchange import Doorway
from harness.adapters.langgraph.arguments import Arguments, given_by_langchain
from harness.adapters.langgraph.calls import ToolCall, told
from harness.errors import InDoubt, NoRoute, Refused


class _Calling(NamedTuple):
    """The call of a wrapped tool that the code here belongs to, and whether it has passed the door."""

    id: str | None
    passed: bool = False


_calling: Final[ContextVar[_Calling | None]] = ContextVar("harness_langchain_calling", default=None)


@contextmanager
def _within(calling: _Calling) -> Iterator[None]:
    token = _calling.set(calling)
    try:
        yield
    finally:
        _calling.reset(token)


def pass_tool(tool: Any, doorway: Doorway) -> None:
    """Let every call of a tool pass the door from now on."""
    if not hasattr(tool, "harness_door"):
        object.__setattr__(tool, "__class__", _tool_class(type(tool), _Door(doorway, tool)))


def passes_itself(tool: Any) -> bool:
    """Tell whether the function behind a tool is one of harness: a tool of the app, or a goal."""
    return any(hasattr(getattr(tool, name, None), "__harness_tool__") for name in ("func", "coroutine"))


def _tool_class(kind: Any, door: _Door) -> type:
    """Give the class of a wrapped tool: ``kind``, but for how it is performed."""
    in_thread = kind.ainvoke in (StructuredTool.ainvoke, Tool.ainvoke)
    performs = kind._run if kind._arun is BaseTool._arun else kind._arun  # where its signature is looked up

    class Passing(kind):  # type: ignore[misc]
        harness_door: ClassVar[Any] = door

        def run(self, *args: Any, **options: Any) -> Any:
            with _within(_Calling(options.get("tool_call_id"))):
                return super().run(*args, **options)

        async def arun(self, *args: Any, **options: Any) -> Any:
            with _within(_Calling(options.get("tool_call_id"))):
                return await super().arun(*args, **options)

        async def ainvoke(self, *args: Any, **options: Any) -> Any:
            if in_thread and door.passes:  # the call is made here, and only its effect in a thread
                return await BaseTool.ainvoke(self, *args, **options)
            return await super().ainvoke(*args, **options)

        @wraps(kind._run)
        def _run(self, *args: Any, **options: Any) -> Any:
            return door.run(self, super()._run, args, options)

        @wraps(performs)
        async def _arun(self, *args: Any, **options: Any) -> Any:
            return await door.arun(self, super()._arun, args, options)

    seams: list[Any] = [Passing._run, Passing._arun]
    for method in seams:
        method.__signature__ = inspect.signature(method)  # which LangChain asks for at every call
    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


class _Door:
    """What the calls of a wrapped tool pass."""

    def __init__(self, doorway: Doorway, tool: Any) -> None:
        self._current, self._narrow = doorway.current, doorway.narrow
        self._own, self._config = passes_itself(tool), given_by_langchain(type(tool))

    @property
    def passes(self) -> bool:
        """Whether a call that is made here now passes the door here."""
        return not self._own and self._current() is not None

    def run(self, tool: Any, inner: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Perform a tool, through the door where that is not behind us; a model is told of a refusal."""
        run, calling = self._current(), _calling.get() or _Calling(None)
        if run is None or calling.passed:
            return inner(*args, **options)
        try:
            if self._own:
                return inner(*args, **options)
            return self._call(tool, partial(_behind, calling, inner), args, options, calling).made(run)
        except (Refused, InDoubt, NoRoute) as error:
            return _answered(tool, calling.id, error)

    async def arun(self, tool: Any, inner: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Do what ``run`` does for an asynchronous call."""
        run, calling = self._current(), _calling.get() or _Calling(None)
        if run is None or calling.passed:
            return await inner(*args, **options)
        try:
            if self._own:
                return await inner(*args, **options)
            return await self._call(tool, partial(_abehind, calling, inner), args, options, calling).amade(run)
        except (Refused, InDoubt, NoRoute) as error:
            return _answered(tool, calling.id, error)

    def _call(
        self, tool: Any, perform: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], calling: _Calling
    ) -> ToolCall:
        return ToolCall(
            tool, perform, Arguments(tool, args, options, calling.id, self._config), calling.id, self._narrow
        )


def _behind(calling: _Calling, inner: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with _within(calling._replace(passed=True)):
        return inner(*args, **options)


async def _abehind(calling: _Calling, inner: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with _within(calling._replace(passed=True)):
        return await inner(*args, **options)


def _answered(tool: Any, call_id: str | None, error: Refused | InDoubt | NoRoute) -> Any:
    """Give a refusal as a tool's failed result; raise it where the tool was not called for a model."""
    if call_id is None:
        raise error
    message = ToolMessage(told(error), name=tool.name, tool_call_id=call_id, status="error")
    return (message, None) if tool.response_format == "content_and_artifact" else message
