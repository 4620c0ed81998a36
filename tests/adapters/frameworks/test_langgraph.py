"""LangGraph and LangChain at the door: the scenario, and what graphs, handoffs, models and stores do besides."""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest

pytest.importorskip("langchain_openai", reason="the extra [langgraph] is not installed")
pytest.importorskip("langchain", reason="langchain, whose agents are tried here, is not installed")
pytest.importorskip("langgraph_swarm", reason="langgraph-swarm, whose handoffs are tried here, is not installed")
pytest.importorskip("langgraph_supervisor", reason="langgraph-supervisor, which is tried here, is not installed")

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain.chat_models import init_chat_model
from langchain.tools import ToolRuntime
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_store
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, create_react_agent
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command
from langgraph_supervisor import create_supervisor
from langgraph_swarm import create_handoff_tool, create_swarm
from openai import AsyncOpenAI, NotFoundError, OpenAI

from harness.adapters.langgraph import covered
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import Refused, UsageError, Waiting
from harness.ports import Approval, Pending
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call_tool, say
from tests.adapters.frameworks.langgraph_desk import Desk, asked, calls, events, node_of
from tests.adapters.frameworks.scenario.checks import check_mediated, check_unchanged

KEY = "sk-a-key-that-nobody-may-see"
NO_BILLING = """
tools: {handoff: {effect: write, idempotent: true, arguments: {type: object, properties: {to: {type: string}}}}}
invariants:
  - {id: NOT-BILLING, on: action, tool: handoff, require: call.args.to != "billing", otherwise: block}
"""


@pytest.mark.parametrize("entry", ["main", "threads"])
def test_the_scenario_is_decided_and_performed_as_it_has_to_be(tmp_path: Path, entry: str) -> None:
    """Asynchronous or in threads: the decisions, the ledger, the resumption and the replay are those expected."""
    check_mediated(tmp_path, f"langgraph_shop:{entry}")


@pytest.mark.parametrize(("entry", "unwrapped"), [("main", "alone"), ("threads", "alone_in_threads")])
def test_an_agent_whose_rules_only_observe_does_what_it_does_alone(tmp_path: Path, entry: str, unwrapped: str) -> None:
    """Result, requests to the model and ledger are those of the graph without harness."""
    check_unchanged(tmp_path, f"langgraph_shop:{entry}", unwrapped)


def policy(request: ModelRequest) -> Reply:
    """Use each tool that is offered once, and say what came of it."""
    offered = [one["function"]["name"] for one in request.tools if "function" in one]
    used = [one["function"]["name"] for said in request.messages for one in said.get("tool_calls") or ()]
    left = [name for name in offered if name not in used and name != "transfer_back_to_triage"]
    if not left:
        return say(f"done after {', '.join(used)}: {request.messages[-1]['content']}"[:200])
    needs = {"pay": {"cents": 7}, "ask_clerk": {"question": "why"}, "keep": {"secret": KEY}}
    return call_tool(left[0], **needs.get(left[0], {}))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Give a scripted model, and the environment by which a chat model finds it."""
    with ModelServer(policy) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield running


def chat(**options: Any) -> ChatOpenAI:
    """Give a chat model that keeps no connection from one event loop to the next."""
    return ChatOpenAI(model="gpt-4o", **clients(), **options)


def clients() -> dict[str, Any]:
    """Give HTTP clients that close their connections."""
    at_once = httpx2.Limits(max_keepalive_connections=0)
    return {"http_client": httpx2.Client(limits=at_once), "http_async_client": httpx2.AsyncClient(limits=at_once)}


def agent_of(graph: Any) -> Any:
    """Give an agent that runs a graph and returns the text of its last message."""

    async def agent() -> str:
        state = await graph.ainvoke({"messages": [("user", "Help.")]})
        return str(state["messages"][-1].content)

    return agent


def looking(desk: Desk, name: str = "look") -> BaseTool:
    """Give a tool that looks."""

    def look() -> str:
        """Look."""
        desk.done.append(name)
        return f"{name} seen"

    return StructuredTool.from_function(look, None, name, "Look.")


def speakers(path: str) -> list[tuple[str, str]]:
    """Give who made which call."""
    return [(one.agent, one.body["tool"]) for one in events(path)]


# --- graphs and handoffs ---------------------------------------------------------------------------------------------


OLD_AGENTS = pytest.mark.filterwarnings("ignore:create_react_agent has been moved")


@OLD_AGENTS
def test_each_agent_of_a_team_acts_under_its_name(tmp_path: Path, server: ModelServer) -> None:
    """A supervisor hands over to agents, which come back; their calls carry their names, the program's its own."""
    desk = Desk(tmp_path)
    clerk = create_agent(chat(), [looking(desk)], name="clerk")
    payer = create_agent(chat(), [looking(desk, "search")], name="payer")
    team = create_supervisor([clerk, payer], model=chat(), supervisor_name="triage").compile()
    graph, own = desk.app.wrap(team), desk.app.wrap(looking(desk, "own"))

    async def agent() -> str:
        text = await agent_of(graph)()
        own.invoke({})
        return str(text)

    _, path = desk.twice(agent)
    made = [one for one in speakers(path) if one[1] != "openai:chat/completions"]
    handed = [args["to"] for surface, _, args in calls(path) if surface == "handoff"]
    assert made == [
        ("triage", "handoff"),
        (handed[0], {"clerk": "look", "payer": "search"}[handed[0]]),
        ("triage", "handoff"),
        (handed[1], {"clerk": "look", "payer": "search"}[handed[1]]),
        ("main", "own"),
    ]
    assert sorted(handed) == ["clerk", "payer"]
    assert {agent for agent, _ in speakers(path)} == {"triage", "clerk", "payer", "main"}


