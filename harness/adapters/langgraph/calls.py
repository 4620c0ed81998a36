"""One call of a LangChain tool at the door: made, recorded as what it was, and with the handoffs that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from langgraph.types import Command, Send

from harness.adapters.exchange import Exchange, Lasting, failed
from harness.adapters.langgraph.arguments import Arguments, schema_of
from harness.adapters.langgraph.values import bubbled, read, rebuilt, result_written
from harness.errors import InDoubt, NoRoute, Refused
from harness.mediation.refusal import for_model
from harness.run.drive import Rewritten, Run, aopen_call, open_call
from harness.run.inputs import Call
from harness.tool import HANDOFF, ToolSpec
from harness.trace.error import rebuild
from harness.trace.outcome import Failed

_DESTINATION: Final = "__handoff_destination"
"""Where langgraph-supervisor and langgraph-swarm say, in a tool's metadata, whom it hands over to."""
_END: Final = "__end__"

Narrow = Callable[[ToolSpec], ToolSpec]
"""How the registry's word is put in the place of the program's."""


class ToolCall:
    """One call that a model, or the program where ``call_id`` is None, makes of a wrapped tool.

    ``perform`` does it for real, with positional arguments and options.
    """

    def __init__(
        self, tool: Any, perform: Callable[..., Any], arguments: Arguments, call_id: str | None, narrow: Narrow
    ) -> None:
        self._tool, self._real, self._arguments, self._id, self._narrow = tool, perform, arguments, call_id, narrow

    def made(self, run: Run) -> Any:
        """Make the call: a handoff where the tool is known to be one, else the tool itself. Refused by rules."""
        to = destination(self._tool)
        if to is not None:
            wanted = self._handoff(to, self._arguments.judged)
            with _handing(run, wanted, open_call(run, wanted)):
                return self._perform(None)
        value = self._exchange(self._perform).passed(run, self._wanted())
        for agent in _goes_to(value):
            wanted = self._handoff(agent, {})
            with _handing(run, wanted, open_call(run, wanted)):
                pass  # the graph goes there by itself
        return value

    async def amade(self, run: Run) -> Any:
        """Do what ``made`` does for an asynchronous call."""
        to = destination(self._tool)
        if to is not None:
            wanted = self._handoff(to, self._arguments.judged)
            with _handing(run, wanted, await aopen_call(run, wanted)):
                return await self._aperform(None)
        value = await self._exchange(self._aperform).apassed(run, self._wanted())
        for agent in _goes_to(value):
            wanted = self._handoff(agent, {})
            with _handing(run, wanted, await aopen_call(run, wanted)):
                pass  # the graph goes there by itself
        return value

    def _perform(self, rewritten: Rewritten) -> Any:
        args, options = self._arguments.given(rewritten)
        return self._real(*args, **options)

    async def _aperform(self, rewritten: Rewritten) -> Any:
        args, options = self._arguments.given(rewritten)
        return await self._real(*args, **options)

    def _exchange(self, perform: Callable[[Rewritten], Any]) -> Exchange:
        shown = self._id is not None  # a model asked for it, and is told what comes of it
        in_parts = self._tool.response_format == "content_and_artifact"
        write = partial(result_written, shown=shown, in_parts=in_parts)
        return Exchange(perform, write=write, read=read, fail=partial(_failed, shown=shown), revive=_revived)

    def _wanted(self) -> Call:
        spec = declared(self._tool)
        return Call("tool", spec.name, self._arguments.judged, self._narrow(spec), self._id)

    def _handoff(self, to: str, asked: dict[str, Any]) -> Call:
        args = {"to": to} | ({"input": asked} if asked else {})
        return Call("handoff", "handoff", args, self._narrow(HANDOFF), self._id)


def _failed(error: Exception, *, shown: bool) -> Failed:
    """Write what a tool raised: what bubbles up through a graph, or was refused inside the tool, as that."""
    outcome = bubbled(error) or failed(error)
    if shown and isinstance(error, Refused | InDoubt | NoRoute):
        return outcome._replace(error=outcome.error | {"told": told(error)})
    return outcome


def _revived(error: dict[str, Any]) -> Exception:
    return _Told(error["told"]) if "told" in error else rebuilt(error) or rebuild(error)


class _Told(Refused):
    """Stand in on replay for what was refused inside a tool; ``text`` is what the model was told."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__("", text)

    def __str__(self) -> str:
        return self.text


def destination(tool: Any) -> str | None:
    """Name the agent that a tool of langgraph-supervisor or langgraph-swarm hands over to; None for other tools."""
    found = (getattr(tool, "metadata", None) or {}).get(_DESTINATION)
    return found if isinstance(found, str) else None


def declared(tool: Any) -> ToolSpec:
    """Give the declaration of a tool: a write, unless its metadata says that it reads.

    ``metadata={"effect": "read"}`` says so in code, ``readOnlyHint`` does for a tool of an MCP server. Not verified:
    that they tell the truth.
    """
    said = (tool.name, dict(tool.metadata or {}), tool.args_schema)
    known: tuple[Any, ToolSpec] | None = getattr(tool, "_harness_declared", None)
    if known is not None and known[0] == said:
        return known[1]
    hints = said[1]
    reads = hints.get("effect") == "read" or hints.get("readOnlyHint") is True
    idempotent = reads or hints.get("idempotentHint") is True
    spec = ToolSpec(tool.name, effect="read" if reads else "write", idempotent=idempotent, arguments=schema_of(tool))
    object.__setattr__(tool, "_harness_declared", (said, spec))  # a schema takes a millisecond
    return spec


@contextmanager
def _handing(run: Run, wanted: Call, opened: tuple[int, Rewritten]) -> Iterator[None]:
    """Hand over inside, and write how it went. It cannot be made another one."""
    action, rewritten = opened
    with Lasting(run, action, {"to": wanted.args["to"]}):
        _check_same(wanted, rewritten)
        yield


def _check_same(wanted: Call, rewritten: Rewritten) -> None:
    if rewritten is not None and rewritten != wanted.args:
        raise Refused("rewrite", f"a handoff to {wanted.args['to']} cannot be made another one", call=wanted.tool)


def _goes_to(value: Any) -> list[str]:
    """Name the agents or nodes that a tool's result sends the graph to."""
    values = value if isinstance(value, list) else [value]
    goals: list[Any] = []
    for command in values:
        if isinstance(command, Command):
            goals += [command.goto] if isinstance(command.goto, str | Send) else command.goto
    names = [goal.node if isinstance(goal, Send) else goal for goal in goals]
    return [name for name in names if name != _END]


def told(error: Refused | InDoubt | NoRoute) -> str:
    """Say to a model why there is no result."""
    if isinstance(error, _Told):
        return error.text
    return for_model(error) if isinstance(error, Refused) else str(error)
