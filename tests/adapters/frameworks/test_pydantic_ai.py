"""Agents of pydantic-ai at the door, against the installed package and a scripted model."""

from __future__ import annotations

import base64
import dataclasses
import math
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
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
    ModelHTTPError,
    ModelRetry,
    RunContext,
    ToolDefinition,
    ToolOutput,
    ToolReturn,
    UsageLimitExceeded,
    UsageLimits,
)
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.toolsets import CombinedToolset

from harness.adapters.files import open_trace
from harness.adapters.pydantic_ai import covered
from harness.door.app import Harness
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import UsageError, Waiting
from harness.ports import Approval, Pending, Question
from harness.registry.load import load
from harness.testing.model_server import ModelServer, Reply, call, call_tool, calls, fail, say, script
from harness.trace.event import Event
from tests.adapters.frameworks.scenario.checks import check_mediated, check_unchanged

SHOP = Path(__file__).parents[1] / "mcp_server" / "shop.py"
KEY = "sk-never-on-disk-123"
RULES = """
registry: shop
version: "1"
default: allow
parameters: {cap: 100}
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  dear: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  shop_note: {effect: write, arguments: {type: object, properties: {text: {type: string}}}}
  handoff: {effect: write, arguments: {type: object, properties: {to: {type: string}, input: {type: string}}}}
invariants:
  - {id: CAP, on: action, tool: pay, require: call.args.cents <= params.cap, otherwise: block, says: "Pay less."}
  - {id: CLEAN, on: action, tool: note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
  - {id: CLEAN-TOO, on: action, tool: shop_note, require: 'not call.args.text.contains("secret")', otherwise: rewrite,
     rewrite: {args.text: '"nothing"'}}
  - {id: DEAR, on: action, tool: dear, require: call.args.cents <= 1, otherwise: escalate}
  - {id: FRIENDS, on: action, tool: handoff, require: 'call.args.to != "stranger"', otherwise: block}
  - {id: POLITE, on: action, tool: handoff, require: 'call.args.input != "now"', otherwise: rewrite,
     rewrite: {args.input: '"please"'}}
"""


