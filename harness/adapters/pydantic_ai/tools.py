"""Toolsets of pydantic-ai whose calls pass the door, each at the toolset that makes it.

The seam is ``AbstractToolset.call_tool`` of the innermost toolsets: what prefixes, filters, approvals and hooks of the
program do to a call has been done by then, so the arguments judged are those the tool is called with. A call goes by
the name that the model knows the tool by.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from pydantic import TypeAdapter
from pydantic_ai import exceptions
from pydantic_ai.messages import InstructionPart
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ExternalToolset, WrapperToolset

from harness.adapters.exchange import Doorway, Exchange
from harness.adapters.pydantic_ai.values import Arguments, Deferred, by_itself, function_of, read, returned_by, written
from harness.determinism.address import acting, here, inside
from harness.errors import Refused
from harness.mediation.refusal import for_model
from harness.run.drive import Run, acall
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.outcome import Ok, Outcome


class Within(NamedTuple):
    """The call of a model that the code here belongs to, by the model's id of it."""

    id: str | None


class _Asked(NamedTuple):
    name: str
    id: str | None


within: Final[ContextVar[Within | None]] = ContextVar("harness_pydantic_ai_within", default=None)
"""Set while a tool or an output function of a wrapped agent runs: an agent that is run there was handed the work."""
_READS: Final = ToolSpec("mcp", effect="read", idempotent=True)
_DEFINITIONS: Final = TypeAdapter(list[ToolDefinition])
_INSTRUCTIONS: Final[TypeAdapter[Any]] = TypeAdapter(InstructionPart | str | list[InstructionPart | str] | None)
_asked: Final[ContextVar[_Asked | None]] = ContextVar("harness_pydantic_ai_asked", default=None)


@contextmanager
def acting_as(agent: Any, call_id: str | None = None, *, called: bool = False) -> Iterator[None]:
    """Let the code inside act under an agent's name, if it has one; ``called`` where a call of its model runs it."""
    acts = acting.set(getattr(agent, "name", None) or acting.get())
    inner = within.set(Within(call_id)) if called else None
    try:
        yield
    finally:
        if inner is not None:
            within.reset(inner)
        acting.reset(acts)


def passing_tools(toolset: AbstractToolset[Any], doorway: Doorway, delegates: frozenset[str]) -> AbstractToolset[Any]:
    """Give a toolset with every call of its tools passing the door, but those of ``delegates``."""

    def leaf(inner: AbstractToolset[Any]) -> AbstractToolset[Any]:
        if isinstance(inner, _Passing | ExternalToolset):
            return inner  # of a tool that is run elsewhere nothing happens here
        return (_Served if serves(inner) else _Passing)(inner, doorway, delegates)

    return _Named(toolset.visit_and_replace(leaf))


@dataclass
class _Named(WrapperToolset[Any]):
    """A toolset that tells those inside of it by which name a model has asked for a tool."""

    async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        """Call a tool."""
        token = _asked.set(_Asked(name, ctx.tool_call_id))
        try:
            return await super().call_tool(name, tool_args, ctx, tool)
        finally:
            _asked.reset(token)


