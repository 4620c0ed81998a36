"""Shells, patches and custom tools of openai-agents at the door: recorded, judged, and not done again on replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("agents", reason="openai-agents is not installed: pip install openai-agents")

from agents import (
    Agent,
    ApplyPatchTool,
    CustomTool,
    LocalShellTool,
    Model,
    ModelResponse,
    Runner,
    ShellCommandOutput,
    ShellResult,
    ShellTool,
    Usage,
)
from agents.editor import ApplyPatchResult
from openai.types.responses import ResponseCustomToolCall, ResponseFunctionShellToolCall, ResponseOutputMessage
from openai.types.responses.response_apply_patch_tool_call import OperationCreateFile, ResponseApplyPatchToolCall
from openai.types.responses.response_output_item import LocalShellCall, LocalShellCallAction

from harness.adapters.openai_agents import covered
from harness.testing.model_server import say
from tests.adapters.frameworks.openai_agents_desk import Desk
from tests.adapters.frameworks.scenario.expected import Step, steps_in

DONE = {"type": "output_text", "text": "Done.", "annotations": []}


class Caller(Model):
    """A model that is no server: it asks for one call, and is content with whatever comes of it."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self.told: list[Any] = []

    async def get_response(self, instructions: Any = None, input: Any = None, *_: Any, **options: Any) -> ModelResponse:  # noqa: A002
        said = options.get("input", input)
        self.told.append(said[-1])
        message = ResponseOutputMessage.model_validate(
            {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [DONE]}
        )
        return ModelResponse([message if len(said) > 1 else self._call], Usage(), None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


class Editor:
    """An editor that writes down what it did."""

    def __init__(self, done: list[Any]) -> None:
        self._done = done

    def create_file(self, operation: Any) -> ApplyPatchResult:
        self._done.append(operation.path)
        return ApplyPatchResult(output=f"made {operation.path}")

    update_file = delete_file = create_file


def shell(done: list[Any]) -> Any:
    """Give a shell tool."""

    async def run(request: Any) -> ShellResult:
        done.append(request.data.action.commands)
        return ShellResult([ShellCommandOutput(stdout="out")])

    return ShellTool(executor=run)


def local_shell(done: list[Any]) -> Any:
    """Give a tool of the older kind, whose executor is a plain function."""

    def run(request: Any) -> str:
        done.append(request.data.action.command)
        return "out"

    return LocalShellTool(executor=run)


def custom(done: list[Any]) -> Any:
    """Give a tool of plain text."""

    async def run(context: Any, text: str) -> str:
        done.append(text)
        return "out"

    return CustomTool(name="sql", description="Ask.", on_invoke_tool=run)


class Asked(NamedTuple):
    """A tool, the model's call of it, the argument that says what is to be done, and what a rule puts there instead."""

    make: Callable[[list[Any]], Any]
    call: Any
    argument: str
    wanted: Any
    instead: Any


CALLS: dict[str, Asked] = {
    "shell": Asked(
        shell,
        ResponseFunctionShellToolCall.model_validate(
            {"id": "s", "call_id": "c1", "type": "shell_call", "status": "completed", "action": {"commands": ["rm x"]}}
        ),
        "commands",
        ["rm x"],
        ["ls"],
    ),
    "local_shell": Asked(
        local_shell,
        LocalShellCall(
            id="l",
            call_id="c1",
            type="local_shell_call",
            status="completed",
            action=LocalShellCallAction(command=["rm", "x"], env={}, type="exec"),
        ),
        "command",
        ["rm", "x"],
        ["ls"],
    ),
    "apply_patch": Asked(
        lambda done: ApplyPatchTool(editor=Editor(done)),
        ResponseApplyPatchToolCall(
            id="p",
            call_id="c1",
            type="apply_patch_call",
            status="completed",
            operation=OperationCreateFile(type="create_file", path="a.txt", diff="+a"),
        ),
        "path",
        "a.txt",
        "b.txt",
    ),
    "sql": Asked(
        custom,
        ResponseCustomToolCall(id="k", call_id="c1", type="custom_tool_call", name="sql", input="drop it"),
        "input",
        "drop it",
        "select 1",
    ),
}


def ran(desk: Desk, name: str) -> tuple[list[Any], Caller]:
    """Record and replay a run that uses a tool once; give what was done, and the model."""
    done: list[Any] = []
    model = Caller(CALLS[name].call)
    agent = desk.app.wrap(Agent(name="clerk", model=model, tools=[CALLS[name].make(done)]))

    async def entry() -> str:
        return str((await Runner.run(agent, "Help!")).final_output)

    assert desk.run(entry, [say("never asked")]) == "Done."
    return done, model


@pytest.mark.parametrize("name", CALLS)
def test_what_acts_here_is_recorded_and_done_once(name: str, tmp_path: Path) -> None:
    """It is an action under the agent's name; the replay shows the model the same without doing it."""
    desk = Desk(tmp_path)
    done, model = ran(desk, name)
    assert done == [CALLS[name].wanted]
    assert steps_in(desk.trace) == [Step("clerk", name)]
    assert model.told[1] == model.told[3]


@pytest.mark.parametrize("name", CALLS)
def test_what_acts_here_may_be_refused(name: str, tmp_path: Path) -> None:
    """Nothing is done then, and the model is told why."""
    desk = Desk(tmp_path, f"  - {{id: NO, on: action, tool: {name}, require: 'False', otherwise: block}}\n")
    done, model = ran(desk, name)
    assert done == []
    assert steps_in(desk.trace) == [Step("clerk", name, ("block",))]
    assert "was blocked by NO" in json.dumps(model.told[1])


@pytest.mark.parametrize("name", CALLS)
def test_what_acts_here_may_be_rewritten(name: str, tmp_path: Path) -> None:
    """What is done is what the rule has put there."""
    asked = CALLS[name]
    instead = json.dumps(asked.instead)
    rule = f"""
  - id: INSTEAD
    on: action
    tool: {name}
    require: 'call.args.{asked.argument} == {instead}'
    otherwise: rewrite
    rewrite: {{args.{asked.argument}: '{instead}'}}
"""
    done, _ = ran(Desk(tmp_path, rule), name)
    assert done == [asked.instead]


@pytest.mark.parametrize("name", CALLS)
def test_what_acts_here_is_listed(name: str) -> None:
    """It is mediated; a model that is no server of OpenAI's is unseen."""
    agent = Agent(name="clerk", model=Caller(CALLS[name].call), tools=[CALLS[name].make([])])
    found = {(one.kind, one.name): one.status for one in covered(agent)}
    assert found["tool", name] == "mediated"
    assert found["model", "by default"] == "unseen"
