"""Agents and their handoffs: which of them pass the door, and what an agent brings to it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any, Final

import agents as sdk
from agents.mcp import MCPServer

from harness.adapters.exchange import Doorway, Lasting
from harness.adapters.openai_agents.local import acts_here, pass_local
from harness.adapters.openai_agents.runs import install, is_known, pass_model, present
from harness.adapters.openai_agents.servers import pass_server
from harness.adapters.openai_agents.tools import as_json_object, name_of, pass_tool, same_tool, skip_tool
from harness.determinism import canonical
from harness.determinism.address import acting
from harness.errors import Refused, UsageError
from harness.mediation.refusal import for_model
from harness.run.drive import Run, aopen_call
from harness.run.inputs import Call
from harness.tool import HANDOFF
from harness.trace.covered import Covered
from harness.trace.value import decode_value

_HOSTED: Final = (
    sdk.CodeInterpreterTool,
    sdk.FileSearchTool,
    sdk.HostedMCPTool,
    sdk.ImageGenerationTool,
    sdk.ShellTool,  # in a container of the provider's
    sdk.WebSearchTool,
)
_refused: ContextVar[tuple[Any, str] | None] = ContextVar("harness_refused_handoff", default=None)
"""The handoff that was refused last in this task, and what the model is told of it."""


def wrap_agent(agent: Any, doorway: Doorway) -> Any:
    """Give the same agent with all it does passing the door, and with it every agent it can hand over to.

    UsageError for what is no agent of the SDK, and where two tools that are not the same have one name.
    """
    if isinstance(agent, MCPServer):
        pass_server(agent, doorway)
        return agent
    if not isinstance(agent, sdk.Agent):
        kind = type(agent)
        raise UsageError(
            f"cannot wrap a {kind.__module__}.{kind.__name__}", cure="wrap an agents.Agent, or an MCPServer of its own"
        )
    install()
    Door(doorway).adopt(agent)
    return agent


class Door:
    """What the agents that were wrapped together pass."""

    def __init__(self, doorway: Doorway) -> None:
        self.doorway = doorway
        self._classes: dict[type, type] = {}
        self._tools: dict[str, Any] = {}

    def current(self) -> Run | None:
        """Give the run of harness that the calling code belongs to."""
        return self.doorway.current()

    def adopt(self, agent: Any) -> None:
        """Let an agent, and all that can be reached from it, pass the door."""
        for one in reached_from(agent):
            if not hasattr(one, "harness_door"):
                one.__class__ = self._class_of(type(one))
            self.look(one)

    def look(self, agent: Any) -> None:
        """Let what an agent has by now pass the door: tools, handoffs and servers may be added at any time."""
        for tool in agent.tools:
            if isinstance(tool, sdk.FunctionTool):
                self._know(tool, agent)
                pass_tool(tool, self.doorway)
            elif acts_here(tool):
                pass_local(tool, self.doorway)
        # an agent in the list stands for a handoff to it, which the SDK makes anew each turn
        agent.handoffs[:] = [sdk.handoff(one) if isinstance(one, sdk.Agent) else one for one in agent.handoffs]
        for handoff in agent.handoffs:
            if not hasattr(handoff, "harness_door"):
                _pass_handoff(handoff, self)
        for server in agent.mcp_servers:
            pass_server(server, self.doorway)
        if isinstance(agent.model, sdk.Model):
            pass_model(agent.model, self.doorway)

    def tell(self, agent: Any) -> None:
        """Write into the trace what a run of an agent can do, and whether it passes the door."""
        self.doorway.covers("openai-agents", covered(agent))

    def _know(self, tool: Any, agent: Any) -> None:
        known = self._tools.setdefault(name_of(tool), tool)
        if known is not tool and not same_tool(known, tool):
            raise UsageError(
                f"two different tools are named {name_of(tool)!r}, one of them of the agent {agent.name!r}",
                cure="give one of them another name: function_tool(name_override=…); rules know a tool by its name",
            )

    def _class_of(self, kind: Any) -> type:
        if kind not in self._classes:
            self._classes[kind] = _agent_class(kind, self)
        return self._classes[kind]


def reached_from(agent: Any) -> Iterator[Any]:
    """Yield an agent and those it can hand over to or has as tools, once each."""
    found, waiting = set(), [agent]
    while waiting:
        one = waiting.pop()
        if id(one) in found:
            continue
        found.add(id(one))
        yield one
        inside = [getattr(tool, "_agent_instance", None) for tool in one.tools]
        beyond = [_target(handoff) for handoff in one.handoffs]
        waiting += [other for other in reversed(beyond + inside) if isinstance(other, sdk.Agent)]


def covered(agent: Any) -> tuple[Covered, ...]:
    """Give every surface of an agent, and of those that can be reached from it, and whether it passes the door."""
    return tuple(dict.fromkeys(one for each in reached_from(agent) for one in _covered(each)))


def _covered(agent: Any) -> Iterator[Covered]:
    name = agent.model if isinstance(agent.model, str) else getattr(agent.model, "model", "") or "by default"
    if is_known(agent.model):
        yield Covered("model", str(name), "mediated")
    else:
        yield Covered("model", str(name), "unseen", "it is not asked through a client of OpenAI's over HTTP")
    for tool in agent.tools:
        if isinstance(tool, sdk.FunctionTool) or acts_here(tool):
            yield Covered("tool", name_of(tool), "mediated")
        elif isinstance(tool, _HOSTED):
            yield Covered("hosted", tool.name, "observed", "the provider runs it; requests offer it, answers show it")
        else:
            yield Covered("tool", tool.name, "unseen", "the SDK acts by itself")
    yield from (Covered("server", server.name, "mediated") for server in agent.mcp_servers)
    for handoff in agent.handoffs:
        yield Covered("handoff", getattr(handoff, "agent_name", "") or handoff.name, "mediated")
    yield Covered("memory", "sessions", "unseen", "what a session of the SDK keeps is seen where a model is told it")
    yield Covered("network", "traces", "unseen", "the SDK uploads its own traces, see OPENAI_AGENTS_DISABLE_TRACING")


def _target(handoff: Any) -> Any:
    """Give the agent of a handoff, None where that is only known when it is made."""
    if isinstance(handoff, sdk.Agent):
        return handoff
    reference = getattr(handoff, "_agent_ref", None)
    return None if reference is None else reference()


def _agent_class(kind: Any, door: Door) -> type:
    """Give the class of a wrapped agent: ``kind``, but that its turns are its own, and its tools pass the door."""

    class Passing(kind):
        harness_door = door

        async def get_all_tools(self, run_context: Any) -> list[Any]:
            if door.current() is None or present.get() is None:
                tools: list[Any] = await super().get_all_tools(run_context)
                return tools
            present.set(self)  # a turn begins by asking for the tools; from there on the task is this agent's
            acting.set(self.name)
            door.look(self)
            tools = await super().get_all_tools(run_context)
            for tool in tools:
                if isinstance(tool, sdk.FunctionTool):
                    pass_tool(tool, door.doorway)
            return tools

        async def get_mcp_tools(self, run_context: Any) -> list[Any]:
            tools: list[Any] = await super().get_mcp_tools(run_context)
            for tool in tools:
                skip_tool(tool)  # its server passes the door
            return tools

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


# --- handoffs --------------------------------------------------------------------------------------------------------


def _pass_handoff(handoff: Any, door: Door) -> None:
    handoff.on_invoke_handoff = _invoking(handoff, handoff.on_invoke_handoff, door)
    kind: Any = type(handoff)
    handoff.__class__ = _handoff_class(kind)
    handoff.harness_door = door


def _invoking(handoff: Any, inner: Callable[..., Awaitable[Any]], door: Door) -> Callable[..., Awaitable[Any]]:
    """Give what makes a handoff, as an action whose callbacks are the agent's own code, run again on replay."""

    @functools.wraps(inner)
    async def invoke(context: Any, said: str | None = None) -> Any:
        run, before = door.current(), present.get()
        _refused.set(None)
        if run is None or before is None:
            return await inner(context, said)
        try:
            return await _handed_over(handoff, inner, door, run, context, said)
        except Refused as refused:
            _refused.set((handoff, for_model(refused)))
            return before

    return invoke


