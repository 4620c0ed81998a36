"""Tools of LangChain at the door: what is judged, what is performed, what the model is told, and what replays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest

pytest.importorskip("langgraph", reason="the extra [langgraph] is not installed")

from langchain_core.documents import Document
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import InjectedState, ToolRuntime
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field

from harness.door.resume import resume
from harness.errors import Refused, UsageError, Waiting
from harness.ports import Approval, Pending
from tests.adapters.frameworks.langgraph_desk import Desk, asked, calls, events, node_of

CAP = """
tools: {pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}}
invariants:
  - {id: CAP, on: action, tool: pay, require: call.args.cents <= 100, otherwise: OTHERWISE, says: "at most 100 cents"}
"""
BLOCKED, ASKED = CAP.replace("OTHERWISE", "block"), CAP.replace("OTHERWISE", "escalate")


def run_both(desk: Desk, graph: Any, state: dict[str, Any], **options: Any) -> list[Any]:
    """Run a graph in a loop and in threads, replay both, and give the messages that came of each."""
    desk.app.wrap(graph)

    async def awaited() -> Any:
        return [repr(one) for one in (await graph.ainvoke(state, **options))["messages"][1:]]

    def threaded() -> Any:
        return [repr(one) for one in graph.invoke(state, **options)["messages"][1:]]

    return [desk.twice(agent) for agent in (awaited, threaded)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give an app whose rule caps payments."""
    return Desk(tmp_path, BLOCKED)


def paying(desk: Desk, *, asynchronous: bool = False, **options: Any) -> BaseTool:
    """Give a tool that pays."""

    def pay(cents: int) -> str:
        """Pay."""
        desk.done.append(cents)
        return f"paid {cents}"

    async def apay(cents: int) -> str:
        """Pay."""
        await asyncio.sleep(0)
        return pay(cents)

    return StructuredTool.from_function(None if asynchronous else pay, apay if asynchronous else None, "pay", **options)