class Desk:
    """A scripted model, and an app that records what agents do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = Harness(load(RULES, "shop.yaml"), traces=folder / "runs")
        self._servers: list[ModelServer] = []

    def model(self, *replies: Reply, kind: Any = OpenAIChatModel) -> Any:
        """Give a model that says these replies, one after the other."""
        server = ModelServer(script(list(replies)))
        self._servers.append(server)
        http = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0))  # nothing is left to be closed
        return kind("gpt-4o", provider=OpenAIProvider(base_url=server.base_url, api_key=KEY, http_client=http))

    def rules(self, name: str, tool: str) -> Path:
        """Write a registry that blocks a tool, and give its file."""
        path = self.folder / f"{name}.yaml"
        rule = f"{{id: NEVER, on: action, tool: '{tool}', require: 'False', otherwise: block}}"
        path.write_text(f"registry: {name}\nversion: '1'\ndefault: allow\ninvariants:\n  - {rule}\n")
        return path

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of all requests so far."""
        return [request.body for server in self._servers for request in server.requests]

    def record(self, entry: Callable[[], Any]) -> tuple[Any, list[Event]]:
        """Run an entry, replay it where no model is, and give its result and its events."""
        session, entry = self.app.session(), self.app.agent(entry)
        result = session.run(entry)
        text = Path(session.trace.path).read_text()
        assert KEY not in text
        sent = len(self.sent)
        again = replay(session.trace.path, entry=entry)
        assert again.equal, again.divergence
        assert len(self.sent) == sent
        with open_trace(session.trace.path) as reader:
            return result, list(reader)

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk with an app of its own."""
    made = Desk(tmp_path)
    yield made
    made.close()


def actions(events: list[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    """Give who did what with which arguments, but for the calls of models."""
    return [
        (event.agent, event.body["tool"], event.body["args"])
        for event in events
        if event.kind == "action" and event.body["surface"] != "model"
    ]


def outcomes(events: list[Event]) -> list[str]:
    """Give the status of each observation of what is no call of a model."""
    models = {event.seq for event in events if event.kind == "action" and event.body["surface"] == "model"}
    return [
        *(
            one
            for event in events
            if event.kind == "observation" and event.body["action"] not in models
            for one in ("ok", "failed", "unknown")
            if one in event.body
        )
    ]


def told(desk: Desk) -> list[str]:
    """Give what the last request shows as results of tools."""
    return [message["content"] for message in desk.sent[-1]["messages"] if message["role"] == "tool"]


def test_the_scenario_is_mediated_stopped_resumed_and_replayed(tmp_path: Path) -> None:
    """The six steps come out as for every framework, and the run goes on in another process."""
    check_mediated(tmp_path, "pydantic_ai_shop:main")


def test_under_rules_that_observe_nothing_is_different(tmp_path: Path) -> None:
    """The wrapped agent gives the result, makes the requests and does the writes of the one without harness."""
    check_unchanged(tmp_path, "pydantic_ai_shop:main", "alone")


async def by_run(agent: Agent[None, str]) -> str:
    """Run an agent to its end."""
    return (await agent.run("Go.")).output


async def by_stream(agent: Agent[None, str]) -> str:
    """Stream its text."""
    async with agent.run_stream("Go.") as streamed:
        return "".join([piece async for piece in streamed.stream_text(delta=True)])


async def by_iter(agent: Agent[None, str]) -> str:
    """Go through its nodes."""
    async with agent.iter("Go.") as run:
        async for _ in run:
            pass
    assert run.result is not None
    return run.result.output


async def by_events(agent: Agent[None, str]) -> str:
    """Go through its events."""
    async with agent.run_stream_events("Go.") as events:
        *_, last = [event async for event in events]
    return str(last.result.output)


def by_run_sync(agent: Agent[None, str]) -> str:
    """Run it from synchronous code."""
    return agent.run_sync("Go.").output


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


def keeping(paid: list[int]) -> Callable[[int], str]:
    """Give the tool ``pay``, which keeps what it has paid."""

    def pay(cents: int) -> str:
        paid.append(cents)
        return f"paid {cents}"

    return pay


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


def billing_and_triage(desk: Desk, name: str = "billing", ask: str = "Charge.") -> tuple[Any, Any]:
    """Give an agent that charges, and one with a tool that hands it the work."""
    charged: list[int] = []

    def charge(cents: int) -> str:
        charged.append(cents)
        return f"charged {cents}"

    billing = Agent(desk.model(call_tool("charge", cents=5), say("It is charged.")), name=name, tools=[charge])
    triage = Agent(desk.model(call_tool("ask_billing"), say("All is done.")), name="triage")

    @triage.tool_plain
    async def ask_billing() -> str:
        return (await billing.run(ask)).output

    return desk.app.wrap(billing), triage


@pytest.mark.parametrize("delegates", [(), ("ask_billing",)], ids=["tool", "delegate"])
def test_an_agent_run_by_a_tool_of_another_was_handed_the_work(desk: Desk, delegates: tuple[str, ...]) -> None:
    """The hand-over is an action, and what the second agent does is done in its name."""
    _, triage = billing_and_triage(desk)
    desk.app.wrap(triage, delegates=delegates)
    result, events = desk.record(lambda: triage.run_sync("Go.").output)
    assert result == "All is done."
    outer = [] if delegates else [("triage", "ask_billing", {})]
    handed = ("triage", "handoff", {"to": "billing", "input": "Charge."})
    assert actions(events) == [*outer, handed, ("billing", "charge", {"cents": 5})]
    assert told(desk) == ["It is charged."] or told(desk) == ["charged 5"]


def test_a_refused_hand_over_is_told_and_the_same_agent_goes_on(desk: Desk) -> None:
    """A rule that keeps work from an agent leaves the first one at it."""
    _, triage = billing_and_triage(desk, name="stranger")
    desk.app.wrap(triage, delegates=["ask_billing"])
    result, events = desk.record(lambda: triage.run_sync("Go.").output)
    assert result == "All is done."
    assert [tool for _, tool, _ in actions(events)] == ["handoff"]
    assert "FRIENDS" in told(desk)[0]


def test_what_is_handed_over_can_be_rewritten(desk: Desk) -> None:
    """The second agent is run with the prompt that rules have put in the place of the first one's."""
    _, triage = billing_and_triage(desk, ask="now")
    desk.app.wrap(triage, delegates=["ask_billing"])
    desk.record(lambda: triage.run_sync("Go.").output)
    prompts = [body["messages"][0]["content"] for body in desk.sent]
    assert "please" in prompts
    assert "now" not in prompts


