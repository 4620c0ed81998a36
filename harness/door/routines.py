"""The steps of a routine as the workers of its plan: each calls one tool of the app."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.converge.plan.flaw import refuse_errors
from harness.converge.plan.plan import Plan
from harness.converge.plan.view import View
from harness.converge.routine.flaws import flaws_of_routine
from harness.converge.routine.routine import Routine, Step, plan_of, resolved
from harness.determinism.canonical import decode
from harness.door.tools import Tool
from harness.errors import UsageError
from harness.tool import ToolSpec
from harness.trace.value import encode_value

if TYPE_CHECKING:
    from harness.door.app import Harness


def planned(app: Harness, routine: Routine) -> tuple[Plan, Mapping[str, Callable[[View], Any]]]:
    """Give a routine as a plan, with a worker for each step.

    PlanError lists what is wrong with it, judged by the tools of the app; UsageError for a tool without a function.
    """
    tools = tools_of(app)
    refuse_errors(flaws_of_routine(routine, tools))
    return plan_of(routine, tools), {step.name: _worker(app, step) for step in routine.steps}


def tools_of(app: Harness) -> dict[str, ToolSpec]:
    """Give the tools of an app; those that no registry says it of take what the parameters of their functions say."""
    return {name: _with_arguments(app, spec) for name, spec in app.registry.tools.items()}


def _with_arguments(app: Harness, spec: ToolSpec) -> ToolSpec:
    made = app.made(spec.name)
    if made is None or spec.arguments is not None:
        return spec
    binder = made[0].binder
    return replace(spec, arguments=binder.schema | {"additionalProperties": binder.takes("")})  # "" by **kwargs only


def _worker(app: Harness, step: Step) -> Callable[[View], Any]:
    made = app.made(step.tool)
    if made is None:
        cure = f"declare it in code: @app.tool(name={step.tool!r})"
        raise UsageError(f"{step.tool} has no function here, and {step.name} calls it", cure=cure)
    tool, function = made

    def call(view: View) -> dict[str, Any]:
        return {step.name: _data(app, tool, function(**resolved(step.args, view)))}

    async def acall(view: View) -> dict[str, Any]:
        return {step.name: _data(app, tool, await function(**resolved(step.args, view)))}

    return acall if inspect.iscoroutinefunction(function) else call


def _data(app: Harness, tool: Tool, result: Any) -> Any:
    """Give a result as the JSON data that later steps can refer into: of an object its fields."""
    data = _fields(encode_value(result))
    if app.spec(tool.spec).result_format == "json" and isinstance(data, str):
        return decode(data.encode())
    return data


def _fields(data: Any) -> Any:
    if isinstance(data, dict):
        held = data["value"] if data.get("$type") in ("object", "tuple") else data
        return _fields(held) if held is not data else {key: _fields(item) for key, item in data.items()}
    return [_fields(item) for item in data] if isinstance(data, list) else data