def test_what_the_framework_injects_is_given_and_not_judged(desk: Desk) -> None:
    """State, runtime, call id and config reach the tool; rules and the trace see only what the model asked for."""

    @tool
    def look(
        order: str,
        state: Annotated[dict[str, Any], InjectedState],
        call_id: Annotated[str, InjectedToolCallId],
        runtime: ToolRuntime,
        config: RunnableConfig,
        times: int = 2,
    ) -> str:
        """Look."""
        return f"{order} {len(state['messages'])} {call_id} {runtime.tool_call_id} {config['tags']} {times}"

    for messages, path in run_both(desk, node_of([look]), asked(("look", {"order": "W"})), config={"tags": ["blue"]}):
        assert "content=\"W 1 c0 c0 ['blue'] 2\"" in messages[0]
        assert calls(path) == [("tool", "look", {"order": "W", "times": 2})]
        assert [one.body["id"] for one in events(path)] == ["c0"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_blocked_call_is_a_failed_result_and_the_others_go_on(desk: Desk, asynchronous: bool) -> None:
    """The model is told by a ToolMessage with the status error; calls that it asked for at once are made."""
    graph = desk.app.wrap(node_of([paying(desk, asynchronous=asynchronous)]))
    state = asked(("pay", {"cents": 7}), ("pay", {"cents": 700}), ("pay", {"cents": 8}))

    async def agent() -> Any:
        said = (await graph.ainvoke(state))["messages"][1:]
        return [(one.status, one.tool_call_id, one.content.splitlines()[0]) for one in said], said[1].content

    (said, content), _ = desk.twice(agent)
    assert [one[:2] for one in said] == [("success", "c0"), ("error", "c1"), ("success", "c2")]
    assert said[1][2].startswith("pay was blocked by CAP")
    assert json.loads(content.splitlines()[1])["refused"]["alternative"] == "at most 100 cents"
    assert sorted(desk.done) == [7, 8]


def test_a_refusal_is_shaped_for_tools_that_give_artifacts(desk: Desk) -> None:
    """A refused tool of two parts gives the same failed result, without an artifact."""

    @tool(response_format="content_and_artifact")
    def pay(cents: int) -> tuple[str, Any]:
        """Pay."""
        return "paid", {"at": [Document("receipt", metadata={"cents": cents})]}

    state = asked(("pay", {"cents": 700}), ("pay", {"cents": 7}))
    for messages, _ in run_both(desk, node_of([pay]), state):
        assert "status='error'" in messages[0]
        assert "artifact" not in messages[0]
        assert "artifact={'at': [Document(metadata={'cents': 7}, page_content='receipt')]}" in messages[1]


def test_a_call_by_the_program_itself_raises_its_refusal(desk: Desk) -> None:
    """Where no model asked for the call nobody can be told by a message: the error is raised."""
    pay = desk.app.wrap(paying(desk))
    result, _ = desk.twice(lambda: pay.invoke({"cents": 700}))
    assert isinstance(result, Refused)
    assert desk.twice(lambda: pay.invoke({"cents": 7}))[0] == "paid 7"


class Line(BaseModel):
    """One line of an order."""

    sku: str
    on: date = date(2026, 1, 2)


class Order(BaseModel):
    """What a model asks for."""

    line: Line
    tags: set[str] = Field(default_factory=set, alias="labels")


def test_rules_judge_and_rewrite_what_the_schema_has_made(tmp_path: Path) -> None:
    """Judged is JSON with defaults, sets in one order; what a rule puts in is made into the tool's own types."""
    rules = """
tools: {order: {effect: write, arguments: {type: object, properties: {line: {type: object, properties: {sku: {}}}}}}}
invariants:
  - {id: MUGS, on: action, tool: order, require: call.args.line.sku == "mug", otherwise: rewrite,
     rewrite: {args.line: '{"sku": "mug", "on": "2026-03-04"}'}}
"""
    desk, got = Desk(tmp_path, rules), []

    @tool(args_schema=Order)
    def order(line: Line, tags: set[str]) -> str:
        """Order."""
        got.append((line, tags))
        return "ordered"

    state = asked(("order", {"line": {"sku": "cup"}, "labels": ["b", "a", "c"]}))
    for _, path in run_both(desk, node_of([order]), state):
        wanted, made = [args for _, _, args in calls(path)]
        assert wanted == {"line": {"sku": "cup", "on": "2026-01-02"}, "tags": ["a", "b", "c"]}
        assert made == {"line": {"sku": "mug", "on": "2026-03-04"}, "tags": ["a", "b", "c"]}
    assert got == [(Line(sku="mug", on=date(2026, 3, 4)), {"a", "b", "c"})] * 2


def test_arguments_that_a_rule_makes_unfit_are_refused(tmp_path: Path) -> None:
    """What does not fit the tool's schema is not performed, and the model is told."""
    rules = CAP.replace("OTHERWISE", "rewrite").replace("says:", "rewrite: {args.cents: '100'}, says:")
    desk = Desk(tmp_path, rules)

    @tool
    def pay(cents: Annotated[int, Field(ge=200)]) -> None:
        """Pay."""
        desk.done.append(cents)

    for messages, path in run_both(desk, node_of([pay]), asked(("pay", {"cents": 700}))):
        assert "status='error'" in messages[0]
        assert all(one.body["failed"]["error"]["happened"] is False for one in events(path, "observation"))
    assert desk.done == []


def test_what_is_performed_is_what_was_judged(desk: Desk) -> None:
    """What another task does to the agent's own lists between the verdict and the call changes nothing."""
    order, got = {"skus": ["mug"]}, list[Any]()

    @tool(args_schema={"type": "object", "properties": {"order": {}}})
    async def send(order: Any) -> str:
        """Send."""
        got.append(order)
        return "sent"

    graph = desk.app.wrap(node_of([send]))

    async def change() -> None:
        while not desk.app.session().steps:
            await asyncio.sleep(0)
        order["skus"].append("gold")

    async def agent() -> Any:
        state = asked(("send", {}))
        state["messages"][0].tool_calls[0]["args"]["order"] = order  # the very object
        said, _ = await asyncio.gather(graph.ainvoke(state), change())
        return [one.content for one in said["messages"][1:]]

    result, path = desk.record(agent)
    assert result == ["sent"]
    assert calls(path) == [("tool", "send", {"order": {"skus": ["mug"]}})]
    assert got == [{"skus": ["mug"]}]
    assert order == {"skus": ["mug", "gold"]}


RESULTS: list[Any] = [
    "text",
    {"a": [1, 2.5, None, True], "b": {"c": "ü"}},
    [{"type": "text", "text": "a block"}],
    (1, "two"),
    {1: "a key that is no text"},
    {"none": float("nan")},
    date(2026, 1, 2),
    Line(sku="mug"),
    b"bytes",
    ToolMessage("by hand", tool_call_id="c0", name="give", artifact=[Document("page")], status="error"),
    [ToolMessage("one of a list", tool_call_id="c0")],
    Command(update={"messages": [ToolMessage("by command", tool_call_id="c0")]}),
]


@pytest.mark.parametrize("value", RESULTS, ids=lambda value: type(value).__name__)
def test_what_the_model_is_shown_is_the_same_live_on_replay_and_without_harness(desk: Desk, value: Any) -> None:
    """Whatever a tool gives, its message is the same without harness, live, and from the trace."""

    def give() -> Any:
        """Give."""
        return value

    state, bare = asked(("give", {})), node_of([StructuredTool.from_function(give)])
    expected = [(one.content, one.artifact, one.status) for one in bare.invoke(state)["messages"][1:]]
    graph = desk.app.wrap(node_of([StructuredTool.from_function(give)]))

    async def agent() -> Any:
        return [(one.content, one.artifact, one.status) for one in (await graph.ainvoke(state))["messages"][1:]]

    assert desk.twice(agent)[0] == expected


def test_an_artifact_that_a_trace_cannot_give_back_is_said_so(desk: Desk) -> None:
    """The error names the class and what may be given instead; the tool has run."""

    @tool(response_format="content_and_artifact")
    def give() -> tuple[str, Any]:
        """Give."""
        return "here", object()

    give = desk.app.wrap(give)
    result, _ = desk.record(lambda: give.invoke({"name": "give", "args": {}, "id": "c0", "type": "tool_call"}))
    assert isinstance(result, UsageError)
    assert "builtins.object" in str(result)


@pytest.mark.parametrize("error", [ValueError("wrong"), ToolException("handled"), KeyError("gone")], ids=repr)
def test_errors_of_a_tool_go_on_as_they_are(desk: Desk, error: Exception) -> None:
    """What a tool raises is raised again on replay, of the same class, so that the framework does the same with it."""

    def give() -> str:
        """Give."""
        raise error

    graph = desk.app.wrap(node_of([StructuredTool.from_function(give, handle_tool_error=True)]))

    async def agent() -> Any:
        return [one.content for one in (await graph.ainvoke(asked(("give", {}))))["messages"][1:]]

    result, _ = desk.twice(agent)
    assert result == ["handled"] if isinstance(error, ToolException) else type(result) is type(error)


def test_an_interrupt_in_a_tool_is_no_failure_and_goes_on_when_answered(tmp_path: Path) -> None:
    """The graph stops and goes on as ever; what the trace holds says that nothing has happened by the first call."""
    desk = Desk(tmp_path)

    @tool
    def pay(cents: int) -> str:
        """Pay."""
        answer = interrupt({"pay": cents})
        desk.done.append(cents)
        return f"paid {cents}: {answer}"

    config: Any = {"configurable": {"thread_id": "1"}}

    async def agent() -> Any:
        graph = desk.app.wrap(node_of([pay], checkpointer=InMemorySaver()))
        stopped = await graph.ainvoke(asked(("pay", {"cents": 5})), config)
        question = stopped["__interrupt__"][0]
        done = await graph.ainvoke(Command(resume={question.id: "yes"}), config)
        return question.value, done["messages"][-1].content

    def threaded() -> Any:
        graph = desk.app.wrap(node_of([pay], checkpointer=InMemorySaver()))
        question = graph.invoke(asked(("pay", {"cents": 5})), config)["__interrupt__"][0]
        return question.value, graph.invoke(Command(resume="yes"), config)["messages"][-1].content

    for run in (agent, threaded):
        result, path = desk.twice(run)
        assert result == ({"pay": 5}, "paid 5: yes")
        first, second = [one.body for one in events(path, "observation")]
        assert first["failed"]["error"]["type"] == "langgraph.errors:GraphInterrupt"
        assert first["failed"]["error"]["happened"] is False
        assert first["failed"]["error"]["bubbles"][0]["value"]["value"] == {"pay": 5}
        assert second["ok"] == "paid 5: yes"
    assert desk.done == [5, 5]


def test_a_question_stops_the_run_and_it_is_resumed(tmp_path: Path) -> None:
    """While somebody is asked the other tools come to their end; what was approved is performed once."""
    answers: list[Any] = []
    desk = Desk(tmp_path, ASKED, approver=lambda _: answers[0] if answers else Pending("desk"))

    @tool
    def look(order: str) -> str:
        """Look."""
        desk.done.append(order)
        return "seen"

    graph = desk.app.wrap(node_of([paying(desk), look]))
    state = asked(("look", {"order": "A"}), ("pay", {"cents": 700}), ("look", {"order": "B"}))

    async def agent() -> Any:
        return [one.content for one in (await graph.ainvoke(state))["messages"][1:]]

    def threaded() -> Any:
        return [one.content for one in graph.invoke(state)["messages"][1:]]

    for run in (agent, threaded):
        answers.clear()
        desk.done.clear()
        stopped, path = desk.record(run)
        assert isinstance(stopped, Waiting)
        assert sorted(desk.done) == ["A", "B"]
        assert [one for one in events(path, "observation") if "failed" in one.body] == []
        answers.append(Approval(True, "Ann"))
        resumed = resume(path, entry=run, app=desk.app)
        assert resumed.result == ["seen", "paid 700", "seen"]
        assert desk.done.count(700) == 1


def test_a_tool_of_harness_under_the_frameworks_decorator_passes_once(desk: Desk) -> None:
    """A function that passes the door by itself is one action, and its refusal is told to the model as well."""

    @tool
    @desk.app.tool
    def pay(cents: int) -> str:
        """Pay."""
        desk.done.append(cents)
        return "paid"

    for messages, path in run_both(desk, node_of([pay]), asked(("pay", {"cents": 7}), ("pay", {"cents": 700}))):
        assert [one[:2] for one in calls(path)] == [("tool", "pay"), ("tool", "pay")]
        assert "content='paid'" in messages[0]
        assert "status='error'" in messages[1]


def test_what_is_refused_inside_a_tool_is_told_to_the_model(desk: Desk) -> None:
    """A tool that calls another one that is refused has failed, and the model is told why, live and on replay."""
    inner = desk.app.wrap(paying(desk))

    @tool
    def settle(order: str) -> str:
        """Settle."""
        return str(inner.invoke({"cents": 700 if order == "much" else 7}))

    for messages, path in run_both(desk, node_of([settle]), asked(("settle", {"order": "much"}))):
        assert "status='error'" in messages[0]
        assert "pay was blocked by CAP" in messages[0]
        assert [one[1] for one in calls(path)] == ["settle", "pay"]
    assert desk.done == []


class Asks(BaseTool):
    """A tool with no schema of its own."""

    name: str = "asks"
    description: str = "Ask."

    def _run(self, question: str, config: RunnableConfig, run_manager: Any = None) -> str:
        return f"{question}? {config['tags']} {run_manager is not None}"


@pytest.mark.parametrize(
    ("made", "args", "judged", "answer"),
    [
        (Asks, {"question": "why"}, {"question": "why"}, "why? ['blue'] True"),
        (lambda: Tool("asks", lambda text: text * 2, "Ask."), {"__arg1": "ho"}, {"tool_input": "ho"}, "hoho"),
        (
            lambda: StructuredTool.from_function(
                lambda **asked: str(asked),
                None,
                "asks",
                "Ask.",
                args_schema={"type": "object", "properties": {"a": {}}},
            ),
            {"a": [1]},
            {"a": [1]},
            "{'a': [1]}",
        ),
    ],
    ids=["class", "single input", "JSON schema"],
)
def test_tools_of_every_make_pass(desk: Desk, made: Callable[[], Any], args: Any, judged: Any, answer: str) -> None:
    """Classes, tools of one text, and tools with a bare JSON schema are judged by the names of their arguments."""
    for messages, path in run_both(desk, node_of([made()]), asked(("asks", args)), config={"tags": ["blue"]}):
        assert calls(path) == [("tool", "asks", judged)]
        assert f"content={answer!r}" in messages[0]


def test_streams_of_events_are_the_same_on_replay_and_without_harness(desk: Desk) -> None:
    """Callbacks run above the seam: the events of tools come in the same order with the same data."""

    def events_of(graph: Any) -> Callable[[], Any]:
        async def agent() -> Any:
            state = asked(("pay", {"cents": 7}))
            return [
                (one["event"], one["name"], str(one["data"].get("output")) if "tool" in one["event"] else "")
                async for one in graph.astream_events(state, version="v2")
            ]

        return agent

    bare = asyncio.run(events_of(node_of([paying(desk)]))())
    result, _ = desk.twice(events_of(desk.app.wrap(node_of([paying(desk)]))))
    assert result == bare
    assert ("on_tool_end", "pay", "content='paid 7' name='pay' tool_call_id='c0'") in result


def test_a_wrapped_tool_is_the_same_object_and_can_be_copied(desk: Desk) -> None:
    """It is given back itself, compares and dumps as before, and its copies pass the door too."""
    pay = paying(desk)
    before = pay.model_dump(exclude={"func"})
    assert desk.app.wrap(pay) is pay
    assert desk.app.wrap(pay) is pay
    desk.twice(lambda: pay.invoke({"cents": 7}))
    assert pay.model_dump(exclude={"func"}) == before
    assert type(pay).__name__ == "StructuredTool"
    copied = pay.model_copy(update={"name": "pay_again"})
    assert calls(desk.twice(lambda: copied.invoke({"cents": 7}))[1]) == [("tool", "pay_again", {"cents": 7})]
    assert pay.invoke({"cents": 700}) == "paid 700"  # outside a session nothing is judged