def test_a_refused_handoff_leaves_the_agent_in_charge(tmp_path: Path, server: ModelServer) -> None:
    """The model is told by the result of the handoff tool, and nobody else is asked."""
    desk = Desk(tmp_path, NO_BILLING)
    model = chat()
    triage = create_agent(model, [create_handoff_tool(agent_name="billing")], name="triage")
    billing = create_agent(model, [looking(desk)], name="billing")
    graph = desk.app.wrap(create_swarm([triage, billing], default_active_agent="triage").compile())
    result, path = desk.twice(agent_of(graph))
    assert result.startswith("done after transfer_to_billing: handoff was blocked by NOT-BILLING")
    assert {agent for agent, _ in speakers(path)} == {"triage"}
    assert desk.done == []


def test_a_handoff_cannot_be_rewritten(tmp_path: Path, server: ModelServer) -> None:
    """A tool that hands over to one agent does not hand over to another; the call is refused instead."""
    desk = Desk(tmp_path, NO_BILLING.replace("otherwise: block", "otherwise: rewrite, rewrite: {args.to: '\"clerk\"'}"))
    triage = create_agent(chat(), [create_handoff_tool(agent_name="billing")], name="triage")
    billing = create_agent(chat(), [looking(desk)], name="billing")
    graph = desk.app.wrap(create_swarm([triage, billing], default_active_agent="triage").compile())
    result, path = desk.twice(agent_of(graph))
    assert "handoff was blocked by rewrite: a handoff to billing cannot be made another one" in result
    assert {agent for agent, _ in speakers(path)} == {"triage"}


