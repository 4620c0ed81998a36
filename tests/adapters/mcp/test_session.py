"""Client sessions of MCP at the door, against a real server over stdio: recorded, judged, replayed, resumed."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import UsageError
from harness.registry.load import load
from harness.trace.event import Event

mcp = pytest.importorskip("mcp", reason="the extra [mcp] is not installed: pip install 'agent-assurance-harness[mcp]'")

from mcp import ClientSession, StdioServerParameters  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402
from mcp.types import CreateMessageResult, TextContent  # noqa: E402

from harness.adapters.mcp.session import MCPError  # noqa: E402

SHOP = Path(__file__).parent / "server" / "shop.py"
RULES = """
registry: shop
version: "1"
default: allow
parameters: {limit: 5000}
tools:
  refund:
    effect: write
    arguments: {type: object, properties: {order: {type: string}, cents: {type: integer}}}
  note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  resources/read: {effect: read, arguments: {type: object, properties: {uri: {type: string}}}}
invariants:
  - {id: CAP, title: refunds stay within the limit, on: action, tool: refund, require: call.args.cents <= params.limit,
     otherwise: block, says: "refund at most {params.limit} cents"}
  - {id: CLEAN, on: action, tool: note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
  - {id: POLICY, on: action, tool: resources/read, require: 'call.args.uri == "shop://policy"', otherwise: block}
"""


class Shop:
    """A server with its ledger, and an app that records what a client does with it."""

    def __init__(self, folder: Path, rules: str = RULES, **options: Any) -> None:
        self.ledger, self.command = folder / "ledger.jsonl", sys.executable
        self.app = Harness(load(rules, "shop.yaml") if rules else None, traces=folder / "runs", **options)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What the server has done."""
        return [json.loads(line) for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def connection(self) -> Any:
        """Give what starts the server and connects to it."""
        return stdio_client(StdioServerParameters(command=self.command, args=[str(SHOP), str(self.ledger)]))

    def agent(self, talk: Callable[[Any], Any], **options: Any) -> Callable[[], Any]:
        """Give an agent that opens a session and talks to the server."""

        async def agent() -> Any:
            async with (
                self.app.wrap(self.connection()) as streams,
                self.app.wrap(ClientSession(*streams[:2], **options)) as session,
            ):
                await session.initialize()
                return await talk(session)

        return agent

    def record(self, agent: Callable[[], Any]) -> tuple[Any, str]:
        """Run an agent and give its result, or what it raised, and its trace."""
        session = self.app.session()
        try:
            result = session.run(agent)
        except Exception as error:
            result = error
        return result, session.trace.path

    def replayed(self, path: str, agent: Callable[[], Any]) -> Any:
        """Replay where no server can be started, and assert that all is equal and the server did nothing."""
        before, self.command = self.entries, "/no/such/server"
        again = replay(path, entry=agent, app=self.app)
        assert again.equal, again.divergence
        assert self.entries == before
        return again.result if again.error is None else again.error


def events(path: str, kind: str, tool: str = "") -> list[Event]:
    """Give the events of a kind, of actions those of one tool."""
    with open_trace(path) as reader:
        return [one for one in reader if one.kind == kind and (not tool or one.body["tool"] == tool)]


def texts(result: Any) -> list[str]:
    """Give the texts of a result."""
    return [block.text for block in result.content]


def is_error(result: Any) -> bool:
    """Tell whether a result says that the tool has failed."""
    return bool(result.model_dump(by_alias=True).get("isError"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Give a shop with rules."""
    return Shop(tmp_path)


def test_what_a_session_does_replays_without_a_server(shop: Shop) -> None:
    """Lists, parallel calls, resources and prompts come back from the trace as they came from the server."""

    async def talk(session: Any) -> Any:
        names = [tool.name for tool in (await session.list_tools()).tools]
        calls = [session.call_tool("refund", {"order": "W-1", "cents": cents}) for cents in (1, 2, 3)]
        refunds = await asyncio.gather(*calls, session.call_tool("look", {"order": "W-1"}))
        policy, hello = await session.read_resource("shop://policy"), await session.get_prompt("greet", {"name": "Ann"})
        return names, [texts(one) for one in refunds], policy.contents[0].text, hello.messages[0].content.text

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    assert result[0][:2] == ["look", "refund"]
    assert result[1][3] == ["order W-1: 120"]
    assert result[2:] == ("at most 50.00 without approval", "Say hello to Ann.")
    assert shop.replayed(path, agent) == result
    made = [one.body["tool"] for one in events(path, "action")]
    assert made[:3] == ["mcp:connect", "mcp:initialize", "mcp:tools/list"]
    assert [one.body["surface"] for one in events(path, "action")][:4] == ["server", "server", "server", "tool"]
    assert {"resources/read", "prompts/get"} <= {*made}


def test_results_come_back_equal_with_every_field(shop: Shop) -> None:
    """A result from a trace equals the one from the server, structured content and fields that were set included."""
    came: list[Any] = []

    async def talk(session: Any) -> None:
        came.append([await session.list_tools(), await session.call_tool("refund", {"order": "W-1", "cents": 7})])

    agent = shop.agent(talk)
    _, path = shop.record(agent)
    shop.replayed(path, agent)
    assert came[0] == came[1]
    assert [one.model_fields_set for one in came[0]] == [one.model_fields_set for one in came[1]]


class Opening:
    """A stream to a server that opens a connection for each message in the name of who sends it, as over HTTP."""

    def __init__(self, inner: Any, address: tuple[str, int]) -> None:
        self._inner, self._address = inner, address

    async def send(self, message: Any) -> None:
        await asyncio.create_task(self._open())
        await self._inner.send(message)

    async def _open(self) -> None:
        _, writer = await asyncio.open_connection(*self._address)
        writer.close()
        await writer.wait_closed()

    async def __aenter__(self) -> Any:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._inner.__aexit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_connection_that_a_notification_takes_is_no_doing_of_the_agent(tmp_path: Path) -> None:
    """What a notification opens on its way takes no address from a task that the agent starts later."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        class Web(Shop):
            def connection(self) -> Any:
                return asynccontextmanager(opening)(super().connection())

        async def opening(inner: Any) -> AsyncIterator[Any]:
            async with inner as (read, write):
                yield read, Opening(write, server.getsockname())

        opening.__module__ = "mcp.client"  # by which it is known for what connects

        async def talk(session: Any) -> Any:
            return await asyncio.gather(*(session.call_tool("refund", {"order": "W-1", "cents": n}) for n in (1, 2)))

        shop = Web(tmp_path)
        agent = shop.agent(talk)
        result, path = shop.record(agent)
    assert shop.replayed(path, agent) == result
    with open_trace(path) as reader:
        assert not any("uncaptured" in source for one in reader for source, _ in one.body.get("reads", ()))


def test_a_blocked_call_never_reaches_the_server_and_tells_why(shop: Shop) -> None:
    """The agent gets a failed result that says rule, reason and alternative as a sentence and as data."""

    async def talk(session: Any) -> Any:
        await session.list_tools()
        return await session.call_tool("refund", {"order": "W-1", "cents": 9000})

    async def told(session: Any) -> Any:
        result = await talk(session)
        return is_error(result), texts(result)

    agent = shop.agent(told)
    (failed, (sentence, data)), path = shop.record(agent)
    assert failed
    assert sentence.startswith("refund was blocked by CAP: refunds stay within the limit")
    refused = json.loads(data)["refused"]
    assert (refused["rule"], refused["alternative"]) == ("CAP", "refund at most 5000 cents")
    assert refused["gradient"][0]["boundary"] == 5000
    assert shop.entries == []
    assert shop.replayed(path, agent) == (failed, [sentence, data])


def test_a_rewritten_call_is_sent_as_it_was_rewritten(shop: Shop) -> None:
    """The server gets the arguments that the rule has put in, and nothing of those of the agent."""

    async def talk(session: Any) -> Any:
        return texts(await session.call_tool("note", {"text": "the secret"}))

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    assert result == ["nothing"]
    assert shop.entries == [{"note": "nothing"}]
    assert shop.replayed(path, agent) == result


def test_a_call_that_is_rewritten_into_none_fails_and_is_not_sent(tmp_path: Path) -> None:
    """What a rule makes of a request has to be a request; else the agent gets the error, and the server nothing."""
    rules = """
registry: shop
version: "1"
default: allow
tools: {resources/read: {effect: read, arguments: {type: object, properties: {uri: {}}}}}
invariants:
  - {id: WRONG, on: action, tool: resources/read, require: call.args.uri == 7, otherwise: rewrite,
     rewrite: {args.uri: "7"}}
"""
    shop = Shop(tmp_path, rules)

    async def talk(session: Any) -> Any:
        try:
            await session.read_resource("shop://policy")
        except Exception as error:
            return "validation error" in str(error)

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    assert result is True
    assert shop.entries == []
    assert shop.replayed(path, agent) is True


def test_other_requests_are_refused_with_an_error(shop: Shop) -> None:
    """A resource that a rule blocks is not read, and the error holds the rule."""

    async def talk(session: Any) -> Any:
        with pytest.raises(MCPError) as caught:
            await session.read_resource("shop://keys")
        return caught.value.error.data["refused"]["rule"], (await session.read_resource("shop://policy")).contents[
            0
        ].text

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    assert result == ("POLICY", "at most 50.00 without approval")
    assert shop.entries == [{"read": "policy"}]
    assert shop.replayed(path, agent) == result


def test_a_result_is_checked_before_the_agent_sees_it(tmp_path: Path) -> None:
    """A rule on a result withholds it, and sees what the tool says of its own failure."""
    rules = """
registry: shop
version: "1"
default: allow
tools: {look: {effect: read}, fail: {effect: write}}
invariants:
  - {id: NO-ORDERS, on: result, tool: look, require: 'not result.content[0].text.contains("W-7")', otherwise: block}
  - {id: NO-FAILURE, on: result, tool: fail, require: not failed, otherwise: observe}
"""
    shop = Shop(tmp_path, rules)

    async def told(session: Any) -> Any:
        first = await session.call_tool("look", {"order": "W-7"})
        second = await session.call_tool("look", {"order": "W-8"})
        return texts(first)[0], texts(second), is_error(await session.call_tool("fail", {"why": "no"}))

    agent = shop.agent(told)
    result, path = shop.record(agent)
    assert result[0].startswith("look was blocked by NO-ORDERS")
    assert result[1:] == (["order W-8: 120"], True)
    assert [one.body["rule"] for one in events(path, "verdict")] == ["NO-ORDERS", "NO-FAILURE"]
    assert shop.replayed(path, agent) == result


def test_what_a_server_says_of_its_tools_counts_and_the_registry_goes_before(tmp_path: Path) -> None:
    """An undecidable rule blocks writes: a tool the server calls a read goes on, one the registry calls a write not."""
    rule = "{id: R, on: action, tool: TOOL, require: call.args.absent == 1, otherwise: block}"
    rules = "registry: r\nversion: '1'\ndefault: allow\nunknown: block_writes\n"

    async def talk(session: Any) -> Any:
        early = texts(await session.call_tool("look", {"order": "1"}))[0]
        await session.list_tools()
        return early, texts(await session.call_tool("look", {"order": "2"}))[0]

    shop = Shop(tmp_path / "server", f"{rules}invariants:\n  - {rule.replace('TOOL', 'look')}\n")
    shop.ledger.parent.mkdir()
    agent = shop.agent(talk)
    (early, late), path = shop.record(agent)
    assert early.startswith("look was blocked by R: it could not be decided")
    assert late == "order 2: 120"
    assert shop.replayed(path, agent) == (early, late)
    strict = Shop(
        tmp_path / "strict",
        f"{rules}tools: {{look: {{effect: write}}}}\ninvariants:\n  - {rule.replace('TOOL', 'look')}\n",
    )
    strict.ledger.parent.mkdir()
    assert strict.record(strict.agent(talk))[0][1].startswith("look was blocked by R")
    assert strict.entries == []


@pytest.mark.parametrize(("tool", "arguments"), [("hang", {"seconds": 1.0}), ("die", {})])
def test_a_call_without_an_answer_is_unknown(shop: Shop, tool: str, arguments: dict[str, Any]) -> None:
    """When the time is up or the server dies, the agent gets the client's own error and the trace says unknown."""
    limit: Any = 0.4
    if MCPError.__name__ == "McpError":  # before mcp 2 time limits were no numbers
        from datetime import timedelta

        limit = timedelta(seconds=0.4)

    async def talk(session: Any) -> Any:
        with pytest.raises(MCPError) as caught:
            await session.call_tool(tool, arguments, limit if tool == "hang" else None)
        if tool == "hang":  # the late answer comes while somebody still listens: mcp 1 breaks otherwise
            await session.call_tool("look", {"order": "1"})
            await asyncio.sleep(1)
        return caught.value.error.code, str(caught.value)

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    assert not isinstance(result, Exception), result
    assert shop.entries
    call = events(path, "action", tool)[0].seq
    outcome = next(one.body for one in events(path, "observation") if one.body["action"] == call)
    assert outcome["unknown"]["reason"] == f"mcp:{result[0]}: {result[1]}"
    assert shop.replayed(path, agent) == result


def test_a_callback_of_the_client_acts_within_the_session(shop: Shop) -> None:
    """What the client does for the server is recorded and judged in its connection, and is not done on replay."""
    thought: list[str] = []

    @shop.app.tool(effect="read")
    def think(about: str) -> str:
        thought.append(about)
        return about.upper()

    async def sample(_: Any, params: Any) -> Any:
        said = think(params.messages[0].content.text)
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text=said), model="m")

    async def talk(session: Any) -> Any:
        return texts(await session.call_tool("ask", {"question": "why"}))

    agent = shop.agent(talk, sampling_callback=sample)
    result, path = shop.record(agent)
    assert (result, thought) == (["it says WHY"], ["why"])
    assert events(path, "action", "think")[0].task.startswith("0/0")
    assert shop.replayed(path, agent) == result
    assert thought == ["why"]


def test_outside_a_session_nothing_changes(shop: Shop) -> None:
    """A wrapped client works as it did: nothing is recorded and nothing is judged."""

    async def talk(session: Any) -> Any:
        await session.list_tools()
        return texts(await session.call_tool("refund", {"order": "W-1", "cents": 9000}))

    assert asyncio.run(shop.agent(talk)()) == ['{\n  "refunded": 9000\n}']
    assert shop.entries == [{"refunded": "W-1", "cents": 9000}]
    assert not (shop.ledger.parent / "runs").exists()


def test_two_servers_are_told_apart_by_their_prefixes(tmp_path: Path) -> None:
    """A prefix stands before the names in the trace and in rules, and not in what the server is sent."""
    shop = Shop(tmp_path, RULES.replace("tool: refund,", "tool: b/refund,").replace("  refund:\n", "  b/refund:\n"))

    async def agent() -> Any:
        said = []
        for prefix in ("a/", "b/"):
            async with (
                shop.app.wrap(shop.connection()) as streams,
                shop.app.wrap(ClientSession(*streams[:2]), prefix=prefix) as session,
            ):
                await session.initialize()
                said.append(is_error(await session.call_tool("refund", {"order": "W-1", "cents": 9000})))
        return said

    result, path = shop.record(agent)
    assert result == [False, True]
    assert len(shop.entries) == 1
    assert {"mcp:a/initialize", "a/refund", "b/refund"} <= {one.body["tool"] for one in events(path, "action")}
    assert shop.replayed(path, agent) == result


@pytest.mark.parametrize("calls_made", [1, 2])
def test_a_run_that_was_killed_goes_on_with_a_server_of_its_own(shop: Shop, tmp_path: Path, calls_made: int) -> None:
    """What the record holds is not asked again; the new server is given its handshake before the first real call."""

    async def talk(session: Any) -> Any:
        return [texts(await session.call_tool("note", {"text": f"{number}"})) for number in range(3)]

    agent = shop.agent(talk)
    result, path = shop.record(agent)
    last = events(path, "action", "note")[calls_made - 1].seq + 1
    cut = tmp_path / "cut.mat.jsonl"
    cut.write_bytes(b"".join(Path(path).read_bytes().splitlines(keepends=True)[: last + 2]))
    shop.ledger.unlink()
    resumed = resume(cut, entry=agent, app=shop.app)
    assert resumed.error is None
    assert resumed.result == result == [["0"], ["1"], ["2"]]
    assert shop.entries == [{"note": f"{number}"} for number in range(calls_made, 3)]
    assert shop.replayed(resumed.path, agent) == result


@pytest.mark.skipif(not hasattr(mcp, "Client"), reason="mcp.Client came with mcp 2")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_client_of_mcp_2_passes_too(shop: Shop, mode: str) -> None:
    """A wrapped mcp.Client starts its server while recording and none on replay, whatever handshake it holds."""

    async def agent() -> Any:
        async with shop.app.wrap(mcp.Client(shop.connection(), mode=mode)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, [is_error(await client.call_tool("refund", {"order": "1", "cents": n})) for n in (1, 9000)]

    result, path = shop.record(agent)
    assert not isinstance(result, Exception), result
    assert result[1] == [False, True]
    assert shop.entries == [{"refunded": "1", "cents": 1}]
    assert shop.replayed(path, agent) == result


def test_a_session_is_wrapped_once_and_stays_what_it_was() -> None:
    """Wrapping gives the same object; wrapped again it passes one door; anything else of the package is refused."""
    app = Harness()

    async def main() -> None:
        async with shop_streams() as streams:
            session = ClientSession(*streams)
            assert app.wrap(session) is session
            kind = type(session)
            assert type(app.wrap(session)) is kind
            assert kind.__mro__[1] is ClientSession

    asyncio.run(main())
    with pytest.raises(UsageError, match=r"cannot wrap a mcp.*StdioServerParameters"):
        app.wrap(StdioServerParameters(command="x"))


def shop_streams() -> Any:
    """Give streams that lead nowhere."""
    from harness.adapters.mcp.session import _nowhere

    return _nowhere()
