"""MCP servers that an agent has: what is asked of them passes the door, and on replay they are not there."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final

from mcp import types

from harness.adapters.exchange import Doorway, Kept, failed, in_time, told
from harness.adapters.mcp.messages import declared, outcome_of, read_call, refused_result, result_in
from harness.determinism.address import here, inside
from harness.errors import Refused
from harness.run.drive import Rewritten, Run, acall
from harness.run.inputs import Call
from harness.trace.outcome import Ok, Outcome

_LISTS: Final = {
    "list_prompts": ("prompts/list", types.ListPromptsResult),
    "list_resources": ("resources/list", types.ListResourcesResult),
    "list_resource_templates": ("resources/templates/list", types.ListResourceTemplatesResult),
}


def pass_server(server: Any, doorway: Doorway) -> None:
    """Let what is asked of an MCP server pass the door; one that does already stays as it is."""
    if not hasattr(server, "harness_door"):
        kind: Any = type(server)
        server.__class__ = _server_class(kind)
        server.harness_door = _Door(doorway)


@functools.cache
def _server_class(kind: Any) -> type:
    """Give the class of a wrapped server: ``kind``, but for how it connects and what it is asked."""

    class Passing(kind):
        async def connect(self) -> Any:
            return await self.harness_door.connected(self.name, super().connect)

        async def list_tools(self, *args: Any, **options: Any) -> Any:
            return await self.harness_door.listed(self.name, lambda: super(Passing, self).list_tools(*args, **options))

        async def call_tool(self, tool_name: str, arguments: Any, *args: Any, **options: Any) -> Any:
            above = super().call_tool

            async def call(given: Any) -> Any:
                return await above(tool_name, given, *args, **options)

            return await self.harness_door.called(tool_name, arguments, call)

        async def get_prompt(self, name: str, arguments: Any = None) -> Any:
            above, asked = super().get_prompt, {"name": name} | ({"arguments": arguments} if arguments else {})

            async def get(given: dict[str, Any]) -> Any:
                return await above(given["name"], given.get("arguments"))

            return await self.harness_door.asked("prompts/get", asked, get, types.GetPromptResult)

        async def read_resource(self, uri: str) -> Any:
            above = super().read_resource

            async def read(given: dict[str, Any]) -> Any:
                return await above(given["uri"])

            return await self.harness_door.asked("resources/read", {"uri": uri}, read, types.ReadResourceResult)

    for name, (method, result) in _LISTS.items():
        if hasattr(kind, name):
            setattr(Passing, name, _listing(getattr(kind, name), method, result))
    Passing.__name__, Passing.__qualname__, Passing.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Passing


def _listing(above: Callable[..., Awaitable[Any]], method: str, result: type) -> Callable[..., Awaitable[Any]]:
    async def listing(server: Any, *cursor: Any) -> Any:
        async def ask(_: dict[str, Any]) -> Any:
            return await above(server, *cursor)

        asked = {"server": server.name} | ({"cursor": cursor[0]} if any(cursor) else {})
        return await server.harness_door.asked(method, asked, ask, result)

    return listing


class _Door:
    """What the requests to one server pass; ``_known`` are the tools that it has listed."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._known: dict[str, Any] = {}

    async def connected(self, name: str, connect: Callable[[], Awaitable[Any]]) -> Any:
        """Connect to a server, while a run is replayed to nothing: it is asked nothing then."""
        run = self._doorway.current()
        if run is None:
            return await connect()
        await acall(run, self._wanted("connect", {"server": name}), _nothing)
        if run.world.offline:
            return None
        with inside(here().last):  # what it takes to connect is no doing of the agent
            return await connect()

    async def listed(self, name: str, ask: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        """Ask for a server's tools, which are known from then on by what it says of them."""
        run = self._doorway.current()
        if run is None:
            return await ask()

        async def tools(_: Any) -> Any:
            return types.ListToolsResult(tools=await ask())

        result = await _Request(tools, types.ListToolsResult).passed(run, self._wanted("tools/list", {"server": name}))
        self._known = declared(_dumped(result)["tools"])
        return list(result.tools)

    async def called(self, tool: str, arguments: Any, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call a tool; a refused call is a result that says so."""
        run = self._doorway.current()
        if run is None:
            return await call(arguments)
        wanted = self._wanted("tools/call", {"name": tool, "arguments": arguments})
        request = _Request(lambda given: call(arguments if given is None else given), types.CallToolResult)
        try:
            return await request.passed(run, wanted)
        except Refused as refused:
            return types.CallToolResult.model_validate(refused_result(refused, wanted.spec))

    async def asked(self, method: str, params: dict[str, Any], ask: Callable[[Any], Awaitable[Any]], kind: Any) -> Any:
        """Ask for anything else."""
        run = self._doorway.current()
        if run is None:
            return await ask(params)
        request = _Request(lambda given: ask(params if given is None else given), kind)
        return await request.passed(run, self._wanted(method, params))

    def _wanted(self, method: str, params: dict[str, Any]) -> Call:
        return read_call(method, params, self._known, self._doorway.narrow, "")


class _Request(Kept):
    """One request and what comes of it, kept so that the agent gets the very object or error that came."""

    def __init__(self, ask: Callable[[Rewritten], Awaitable[Any]], kind: Any) -> None:
        super().__init__()
        self._ask, self._kind = ask, kind

    async def passed(self, run: Run, wanted: Call) -> Any:
        outcome = await acall(run, wanted, in_time(wanted.spec, self._perform))
        if self.made(outcome):
            return self.given()
        kept = result_in(outcome)
        return self._kind.model_validate(told(outcome, wanted.tool) if kept is None else kept)

    async def _perform(self, rewritten: Rewritten) -> Outcome:
        try:
            value = await self._ask(rewritten)
            return self.keep(outcome_of(_dumped(value)), value)
        except Exception as error:  # noqa: BLE001 - whatever it raises is its outcome
            return self.keep(failed(error), error=error)


def _dumped(result: Any) -> dict[str, Any]:
    """Give a result as the JSON object that the server sent."""
    data: dict[str, Any] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return data


async def _nothing(_: Rewritten) -> Outcome:
    return Ok(None)
