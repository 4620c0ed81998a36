"""Agents of pydantic-ai, in the place of those that were wrapped, and work that one of them hands to another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_ai.messages import UserContent
from pydantic_core import to_jsonable_python

from harness.adapters.exchange import Lasting
from harness.adapters.pydantic_ai.capability import Capability, Door, functions_of
from harness.adapters.pydantic_ai.covered import covered
from harness.adapters.pydantic_ai.tools import Within, connected, serves, within
from harness.adapters.pydantic_ai.values import written
from harness.errors import NotRecordable, UsageError
from harness.run.drive import Run, aopen_call
from harness.run.inputs import Call
from harness.tool import HANDOFF
from harness.trace.value import decode_value

_NAMELESS: Final = "agent"
_PROMPTS: Final[TypeAdapter[Any]] = TypeAdapter(str | list[UserContent] | None)

Above = Callable[..., AbstractAsyncContextManager[Any]]
"""How a run of an agent begins without harness."""


def passing_agent(agent: Any, door: Door) -> Any:
    """Give the same agent, of a class whose runs pass a door."""
    kind: Any = type(agent)
    if not hasattr(agent, "harness_door"):
        agent.__class__ = _class_of(kind)
    agent.harness_door, agent.harness_apart = door, 0
    return agent


def _has_servers(agent: Any) -> bool:
    found: list[Any] = []
    for toolset in agent.toolsets:
        toolset.apply(found.append)
    return any(map(serves, found))


@cache
def _class_of(kind: Any) -> Any:
    """Give the class of a wrapped agent: ``kind``, but for how its runs begin."""

    class Passing(kind):
        def iter(self, *args: Any, **options: Any) -> AbstractAsyncContextManager[Any]:
            return _begun(self, super().iter, args, options)

        async def __aenter__(self) -> Any:
            if not _has_servers(self):
                return await super().__aenter__()
            if await connected(self.harness_door.doorway, "", super().__aenter__):
                return self
            self.harness_apart += 1
            return self

        async def __aexit__(self, *error: object) -> Any:
            if self.harness_apart:
                self.harness_apart -= 1
                return None
            return await super().__aexit__(*error)

    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def _begun(
    agent: Any, above: Above, args: tuple[Any, ...], options: dict[str, Any]
) -> AbstractAsyncContextManager[Any]:
    """Begin a run, as somebody who was handed the work where a call of another wrapped agent runs it."""
    door, held = agent.harness_door, tuple(options.get("capabilities") or ())
    run = door.doorway.current()
    if run is None or any(isinstance(one, Capability) for one in held):
        return above(*args, **options)
    outputs = functions_of(options.get("output_type") or agent.output_type)
    said = covered(agent, outputs, options.get("toolsets") or (), options.get("model"))
    door.doorway.covers("pydantic-ai", said)
    options = options | {"capabilities": [*held, Capability(door, agent, outputs)]}
    outer = within.get()
    if outer is None:
        return above(*args, **options)
    return _handed(run, outer, agent, (above, args, options))


@asynccontextmanager
async def _handed(
    run: Run, outer: Within, agent: Any, wanted: tuple[Above, tuple[Any, ...], dict[str, Any]]
) -> AsyncIterator[Any]:
    """Hold a hand-over open for as long as the agent works that was handed it."""
    above, args, options = wanted
    prompt = args[0] if args else options.pop("user_prompt", None)
    asked = {"to": agent.name or _NAMELESS, **({} if prompt is None else {"input": to_jsonable_python(prompt)})}
    spec = agent.harness_door.doorway.narrow(HANDOFF)
    action, rewritten = await aopen_call(run, Call("handoff", spec.name, asked, spec, outer.id))
    with Lasting(run, action) as handing:
        async with above(_prompt(prompt, asked, rewritten), *args[1:], **options) as agent_run:
            yield agent_run
        handing.value = _said(agent_run.result)


def _prompt(prompt: Any, asked: dict[str, Any], rewritten: dict[str, Any] | None) -> Any:
    """Give the prompt in force; UsageError where a rule wants the work handed to somebody else."""
    if rewritten is None or rewritten == asked:
        return prompt
    if rewritten.get("to") != asked["to"]:
        raise UsageError("a hand-over cannot be rewritten to another agent", cure="let the rule block it")
    return _PROMPTS.validate_python(decode_value(rewritten.get("input")))


def _said(result: Any) -> Any:
    """Give what an agent answered as JSON data; None where it has not, or where a trace cannot hold it."""
    try:
        return None if result is None else written(result.output)
    except NotRecordable:
        return None