@dataclass
class _Passing(WrapperToolset[Any]):
    """One toolset whose calls pass the door."""

    doorway: Doorway
    delegates: frozenset[str]

    def visit_and_replace(self, visitor: Callable[[Any], AbstractToolset[Any]]) -> AbstractToolset[Any]:
        """Be a leaf, so that nothing passes twice."""
        return visitor(self)

    async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        """Make a call through the door; a refusal is told to the model as a tool that has failed for good."""
        run = self.doorway.current()
        if run is None:
            return await super().call_tool(name, tool_args, ctx, tool)
        asked = _asked.get()
        shown = asked.name if asked is not None and asked.id == ctx.tool_call_id else name
        with acting_as(ctx.agent, ctx.tool_call_id, called=True):
            try:
                if shown in self.delegates or by_itself(function_of(tool)):
                    return await super().call_tool(name, tool_args, ctx, tool)
                return await self._passed(run, (name, shown), tool_args, ctx, tool)
            except Refused as refused:
                raise exceptions.ToolFailed(for_model(refused)) from refused

    async def _passed(self, run: Run, names: tuple[str, str], tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        name, shown = names
        arguments, annotation = Arguments(tool, tool_args), returned_by(function_of(tool))
        call_inner = super().call_tool

        async def perform(rewritten: dict[str, Any] | None) -> Any:
            given = arguments.given(rewritten, getattr(ctx, "validation_context", None))
            try:
                return await call_inner(name, given, ctx, tool)
            except (exceptions.ApprovalRequired, exceptions.CallDeferred) as deferred:
                return Deferred(deferred)

        spec = self.doorway.narrow(declared(tool.tool_def, shown))
        wanted = Call("tool", shown, arguments.args, spec, ctx.tool_call_id)
        exchange = Exchange(
            perform, write=lambda value: written(value, annotation), read=lambda data: read(data, annotation)
        )
        value = await exchange.apassed(run, wanted)
        if isinstance(value, Deferred):
            raise value.error
        return value


@dataclass
class _Served(_Passing):
    """The toolset of an MCP server: what is asked of the server passes the door too, and replay connects to nothing."""

    entered: int = 0

    async def __aenter__(self) -> Self:
        """Connect, but for a replay."""
        if await connected(self.doorway, self._name, super().__aenter__):
            self.entered += 1
        return self

    async def __aexit__(self, *error: object) -> None:
        """Let go of what was connected."""
        if self.entered:
            self.entered -= 1
            await super().__aexit__(*error)

    async def get_tools(self, ctx: Any) -> dict[str, Any]:
        """List the tools of the server."""
        inner: Any = self.wrapped
        above = super().get_tools

        async def perform(_: Any) -> list[Any]:
            return [tool.tool_def for tool in (await above(ctx)).values()]

        listed = await self._asked("tools/list", perform, _DEFINITIONS)
        return {one.name: inner.tool_for_tool_def(one, ctx=ctx) for one in listed}

    async def get_instructions(self, ctx: Any) -> Any:
        """Give the instructions of the server, where the agent is to have them."""
        above = super().get_instructions
        if not getattr(self.wrapped, "include_instructions", False):
            return None

        async def perform(_: Any) -> Any:
            return await above(ctx)

        return await self._asked("instructions", perform, _INSTRUCTIONS)

    async def _asked(self, what: str, perform: Callable[[Any], Any], kind: TypeAdapter[Any]) -> Any:
        run = self.doorway.current()
        if run is None:
            return await perform(None)
        exchange = Exchange(
            perform, write=lambda value: kind.dump_python(value, mode="json"), read=kind.validate_python
        )
        return await exchange.apassed(run, Call("server", f"mcp:{self._name}{what}", {}, _READS))

    @property
    def _name(self) -> str:
        return f"{self.wrapped.id}/" if self.wrapped.id else ""


async def connected(doorway: Doorway, server: str, connect: Callable[[], Awaitable[Any]]) -> bool:
    """Connect to servers as an action; False where a run is replayed, which connects to nothing.

    What the connection reads, and the callbacks of the server, belong to the effect of that action.
    """
    run = doorway.current()
    if run is None:
        await connect()
        return True
    await acall(run, Call("server", f"mcp:{server}connect", {}, _READS), _nothing)
    if run.world.offline:
        return False
    with inside(here().last):
        await connect()
    return True


def serves(toolset: Any) -> bool:
    """Tell whether a toolset is that of an MCP server."""
    return hasattr(toolset, "tool_for_tool_def") and hasattr(toolset, "client")


async def _nothing(_: Any) -> Outcome:
    return Ok(None)


def declared(definition: Any, name: str) -> ToolSpec:
    """Give the declaration of a tool: a write, unless its metadata says that it reads.

    ``metadata={"effect": "read"}`` says so in code, ``readOnlyHint`` does for a tool of an MCP server. Not verified:
    that they tell the truth.
    """
    metadata = definition.metadata or {}
    annotations = metadata.get("annotations")
    hints = annotations if isinstance(annotations, dict) else {}
    reads = metadata.get("effect") == "read" or hints.get("readOnlyHint") is True
    return ToolSpec(
        name,
        effect="read" if reads else "write",
        idempotent=reads or hints.get("idempotentHint") is True,
        arguments=definition.parameters_json_schema,
    )
