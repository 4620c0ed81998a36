"""A goal as a function, to be handed to an agent like any tool."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from harness.door.binding import Binder
from harness.door.current import session_var
from harness.door.routes import Routed, aroute, route
from harness.errors import UsageError
from harness.routing.graph import Goal

if TYPE_CHECKING:
    from harness.door.app import Harness
    from harness.door.session import Session

_TYPES: Final[dict[Any, Any]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": float,
    "object": dict,
    "string": str,
}


def make_goal(app: Harness, target: str | Callable[..., Any]) -> Callable[..., Any]:
    """Give a goal as a function: with the parameters and the docstring of ``target``, or by the graph's own schema."""
    if isinstance(target, str):
        goal = app.roads.goal(target)
        return _function(app, goal.name, _stub(goal), asynchronous=bool(app.roads.asynchronous_of(goal)))
    return _function(app, target.__name__, target, asynchronous=inspect.iscoroutinefunction(target))


def _function(app: Harness, name: str, stub: Callable[..., Any], *, asynchronous: bool) -> Callable[..., Any]:
    binder = Binder(stub)

    def session() -> Session:
        found = session_var.get()
        if found is None:
            raise UsageError(f"{name} was asked for outside a session", cure="open one: with app.session(): …")
        return found

    if asynchronous:

        @functools.wraps(stub)
        async def agoal(*args: Any, **kwargs: Any) -> dict[str, Any]:
            return _said(await aroute(session(), name, binder.bind(args, kwargs)), name)

        agoal.__harness_tool__ = name  # type: ignore[attr-defined]
        return agoal

    @functools.wraps(stub)
    def goal(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return _said(route(session(), name, binder.bind(args, kwargs)), name)

    goal.__harness_tool__ = name  # type: ignore[attr-defined]
    return goal


def _said(routed: Routed, asked: str) -> dict[str, Any]:
    """Give what an agent is to see of a route: the result, of which goal, who served it, and what was gone around."""
    goal = {"goal": routed.goal} if routed.goal != asked else {}
    note = {"note": routed.note} if routed.note else {}
    return {"result": routed.value, **goal, "served_by": list(routed.path), **note}


def _stub(goal: Goal) -> Callable[..., Any]:
    """Give a function with the parameters of a goal's schema, for whoever looks at a tool's signature."""
    schema = goal.arguments or {}
    required = schema.get("required", ())
    properties: dict[str, Any] = schema.get("properties", {})

    def stub(**facts: Any) -> None:
        """Be what a signature is looked up on; a route is led in its place."""

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name in required else one.get("default"),
            annotation=_TYPES.get(one.get("type"), Any),
        )
        for name, one in properties.items()
    ]
    if parameters:
        stub.__signature__ = inspect.Signature(parameters, return_annotation=dict[str, Any])  # type: ignore[attr-defined]
        stub.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": dict[str, Any]}
    stub.__name__ = stub.__qualname__ = goal.name
    stub.__doc__ = schema.get("description", f"Lead to {goal.name}.")
    return stub
