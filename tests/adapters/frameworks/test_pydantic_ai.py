"""Tools of pydantic-ai at the door, against the installed package and a scripted model."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "pydantic_ai",
    reason="the extra [pydantic-ai] is not installed: pip install 'agent-assurance-harness[pydantic-ai]'",
)

from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    ApprovalRequired,
    BinaryContent,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    ExternalToolset,
    FunctionToolset,
    ModelRetry,
    RunContext,
    ToolDefinition,
    ToolOutput,
    ToolReturn,
    UsageLimitExceeded,
    UsageLimits,
)
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.toolsets import CombinedToolset

from harness.testing.model_server import call, call_tool, calls, say
from tests.adapters.frameworks.pydantic_ai_desk import (
    Desk,
    actions,
    by_events,
    by_iter,
    by_run,
    by_run_sync,
    by_stream,
    keeping,
    outcomes,
    told,
)
from tests.adapters.frameworks.scenario.checks import check_mediated, check_unchanged


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk with an app of its own."""
    made = Desk(tmp_path)
    yield made
    made.close()


def test_the_scenario_is_mediated_stopped_resumed_and_replayed(tmp_path: Path) -> None:
    """The six steps come out as for every framework, and the run goes on in another process."""
    check_mediated(tmp_path, "pydantic_ai_shop:main")


def test_under_rules_that_observe_nothing_is_different(tmp_path: Path) -> None:
    """The wrapped agent gives the result, makes the requests and does the writes of the one without harness."""
    check_unchanged(tmp_path, "pydantic_ai_shop:main", "alone")


@pytest.mark.parametrize("way", [by_run, by_stream, by_iter, by_events, by_run_sync], ids=lambda way: way.__name__)
@pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel], ids=["chat", "responses"])
def test_every_way_of_running_an_agent_passes_the_door(desk: Desk, way: Any, kind: Any) -> None:
    """Tools are actions of the agent by its name, however the run is driven, on both of OpenAI's interfaces."""
    paid: list[int] = []

    def pay(cents: int) -> str:
        paid.append(cents)
        return f"paid {cents}"

    model = desk.model(call_tool("pay", cents=5), say("Done."), kind=kind)
    agent = desk.app.wrap(Agent(model, name="clerk", tools=[pay]))

    def sync() -> str:
        return str(way(agent))

    async def asynchronous() -> str:
        return str(await way(agent))

    result, events = desk.record(sync if way is by_run_sync else asynchronous)
    assert result == "Done."
    assert actions(events) == [("clerk", "pay", {"cents": 5})]
    models = [event for event in events if event.kind == "action" and event.body["surface"] == "model"]
    assert [event.agent for event in models] == ["clerk", "clerk"]
    assert paid == [5]


def test_a_refusal_is_a_failed_tool_and_takes_no_retries(desk: Desk) -> None:
    """A model may be refused more often than a tool has retries, and is shown rule and way out each time."""
    paid: list[int] = []
    model = desk.model(*[call_tool("pay", cents=500)] * 3, call_tool("pay", cents=50), say("Done."))
    agent = desk.app.wrap(Agent(model, tools=[keeping(paid)], retries=0))
    kept: list[Any] = []

    async def main() -> str:
        result = await agent.run("Go.")
        kept[:] = result.all_messages()
        return result.output

    result, _ = desk.record(main)
    assert (result, paid) == ("Done.", [50])
    assert ["Pay less." in text and "CAP" in text for text in told(desk)] == [True, True, True, False]
    returned = [part for message in kept for part in message.parts if part.part_kind == "tool-return"]
    assert [part.outcome for part in returned] == ["failed", "failed", "failed", "success"]


class Note(BaseModel):
    """What a tool takes."""

    text: str
    on: date


def test_what_is_judged_is_what_the_tool_is_called_with(desk: Desk) -> None:
    """Rewritten arguments are validated as the model's own are, also where the fields of one model are parameters."""
    noted: list[Any] = []

    def note(note: Note) -> str:
        noted.append(note)
        return "noted"

    model = desk.model(call_tool("note", text="a secret", on="2026-01-02"), say("Done."))
    agent = desk.app.wrap(Agent(model, name="clerk", tools=[note]))
    _, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert noted == [Note(text="nothing", on=date(2026, 1, 2))]
    assert [args for _, _, args in actions(events)] == [
        {"text": "a secret", "on": "2026-01-02"},
        {"text": "nothing", "on": "2026-01-02"},
    ]