async def _handed_over(handoff: Any, inner: Any, door: Door, run: Run, context: Any, said: str | None) -> Any:
    given = as_json_object(said) if said else {}
    args = {"to": handoff.agent_name} | ({"input": given} if given else {})
    action, rewritten = await aopen_call(run, Call("handoff", HANDOFF.name, args, door.doorway.narrow(HANDOFF)))
    with Lasting(run, action) as handing:
        agent = await inner(context, said if rewritten in (None, args) else _instead(handoff, rewritten))
        handing.value = agent.name
    door.adopt(agent)
    return agent


def _instead(handoff: Any, rewritten: dict[str, Any]) -> str:
    """Give the input of a handoff that a rule has rewritten; UsageError where it is to go to another agent."""
    if rewritten["to"] != handoff.agent_name:
        cure = "let the rule block it; the model may choose another"
        raise UsageError("a handoff cannot be rewritten to go to another agent", cure=cure)
    return canonical.encode(decode_value(rewritten.get("input", {}))).decode()


@functools.cache
def _handoff_class(kind: type) -> type:
    """Give the class of a handoff that passes the door: where it is refused, the model is told so, and nothing else."""

    class Passing(kind):
        def get_transfer_message(self, agent: Any) -> str:
            told = _told(self)
            return str(super().get_transfer_message(agent)) if told is None else told

        @property
        def input_filter(self) -> Any:
            return self.__dict__.get("input_filter") if _told(self) is None else None

        @input_filter.setter
        def input_filter(self, value: Any) -> None:
            self.__dict__["input_filter"] = value

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def _told(handoff: Any) -> str | None:
    """Give what the model is told of a handoff, where that was refused in this task just now."""
    refused = _refused.get()
    return refused[1] if refused is not None and refused[0] is handoff else None