@pytest.mark.parametrize("delegates", [(), ("ask_billing",)], ids=["tool", "delegate"])
def test_a_run_stops_inside_of_work_that_was_handed_over(desk: Desk, delegates: tuple[str, ...]) -> None:
    """What stands there is followed, and the call that somebody has allowed is made once.

    A tool that is no delegate has begun by then, and may have done anything: somebody is asked about that too.
    """
    asked: list[str] = []
    allowed: list[bool] = []

    def desk_of_ann(question: Question) -> Approval | Pending:
        asked.append(question.tool)
        return Approval(True, "Ann", digest=question.digest) if allowed else Pending("the desk", "nobody is in")

    charged: list[int] = []

    def dear(cents: int) -> str:
        charged.append(cents)
        return f"charged {cents}"

    billing = Agent(desk.model(call_tool("dear", cents=5), say("It is charged.")), name="billing", tools=[dear])
    triage = Agent(desk.model(call_tool("ask_billing"), say("All is done.")), name="triage")

    @triage.tool_plain
    async def ask_billing() -> str:
        return (await billing.run("Charge.")).output

    app = desk.app.with_approver(desk_of_ann)
    app.wrap(billing)
    app.wrap(triage, delegates=delegates)

    @app.agent
    async def main() -> str:
        return (await triage.run("Go.")).output

    with pytest.raises(Waiting) as waiting:
        app.session().run(main)
    assert (asked, charged) == (["dear"], [])
    with open_trace(waiting.value.trace) as reader:
        assert outcomes(list(reader)) == []
    allowed.append(True)
    resumed = resume(waiting.value.trace, entry=main, app=app)
    assert resumed.error is None
    assert charged == [5]
    assert asked == ["dear", "dear"] if delegates else asked[1] == "ask_billing"
    assert replay(resumed.path, entry=main).equal


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


def test_models_inside_of_models_pass_the_door(desk: Desk) -> None:
    """Each model of a fallback is asked through the door; a toolset and a model can be wrapped by themselves."""
    failing, working = desk.model(fail(500)), desk.model(say("Done."))
    agent = desk.app.wrap(Agent(FallbackModel(failing, working), name="clerk"))
    result, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert result == "Done."
    assert {event.agent for event in events if event.kind == "action"} == {"clerk"}
    assert len(desk.sent) > 1


def test_models_of_anthropic_pass_the_door(desk: Desk) -> None:
    """A streamed answer of Anthropic's Messages is recorded in the agent's name, and its key is not."""
    pytest.importorskip("anthropic", reason="the extra [anthropic] is not installed")
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    url = str(desk.model(call_tool("pay", cents=5), say("Done.")).client.base_url).rstrip("/").removesuffix("/v1")
    http = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0))
    provider = AnthropicProvider(base_url=url, api_key=KEY, http_client=http)
    agent = desk.app.wrap(Agent(AnthropicModel("a-model", provider=provider), name="clerk", tools=[keeping([])]))

    async def main() -> str:
        return await by_stream(agent)

    result, events = desk.record(main)
    assert result == "Done."
    assert [(event.agent, event.body["tool"]) for event in events if event.kind == "action"] == [
        ("clerk", "anthropic:messages"),
        ("clerk", "pay"),
        ("clerk", "anthropic:messages"),
    ]


def test_toolsets_and_models_can_be_wrapped_by_themselves(desk: Desk) -> None:
    """Without its agent being wrapped, a toolset's calls and a model's requests are actions."""
    paid: list[int] = []
    model: Any = desk.app.wrap(desk.model(call_tool("pay", cents=5), say("Done.")))
    agent = Agent(model, name="clerk", toolsets=[desk.app.wrap(FunctionToolset([keeping(paid)]))])
    _, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert actions(events) == [("clerk", "pay", {"cents": 5})]
    assert next(event.body["tool"] for event in events if event.kind == "action") == "openai:chat/completions"
    assert isinstance(model, OpenAIChatModel)


