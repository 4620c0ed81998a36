"""Agents of pydantic-ai that hand work over, their models, and what they say of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "pydantic_ai",
    reason="the extra [pydantic-ai] is not installed: pip install 'agent-assurance-harness[pydantic-ai]'",
)

from pydantic_ai import (
    Agent,
    ExternalToolset,
    FunctionToolset,
    ModelHTTPError,
    ToolDefinition,
    UsageLimits,
)
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.test import TestModel

from harness.adapters.files import open_trace
from harness.adapters.pydantic_ai import covered
from harness.door.replay import replay
from harness.door.resume import resume
from harness.errors import UsageError, Waiting
from harness.ports import Approval, Pending, Question
from harness.testing.model_server import call_tool, fail, say
from tests.adapters.frameworks.pydantic_ai_desk import Desk, actions, keeping, outcomes, told


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give a desk with an app of its own."""
    made = Desk(tmp_path)
    yield made
    made.close()


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


def test_models_inside_of_models_pass_the_door(desk: Desk) -> None:
    """Each model of a fallback is asked through the door; a toolset and a model can be wrapped by themselves."""
    failing, working = desk.model(fail(500)), desk.model(say("Done."))
    agent = desk.app.wrap(Agent(FallbackModel(failing, working), name="clerk"))
    result, events = desk.record(lambda: agent.run_sync("Go.").output)
    assert result == "Done."
    assert {event.agent for event in events if event.kind == "action"} == {"clerk"}
    assert len(desk.sent) > 1


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

    async def main() -> str:
        return (await agent.run("Go.")).output

    assert asyncio.run(main()) == "Done."
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


def test_what_is_no_agent_is_not_wrapped(desk: Desk) -> None:
    """A class of the package that does nothing by itself is refused with the cure."""
    with pytest.raises(UsageError, match="cannot wrap a pydantic_ai") as caught:
        desk.app.wrap(UsageLimits())
    assert "a toolset or a model" in caught.value.cure
