"""Tools that the SDK runs in this process and that are no function tools: shells, patches, and tools of plain text.

Each has one place where it acts, a function of a request. That passes the door. Not covered: a computer, which acts by
a dozen methods and is told only pixels.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import agents as sdk
from agents.editor import ApplyPatchOperation, ApplyPatchResult

from harness.adapters.exchange import Doorway, Exchange
from harness.adapters.openai_agents.tools import PASSES, rebuilt, written
from harness.determinism.address import acting
from harness.errors import Refused
from harness.mediation.refusal import for_model
from harness.run.inputs import Call
from harness.tool import ToolSpec
from harness.trace.value import decode_value, encode_value


class _Kind(NamedTuple):
    """How requests of one kind of tool are read: their arguments and id, and what is to stand in their place.

    ``refused`` shapes what the model is told, ``results`` are the types that the function may give.
    """

    read: Callable[[tuple[Any, ...]], tuple[dict[str, Any], str | None]]
    change: Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, ...]]
    refused: Callable[[str], Any]
    results: tuple[Any, ...] = ()


def acts_here(tool: Any) -> bool:
    """Tell whether a tool is of a kind that is known here, and not one that the provider runs."""
    if isinstance(tool, sdk.ShellTool):
        return tool.executor is not None
    return isinstance(tool, sdk.ApplyPatchTool | sdk.CustomTool | sdk.LocalShellTool)


def pass_local(tool: Any, doorway: Doorway) -> None:
    """Let a tool that acts here pass the door there; one that does already stays as it is."""
    if isinstance(tool, sdk.ApplyPatchTool):
        if not isinstance(tool.editor, _Editor):
            tool.editor = _Editor(tool, doorway)
        return
    place, kind = next(found for known, found in _PLACES.items() if isinstance(tool, known))
    act = getattr(tool, place)
    if not hasattr(act, PASSES):
        setattr(tool, place, _passing(tool.name, act, kind, doorway))


class _Editor:
    """An editor of files whose every operation passes the door."""

    def __init__(self, tool: Any, doorway: Doorway) -> None:
        for name in ("create_file", "update_file", "delete_file"):
            setattr(self, name, _passing(tool.name, getattr(tool.editor, name), _PATCH, doorway))


def _passing(name: str, act: Callable[..., Any], kind: _Kind, doorway: Doorway) -> Callable[..., Awaitable[Any]]:
    async def passing(*given: Any) -> Any:
        run = doorway.current()
        if run is None:
            return await _awaited(act(*given))
        args, call_id = kind.read(given)
        wanted = Call("tool", name, encode_value(args), doorway.narrow(ToolSpec(name)), call_id)

        async def perform(rewritten: dict[str, Any] | None) -> Any:
            same = rewritten is None or rewritten == wanted.args
            return await _awaited(act(*(given if same else kind.change(given, decode_value(rewritten)))))

        exchange = Exchange(
            perform,
            write=lambda value: written(value, kind.results),
            read=lambda data: rebuilt(data, kind.results),
        )
        agent = getattr(getattr(given[0], "ctx_wrapper", given[0]), "agent", None)
        token = acting.set(acting.get() if agent is None else agent.name)
        try:
            return await exchange.apassed(run, wanted)
        except Refused as refused:
            return kind.refused(for_model(refused))
        finally:
            acting.reset(token)

    setattr(passing, PASSES, True)
    return passing


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _text_in(given: tuple[Any, ...]) -> tuple[dict[str, Any], str | None]:
    return {"input": given[1]}, getattr(given[0], "tool_call_id", None)


def _command_in(given: tuple[Any, ...]) -> tuple[dict[str, Any], str | None]:
    call = given[0].data
    return call.action.model_dump(exclude_none=True, exclude={"type"}), call.call_id


def _command_instead(given: tuple[Any, ...], args: dict[str, Any]) -> tuple[Any, ...]:
    call = given[0].data
    action = type(call.action).model_validate({"type": "exec", "env": {}} | args)
    return (replace(given[0], data=call.model_copy(update={"action": action})),)


def _commands_in(given: tuple[Any, ...]) -> tuple[dict[str, Any], str | None]:
    call = given[0].data
    limits = {name: getattr(call.action, name) for name in ("timeout_ms", "max_output_length")}
    args = {"commands": call.action.commands} | {name: limit for name, limit in limits.items() if limit is not None}
    return args, call.call_id


def _commands_instead(given: tuple[Any, ...], args: dict[str, Any]) -> tuple[Any, ...]:
    action = sdk.ShellActionRequest(**args)
    return (replace(given[0], data=replace(given[0].data, action=action)),)


def _failed_command(told: str) -> Any:
    output = sdk.ShellCommandOutput(stderr=told, outcome=sdk.ShellCallOutcome(type="exit", exit_code=1))
    return sdk.ShellResult(output=[output])


def _patch_in(given: tuple[Any, ...]) -> tuple[dict[str, Any], str | None]:
    names = ("type", "path", "diff", "move_to")
    return {name: one for name in names if (one := getattr(given[0], name, None)) is not None}, None


def _patch_instead(given: tuple[Any, ...], args: dict[str, Any]) -> tuple[Any, ...]:
    return (ApplyPatchOperation(**args, ctx_wrapper=given[0].ctx_wrapper),)


_PATCH: Final = _Kind(
    _patch_in, _patch_instead, lambda told: ApplyPatchResult(status="failed", output=told), (ApplyPatchResult,)
)
_PLACES: Final = {
    sdk.CustomTool: ("on_invoke_tool", _Kind(_text_in, lambda given, args: (given[0], args["input"]), str)),
    sdk.LocalShellTool: ("executor", _Kind(_command_in, _command_instead, str)),
    sdk.ShellTool: ("executor", _Kind(_commands_in, _commands_instead, _failed_command, (sdk.ShellResult,))),
}
