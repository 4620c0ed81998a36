"""What a wrapped agent is given for each of its runs: a capability that leads everything through the door.

Function tools, models and output functions are led through it where a run asks its capabilities for wrappers, so those
of the program, of toolsets and models that are named at the run, and of other capabilities pass as well.
"""

from __future__ import annotations

import inspect
from typing import Any, Final, NamedTuple

from pydantic_ai import exceptions
from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering
from pydantic_ai.toolsets import AbstractToolset

from harness.adapters.exchange import Doorway, Exchange
from harness.adapters.pydantic_ai.models import Clients, borrowed, passing
from harness.adapters.pydantic_ai.tools import acting_as, passing_tools
from harness.adapters.pydantic_ai.values import Output, by_itself, read, returned_by, written
from harness.errors import Refused
from harness.mediation.refusal import for_model
from harness.run.drive import Run
from harness.run.inputs import Call
from harness.tool import ToolSpec

_ASKS_FOR_MODELS: Final = hasattr(AbstractCapability, "get_wrapper_model")
"""Whether this version asks a capability for the model of each attempt; before, a hook is given the request."""


class Door(NamedTuple):
    """What a wrapped agent passes: an app's doorway, past which ``delegates`` go, and the clients wrapped so far."""

    doorway: Doorway
    delegates: frozenset[str]
    clients: Clients


class Capability(AbstractCapability[Any]):
    """What a wrapped agent is given for one run: its toolset, its models and its output functions pass the door."""

    def __init__(self, door: Door, agent: Any, outputs: dict[str, Any]) -> None:
        self._doorway, self._delegates, self._clients = door
        self._agent, self._outputs = agent, outputs

    def get_ordering(self) -> CapabilityOrdering:
        """Stand around what other capabilities bring."""
        return CapabilityOrdering(position="outermost")

    def get_wrapper_toolset(self, toolset: AbstractToolset[Any]) -> AbstractToolset[Any]:
        """Give the toolset of a run."""
        return passing_tools(toolset, self._doorway, self._delegates)

    def get_wrapper_model(self, model: Any) -> Any:
        """Give the model of a request; None for one that does not pass the door."""
        made = passing(model, self._clients)
        return None if made is None else borrowed(made, self._agent)

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        """Give the request its model, where nobody asks for that otherwise."""
        if not _ASKS_FOR_MODELS:
            request_context.model = self.get_wrapper_model(request_context.model) or request_context.model
        return request_context

    async def wrap_output_process(self, ctx: Any, *, output_context: Any, output: Any, handler: Any) -> Any:
        """Call an output function through the door; a refusal is told to the model as an output that was not taken."""
        run = self._doorway.current()
        if run is None or not output_context.has_function:
            return await handler(output)
        function = output_context.function_name
        definition = output_context.tool_def
        name = definition.name if definition is not None else function or "final_result"
        with acting_as(self._agent, ctx.tool_call_id, called=True):
            try:
                if {name, function} & self._delegates or by_itself(self._outputs.get(function)):
                    return await handler(output)
                return await self._passed(run, name, (ctx, output_context), output, handler)
            except Refused as refused:
                raise exceptions.ModelRetry(for_model(refused)) from refused

    async def _passed(self, run: Run, name: str, context: tuple[Any, Any], output: Any, handler: Any) -> Any:
        ctx, output_context = context
        annotation = returned_by(self._outputs.get(output_context.function_name))
        result = Output(output_context, output)

        async def perform(rewritten: dict[str, Any] | None) -> Any:
            return await handler(output if rewritten is None else result.given(rewritten))

        spec = self._doorway.narrow(ToolSpec(name))
        exchange = Exchange(
            perform, write=lambda value: written(value, annotation), read=lambda data: read(data, annotation)
        )
        return await exchange.apassed(run, Call("tool", name, result.args, spec, ctx.tool_call_id))


def functions_of(output_type: Any) -> dict[str, Any]:
    """Give the functions among the outputs of an agent, by name."""
    if isinstance(output_type, list | tuple):
        return {name: function for one in output_type for name, function in functions_of(one).items()}
    inner = getattr(output_type, "output_function", None) or getattr(output_type, "output", None)
    if inner is not None:  # TextOutput; ToolOutput
        return functions_of(inner)
    if hasattr(output_type, "outputs"):  # NativeOutput, PromptedOutput
        return functions_of(output_type.outputs)
    return {output_type.__name__: output_type} if inspect.isroutine(output_type) else {}