def test_tools_of_every_toolset_go_by_the_name_the_model_knows(desk: Desk) -> None:
    """Prefixed, combined, dynamic and a run's own toolsets pass the door, each call once."""
    paid: list[int] = []
    one, two, three = (FunctionToolset([keeping(paid)]) for _ in range(3))
    names = ("a_pay", "b_pay", "c_pay", "pay")
    model = desk.model(calls(*[call(name, cents=number) for number, name in enumerate(names)]), say("Done."))
    agent = desk.app.wrap(
        Agent(model, name="clerk", toolsets=[CombinedToolset([one.prefixed("a"), two.prefixed("b")])])
    )

    @agent.toolset
    def dynamic(ctx: RunContext[None]) -> Any:
        return three.prefixed("c")

    own = FunctionToolset([keeping(paid)])
    _, events = desk.record(lambda: agent.run_sync("Go.", toolsets=[own]).output)
    assert sorted(actions(events)) == [("clerk", name, {"cents": number}) for number, name in enumerate(names)]
    assert sorted(paid) == [0, 1, 2, 3]


def test_what_waits_for_the_frameworks_own_approval_is_no_action(desk: Desk) -> None:
    """A tool that requires approval is judged when it is made; one that asks by itself has put its call off."""
    paid: list[int] = []
    model = desk.model(calls(call("pay", cents=1), call("send", to="Ann")), say("Done."))
    agent: Agent[None, Any] = Agent(model, name="clerk", output_type=[str, DeferredToolRequests])
    agent.tool_plain(requires_approval=True)(keeping(paid))

    @agent.tool
    def send(ctx: RunContext[None], to: str) -> str:
        if not ctx.tool_call_approved:
            raise ApprovalRequired({"to": to})
        return f"sent to {to}"

    desk.app.wrap(agent)

    async def main() -> str:
        first = await agent.run("Go.")
        assert isinstance(first.output, DeferredToolRequests)
        asked = {one.tool_call_id: first.output.metadata.get(one.tool_call_id) for one in first.output.approvals}
        assert sorted(map(str, asked.values())) == ["None", "{'to': 'Ann'}"]
        results = DeferredToolResults(approvals=dict.fromkeys(asked, True))
        return str((await agent.run(message_history=first.all_messages(), deferred_tool_results=results)).output)

    result, events = desk.record(main)
    assert (result, paid) == ("Done.", [1])
    assert [tool for _, tool, _ in actions(events)] == ["send", "pay", "send"]
    assert outcomes(events) == ["ok", "ok", "ok"]


def test_calls_that_are_made_elsewhere_are_put_off(desk: Desk) -> None:
    """CallDeferred is no failure, and an external tool no action: nothing of them happens here."""
    model = desk.model(calls(call("later", job="x"), call("outside")), say("Done."))
    outside = ExternalToolset([ToolDefinition(name="outside", parameters_json_schema={"type": "object"})])
    agent: Agent[None, Any] = Agent(model, output_type=[str, DeferredToolRequests], toolsets=[outside])

    @agent.tool_plain
    def later(job: str) -> str:
        raise CallDeferred({"job": job})

    desk.app.wrap(agent)

    async def main() -> str:
        first = await agent.run("Go.")
        waiting = {one.tool_name: one.tool_call_id for one in first.output.calls}
        results = DeferredToolResults(calls={waiting["later"]: "was done", waiting["outside"]: "there"})
        return str((await agent.run(message_history=first.all_messages(), deferred_tool_results=results)).output)

    result, events = desk.record(main)
    assert result == "Done."
    assert [(tool, args) for _, tool, args in actions(events)] == [("later", {"job": "x"})]
    assert outcomes(events) == ["ok"]
    assert told(desk) == ["was done", "there"]


def test_a_tool_that_asks_for_another_try_has_failed(desk: Desk) -> None:
    """ModelRetry is a tool's outcome, and counts against its retries as without harness."""
    tries: list[int] = []
    model = desk.model(call_tool("guess", number=1), call_tool("guess", number=2), say("Done."))
    agent = Agent(model, retries=1)

    @agent.tool_plain
    def guess(number: int) -> str:
        tries.append(number)
        if number == 1:
            raise ModelRetry("higher")
        return "right"

    desk.app.wrap(agent)
    result, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert (result, tries) == ("Done.", [1, 2])
    assert outcomes(events) == ["failed", "ok"]