@pytest.mark.parametrize("rules", ["", NO_BILLING], ids=["allowed", "refused"])
def test_a_tool_of_the_program_that_sends_the_graph_elsewhere_hands_over(tmp_path: Path, rules: str) -> None:
    """A Command with a goto is a handoff of its own after the tool's call; refused, the graph goes nowhere."""
    desk = Desk(tmp_path, rules)

    @tool
    def escalate(call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Escalate."""
        return Command(goto="billing", update={"messages": [ToolMessage("over to billing", tool_call_id=call_id)]})

    def billing(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", "billing speaks")]}

    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([escalate]), destinations=("billing",))
    builder.add_node("billing", billing)
    builder.add_edge(START, "tools")
    graph = desk.app.wrap(builder.compile())

    async def awaited() -> Any:
        return [one.content for one in (await graph.ainvoke(asked(("escalate", {}))))["messages"][1:]]

    def threaded() -> Any:
        return [one.content for one in graph.invoke(asked(("escalate", {})))["messages"][1:]]

    for agent in (awaited, threaded):
        result, path = desk.twice(agent)
        assert calls(path) == [("tool", "escalate", {}), ("handoff", "handoff", {"to": "billing"})]
        if rules:
            assert result[0].startswith("handoff was blocked by NOT-BILLING")
            assert len(result) == 1
        else:
            assert result == ["over to billing", "billing speaks"]


def test_an_agent_inside_a_tool_passes_the_door_and_asks_from_there(tmp_path: Path, server: ModelServer) -> None:
    """The calls of an agent that is another one's tool are actions too; a question among them stops and resumes."""
    rules = """
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  ask_clerk: {effect: read, arguments: {type: object, properties: {question: {type: string}}}}
invariants: [{id: ASK, on: action, tool: pay, require: call.args.cents <= 5, otherwise: escalate}]
"""
    answers: list[Any] = []
    desk = Desk(tmp_path, rules, approver=lambda _: answers[0] if answers else Pending("desk"))

    def pay(cents: int) -> str:
        """Pay."""
        desk.done.append(cents)
        return f"paid {cents}"

    clerk = create_agent(chat(), [StructuredTool.from_function(pay)], name="clerk")

    @tool
    async def ask_clerk(question: str) -> str:
        """Ask the clerk."""
        return str((await clerk.ainvoke({"messages": [("user", question)]}))["messages"][-1].content)

    ask_clerk.metadata = {"effect": "read"}
    agent = agent_of(desk.app.wrap(create_agent(chat(), [ask_clerk], name="triage")))
    stopped, path = desk.record(agent)
    assert isinstance(stopped, Waiting)
    assert desk.done == []
    answers.append(Approval(True, "Ann"))
    resumed = resume(path, entry=agent, app=desk.app)
    assert resumed.result == "done after ask_clerk: done after pay: paid 7"
    assert desk.done == [7]
    again = replay(resumed.path, entry=agent, app=desk.app)
    assert again.equal, again.divergence
    assert ("clerk", "pay") in speakers(resumed.path)


def test_questions_of_the_framework_itself_are_asked_and_answered(tmp_path: Path, server: ModelServer) -> None:
    """A middleware that interrupts before a tool's call does so under the door; what is approved is one action."""
    desk = Desk(tmp_path)
    asking = HumanInTheLoopMiddleware(interrupt_on={"pay": True})

    def pay(cents: int) -> str:
        """Pay."""
        desk.done.append(cents)
        return f"paid {cents}"

    async def agent() -> Any:
        tools = [StructuredTool.from_function(pay)]
        graph = desk.app.wrap(create_agent(chat(), tools, middleware=[asking], checkpointer=InMemorySaver()))
        config: Any = {"configurable": {"thread_id": "1"}}
        stopped = await graph.ainvoke({"messages": [("user", "Pay.")]}, config)
        question = stopped["__interrupt__"][0].value["action_requests"][0]["args"]
        edited = {"type": "edit", "edited_action": {"name": "pay", "args": {"cents": 3}}}
        done = await graph.ainvoke(Command(resume={"decisions": [edited]}), config)
        return question, done["messages"][-1].content

    (question, text), path = desk.twice(agent)
    assert question == {"cents": 7}
    assert text.startswith("done after pay: ")
    assert [args for _, tool, args in calls(path) if tool == "pay"] == [{"cents": 3}]
    assert desk.done == [3]


@OLD_AGENTS
def test_sessions_in_one_loop_are_kept_apart(tmp_path: Path, server: ModelServer) -> None:
    """Twenty sessions use one graph at once in somebody else's loop; each has its own trace, and replays."""
    desk = Desk(tmp_path)
    tools = [looking(desk), looking(desk, "search")]
    graph = desk.app.wrap(create_react_agent(chat(), tools))
    entry = desk.app.agent(agent_of(graph))

    async def one() -> str:
        async with desk.app.session() as session:
            await entry()
        return session.trace.path

    async def all_at_once() -> list[str]:
        return list(await asyncio.gather(*(one() for _ in range(20))))

    paths = asyncio.run(all_at_once())
    assert len(set(paths)) == 20
    assert len(desk.done) == 40
    for path in paths[:5]:
        assert [tool for _, tool in speakers(path) if ":" not in tool] == ["look", "search"]
        assert replay(path, entry=entry, app=desk.app).equal
    assert len(desk.done) == 40


# --- models ----------------------------------------------------------------------------------------------------------


def test_a_model_that_is_chosen_by_name_passes_when_it_is_made(tmp_path: Path, server: ModelServer) -> None:
    """Bound to tools or configured, what ``init_chat_model`` puts off makes models that pass the door."""
    desk = Desk(tmp_path)
    maker = desk.app.wrap(init_chat_model(configurable_fields=("model", "model_provider"), **clients()))
    config: Any = {"configurable": {"model": "gpt-4o-mini", "model_provider": "openai"}}

    async def agent() -> Any:
        bound = maker.bind_tools([looking(desk)]).with_config(config)
        return (await bound.ainvoke("hello")).tool_calls[0]["name"], maker.invoke("hello", config).content

    result, path = desk.twice(agent)
    assert result == ("look", "done after : hello")
    assert [tool for _, tool, _ in calls(path)] == ["openai:chat/completions"] * 2
    assert [request.body["model"] for request in server.requests] == ["gpt-4o-mini"] * 2


def test_a_client_that_passes_already_is_wrapped_once(tmp_path: Path, server: ModelServer) -> None:
    """A model over a wrapped client, in a graph that is wrapped twice, makes one action of one request."""
    desk = Desk(tmp_path)
    synchronous = desk.app.wrap(OpenAI(http_client=clients()["http_client"]))
    client = desk.app.wrap(AsyncOpenAI(http_client=clients()["http_async_client"]))
    resources = {"async_client": client.chat.completions, "client": synchronous.chat.completions}
    model = ChatOpenAI(model="gpt-4o", root_async_client=client, **resources)
    graph = desk.app.wrap(desk.app.wrap(create_agent(model, [looking(desk)])))
    _, path = desk.twice(agent_of(graph))
    assert [tool for _, tool, _ in calls(path)] == ["openai:chat/completions", "look", "openai:chat/completions"]
    assert len(calls(desk.twice(lambda: model.invoke("hello").content)[1])) == 1


def test_a_model_on_azure_passes(tmp_path: Path, server: ModelServer) -> None:
    """Its requests are known by their path below the deployment, here to a server that does not serve it."""
    desk = Desk(tmp_path)
    endpoint = {"azure_endpoint": server.base_url, "azure_deployment": "our-gpt", "api_version": "2026-01-01"}
    model = desk.app.wrap(AzureChatOpenAI(api_key=KEY, **endpoint, **clients()))

    result, path = desk.twice(lambda: model.invoke("hello").content)
    assert isinstance(result, NotFoundError)
    assert [(surface, tool) for surface, tool, _ in calls(path)] == [("model", "openai:chat/completions")]


def test_the_key_of_a_wrapped_model_stands_in_no_trace(tmp_path: Path, server: ModelServer) -> None:
    """Not where the model itself asks for it to be kept."""
    desk = Desk(tmp_path)

    @tool
    def keep(secret: str) -> str:
        """Keep."""
        return f"kept {secret}"

    graph = desk.app.wrap(create_agent(chat(), [keep]))
    result, path = desk.record(agent_of(graph))
    assert KEY in result
    assert KEY not in Path(path).read_text()
    assert "⟦secret:" in Path(path).read_text()


def test_a_model_over_no_client_of_openai_is_said_to_be_unseen(tmp_path: Path) -> None:
    """By itself it cannot be wrapped; in a graph the list of surfaces names it."""
    desk = Desk(tmp_path)
    with pytest.raises(UsageError, match=r"cannot wrap a langchain_core.+FakeListChatModel"):
        desk.app.wrap(FakeListChatModel(responses=["a"]))
    graph = desk.app.wrap(create_agent(FakeListChatModel(responses=["a"])))
    assert [one[:3] for one in covered(graph)] == [("model", "FakeListChatModel", "unseen")]


# --- what a graph is made of -----------------------------------------------------------------------------------------


class Helper:
    """A node of the program's that holds a tool."""

    def __init__(self, helping: BaseTool) -> None:
        self.helping = helping

    async def node(self, state: MessagesState) -> dict[str, Any]:
        """Use the tool."""
        return {"messages": [("ai", await self.helping.ainvoke({}))]}


class Adding(AgentMiddleware):  # type: ignore[type-arg]
    """A middleware that brings a tool."""

    def __init__(self, tools: list[BaseTool]) -> None:
        super().__init__()
        self.tools = tools


_desk: list[BaseTool] = []
_by_name: dict[str, BaseTool] = {}


async def _from_globals(state: MessagesState) -> dict[str, Any]:
    return {"messages": [("ai", await _by_name["looked_up"].ainvoke({}))]}


def _partly(tool: BaseTool, state: MessagesState) -> dict[str, Any]:
    return {"messages": [("ai", tool.invoke({}))]}


def test_tools_are_found_wherever_nodes_hold_them(tmp_path: Path) -> None:
    """In closures, globals, methods and partial functions, in conditional edges, middleware and graphs inside."""
    desk = Desk(tmp_path)
    names = ("closed_over", "looked_up", "held", "given", "deciding", "inside", "brought")
    tools = {name: looking(desk, name) for name in names}
    _by_name["looked_up"] = tools["looked_up"]
    closed_over = tools["closed_over"]

    async def closing(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", await closed_over.ainvoke({}))]}

    async def choose(state: MessagesState) -> str:
        await tools["deciding"].ainvoke({})
        return END

    within = StateGraph(MessagesState)
    within.add_node("only", functools.partial(_partly, tools["inside"]))
    within.add_edge(START, "only")
    builder = StateGraph(MessagesState)
    builder.add_sequence(
        [
            ("closing", closing),
            ("globals", _from_globals),
            ("method", Helper(tools["held"]).node),
            ("partial", functools.partial(_partly, tools["given"])),
            ("graph", within.compile()),
        ]
    )
    builder.add_edge(START, "closing")
    builder.add_conditional_edges("graph", choose, [END])
    graph = desk.app.wrap(builder.compile())
    _, path = desk.twice(agent_of(graph))
    assert [tool for _, tool, _ in calls(path)] == ["closed_over", "looked_up", "held", "given", "inside", "deciding"]
    agent = create_agent(FakeListChatModel(responses=["a"]), middleware=[Adding([tools["brought"]])])
    assert ("tool", "brought", "mediated") in [one[:3] for one in covered(desk.app.wrap(agent))]


SHELF = """
from langchain_core.tools import StructuredTool

def made(name):
    return StructuredTool.from_function(lambda: name, name=name, description="Do it.")

called, held, inherited, reached = map(made, ("called", "held", "inherited", "reached"))

def call():
    return called.invoke({})

class Above:
    def inherit(self):
        return inherited.invoke({})

class Desk(Above):
    @property
    def last(self):
        return held.invoke({})

desk = Desk()
"""
NODES = """
import {0}
from {0} import call, desk

def node(state):
    return {{"messages": [call(), desk.last, desk.inherit(), {0}.reached.invoke({{}})]}}
"""


def test_tools_are_found_behind_functions_and_objects_of_other_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All modules of a program are its own, whatever they are called, and whether a name of theirs is imported."""
    (tmp_path / "shelf_of_graphs.py").write_text(SHELF)
    (tmp_path / "nodes_of_graphs.py").write_text(NODES.format("shelf_of_graphs"))
    monkeypatch.syspath_prepend(str(tmp_path))
    builder = StateGraph(MessagesState)
    builder.add_node("node", importlib.import_module("nodes_of_graphs").node)
    builder.add_edge(START, "node")
    graph = Desk(tmp_path).app.wrap(builder.compile())
    assert sorted(one.name for one in covered(graph)) == ["called", "held", "inherited", "reached"]


def test_surfaces_are_listed_and_stand_in_the_trace(tmp_path: Path, server: ModelServer) -> None:
    """Tools, handoffs and models are mediated, what the provider runs observed, a checkpointer unseen."""
    desk = Desk(tmp_path)
    model = chat(use_responses_api=False)
    tools = [looking(desk), create_handoff_tool(agent_name="billing"), {"type": "web_search"}]
    triage = create_agent(model, tools, name="triage")
    billing = create_agent(model, [], name="billing")
    graph = create_swarm([triage, billing], default_active_agent="triage").compile(checkpointer=InMemorySaver())
    desk.app.wrap(graph)
    assert [one[:3] for one in covered(graph)] == [
        ("tool", "look", "mediated"),
        ("handoff", "billing", "mediated"),
        ("hosted", "web_search", "observed"),
        ("model", "openai:chat/completions", "mediated"),
        ("memory", "InMemorySaver", "unseen"),
    ]

    async def agent() -> Any:
        config: Any = {"configurable": {"thread_id": "1"}}
        return [piece async for piece in graph.astream(asked(), config, stream_mode="updates")] and "streamed"

    _, path = desk.record(agent)
    read = [source for one in events(path, "read") for source in one.body["reads"]]
    stated = [value for source, value in read if source == "surfaces@langgraph"]
    assert stated == [[one.facts() for one in covered(graph)]]


def test_what_is_no_part_of_a_graph_is_refused(tmp_path: Path) -> None:
    """A graph that is not compiled has nothing that could be wrapped for good."""
    with pytest.raises(UsageError, match="StateGraph"):
        Desk(tmp_path).app.wrap(StateGraph(MessagesState))


# --- memory ----------------------------------------------------------------------------------------------------------

PRIVATE = """
tools: {memory.write: {effect: write, idempotent: true, arguments: {type: object, properties: {key: {type: string}}}}}
invariants: [{id: PRIVATE, on: action, tool: memory.write, require: 'not call.args.key.contains("other")',
  otherwise: block}]
"""


@pytest.mark.parametrize("asynchronous", [True, False])
def test_what_agents_keep_in_a_store_passes_the_door(tmp_path: Path, asynchronous: bool) -> None:
    """Reads and writes of shared memory are actions; what is read comes from the trace on replay."""
    desk = Desk(tmp_path, PRIVATE)

    @tool
    def remember(key: str, runtime: ToolRuntime) -> str:
        """Remember."""
        assert runtime.store is not None
        runtime.store.put(("notes", "ann"), key, {"text": "likes mugs"})
        return "kept"

    async def look(state: MessagesState) -> dict[str, Any]:
        store = get_store()
        if asynchronous:
            found, none = await store.aget(("notes", "ann"), "a"), await store.aget(("notes",), "b")
            listed = await store.asearch(("notes",), filter={"text": "likes mugs"})
        else:
            found, none = store.get(("notes", "ann"), "a"), store.get(("notes",), "b")
            listed = store.search(("notes",), filter={"text": "likes mugs"})
        return {"messages": [("ai", f"{found} {none} {listed} {store.list_namespaces(max_depth=1)}")]}

    async def agent() -> Any:
        builder = StateGraph(MessagesState)
        builder.add_sequence([("tools", ToolNode([remember])), ("look", look)])
        builder.add_edge(START, "tools")
        graph = desk.app.wrap(builder.compile(store=InMemoryStore()))
        state = await graph.ainvoke(asked(("remember", {"key": "a"}), ("remember", {"key": "other"})))
        return [one.content for one in state["messages"][1:]]

    (kept, refused, text), path = desk.twice(agent)
    assert kept == "kept"
    assert refused.startswith("memory.write was blocked by PRIVATE")
    assert text.startswith("Item(namespace=['notes', 'ann'], key='a', value={'text': 'likes mugs'}")
    assert "None [Item(" in text
    assert text.endswith("[('notes',)]")
    memory = [(tool, args["key"]) for surface, tool, args in calls(path) if surface == "memory"]
    assert sorted(memory[:2]) == [("memory.write", "notes/ann/a"), ("memory.write", "notes/ann/other")]
    assert memory[2:] == [
        ("memory.read", "notes/ann/a"),
        ("memory.read", "notes/b"),
        ("memory.read", "notes"),
        ("memory.read", ""),
    ]


def test_a_write_to_a_store_by_the_program_itself_raises_its_refusal(tmp_path: Path) -> None:
    """Outside of tools nobody can be told by a message; what was refused is not kept."""
    desk = Desk(tmp_path, PRIVATE)
    store = desk.app.wrap(InMemoryStore())

    def agent() -> Any:
        store.put(("notes",), "other", {"text": "no"})

    assert isinstance(desk.twice(agent)[0], Refused)
    assert store.get(("notes",), "other") is None
    assert node_of([looking(desk)]).invoke(asked(("look", {})))["messages"][-1].content == "look seen"