def test_a_wrapped_model_of_a_wrapped_agent_is_asked_once_and_in_its_name(desk: Desk) -> None:
    """Wrapping both records each request once, by the agent that makes it."""
    agent = desk.app.wrap(Agent(desk.app.wrap(desk.model(say("Done."))), name="clerk"))
    _, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert [event.agent for event in events if event.kind == "action"] == ["clerk"]


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


def test_a_refused_request_to_a_model_is_an_http_error(desk: Desk) -> None:
    """The package raises what it raises for a provider that says 403."""
    app = desk.app.with_registry(desk.rules("no-models", "openai:chat/completions"))
    agent = app.wrap(Agent(desk.model(say("never"))))

    @app.agent
    def main() -> int:
        with pytest.raises(ModelHTTPError) as caught:
            agent.run_sync("Go.")
        return caught.value.status_code

    assert app.session().run(main) == 403
    assert desk.sent == []


def test_outside_a_session_nothing_is_different(desk: Desk) -> None:
    """A wrapped agent stays the object it was, with its decorators and its class."""
    paid: list[int] = []
    agent = Agent(desk.model(call_tool("pay", cents=500), say("Done.")))
    wrapped = desk.app.wrap(agent)
    agent.tool_plain(keeping(paid))
    assert wrapped is agent
    assert isinstance(agent, Agent)
    assert agent.run_sync("Go.").output == "Done."
    assert (paid, agent.name) == ([500], "agent")


def test_an_agent_says_which_of_its_surfaces_pass_the_door(desk: Desk) -> None:
    """Tools, models, outputs and what the provider runs are listed with what is known of them."""
    outside = ExternalToolset([ToolDefinition(name="outside", parameters_json_schema={"type": "object"})])
    agent = desk.app.wrap(Agent(desk.model(), tools=[keeping([])], toolsets=[outside]))
    assert [(one.kind, one.name, one.status) for one in covered(agent, ["settle"])] == [
        ("model", "openai:chat/completions", "mediated"),
        ("tool", "pay", "mediated"),
        ("tool", "outside", "observed"),
        ("tool", "settle", "mediated"),
        ("handoff", "handoff", "mediated"),
    ]
    (model, *_) = covered(Agent(TestModel()))
    assert (model.kind, model.status) == ("model", "unseen")


def test_tools_of_an_mcp_server_pass_the_door(desk: Desk) -> None:
    """A server's list and its tools are recorded, refused and replayed without the server."""
    pytest.importorskip("fastmcp", reason="pydantic-ai-slim[mcp] is not installed")
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    ledger = desk.folder / "ledger.jsonl"
    transport = StdioTransport(sys.executable, [str(SHOP), str(ledger)], keep_alive=False)
    server: Any = MCPToolset(transport, include_instructions=True)
    asked = calls(call("shop_look", order="W-77"), call("shop_note", text="a secret"))
    model = desk.model(asked, call_tool("shop_fail", why="no"), say("Done."))
    agent = desk.app.wrap(Agent(model, name="clerk", toolsets=[server.prefixed("shop")]))

    async def main() -> str:
        async with agent:
            return (await agent.run("Go.")).output

    result, events = desk.record(main)
    assert result == "Done."
    called = [(tool, args) for _, tool, args in actions(events) if not tool.startswith("mcp:")]
    assert called == [
        ("shop_look", {"order": "W-77"}),
        ("shop_note", {"text": "a secret"}),
        ("shop_note", {"text": "nothing"}),
        ("shop_fail", {"why": "no"}),
    ]
    assert sorted(ledger.read_text().splitlines()) == [
        '{"failed": "no"}',
        '{"looked": "W-77"}',
        '{"note": "nothing"}',
    ]


def test_what_is_no_agent_is_not_wrapped(desk: Desk) -> None:
    """A class of the package that does nothing by itself is refused with the cure."""
    with pytest.raises(UsageError, match="cannot wrap a pydantic_ai") as caught:
        desk.app.wrap(UsageLimits())
    assert "a toolset or a model" in caught.value.cure