def test_usage_limits_hold_as_ever(desk: Desk) -> None:
    """A run that is over its limits ends with the framework's own error, recorded and replayed."""
    model = desk.model(call_tool("pay", cents=1), say("never"))
    agent = desk.app.wrap(Agent(model, tools=[keeping([])]))

    def main() -> str:
        with pytest.raises(UsageLimitExceeded) as caught:
            agent.run_sync("Go.", usage_limits=UsageLimits(request_limit=1))
        return str(caught.value)

    assert "request_limit" in desk.record(main)[0]


@dataclasses.dataclass
class Receipt:
    """What a tool gives."""

    number: int
    on: date


def test_results_come_back_as_they_were(desk: Desk) -> None:
    """Objects, ToolReturn with metadata, and pictures are the same on replay, so the model is shown the same."""
    picture = BinaryContent(b"\x89PNG", media_type="image/png")
    model = desk.model(calls(call("receipt"), call("look"), call("both")), say("Done."))
    agent = Agent(model)

    @agent.tool_plain
    def receipt() -> Receipt:
        return Receipt(1, date(2026, 1, 2))

    @agent.tool_plain
    def look() -> list[Any]:
        return ["a picture", picture]

    @agent.tool_plain
    def both() -> ToolReturn:
        return ToolReturn("short", content=["see", picture], metadata={"when": date(2026, 1, 2)})

    desk.app.wrap(agent)

    async def main() -> str:
        result = await agent.run("Go.")
        parts = [part for message in result.all_messages() for part in message.parts if part.part_kind == "tool-return"]
        return repr([(part.content, part.metadata) for part in parts])

    result, _ = desk.record(main)
    assert "Receipt(number=1, on=datetime.date(2026, 1, 2))" in result
    assert "'when': datetime.date(2026, 1, 2)" in result
    assert base64.b64encode(picture.data).decode() in str(desk.sent[-1])


def test_an_output_function_is_an_action(desk: Desk) -> None:
    """A function that processes the output is judged, refused as no output, and not run on replay."""
    paid: list[int] = []

    def settle(cents: int) -> Receipt:
        paid.append(cents)
        return Receipt(cents, date(2026, 1, 2))

    model = desk.model(call_tool("pay", cents=500), call_tool("pay", cents=50))
    agent = desk.app.wrap(Agent(model, name="clerk", output_type=ToolOutput(settle, name="pay")))
    result, events = desk.record(lambda: repr(agent.run_sync("Go.").output))
    assert (result, paid) == ("Receipt(number=50, on=datetime.date(2026, 1, 2))", [50])
    assert actions(events) == [("clerk", "pay", {"cents": 500}), ("clerk", "pay", {"cents": 50})]


def test_what_passes_the_door_by_itself_passes_it_once(desk: Desk) -> None:
    """Functions under ``@app.tool`` and clients that are wrapped make no second action, and are refused alike."""
    paid: list[int] = []
    pay = desk.app.tool(keeping(paid))
    made = desk.model(call_tool("pay", cents=500), call_tool("pay", cents=5), say("Done."))
    model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=desk.app.wrap(made.client)))
    agent = desk.app.wrap(desk.app.wrap(Agent(model, name="clerk", tools=[pay])))
    result, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert (result, paid) == ("Done.", [5])
    assert actions(events) == [("clerk", "pay", {"cents": 500}), ("clerk", "pay", {"cents": 5})]
    assert len([event for event in events if event.kind == "action" and event.body["surface"] == "model"]) == 3


def test_arguments_that_do_not_fit_are_no_action(desk: Desk) -> None:
    """The model is asked for others before anything is judged; numbers that JSON has not are judged as text."""
    measured: list[float] = []
    model = desk.model(call_tool("measure", at="no number"), call_tool("measure", at="NaN"), say("Done."))

    def measure(at: float) -> str:
        measured.append(at)
        return "measured"

    agent = desk.app.wrap(Agent(model, name="clerk", tools=[measure]))
    result, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert result == "Done."
    assert actions(events) == [("clerk", "measure", {"at": "NaN"})]
    assert [math.isnan(one) for one in measured] == [True]
