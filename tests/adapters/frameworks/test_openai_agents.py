"""Agents of openai-agents at the door, against the installed package and the local model server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "agents", reason="openai-agents is not installed: pip install 'agent-assurance-harness[openai-agents]'"
)

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    OpenAIChatCompletionsModel,
    OpenAIProvider,
    RunConfig,
    Runner,
    ToolOutputText,
    WebSearchTool,
    function_tool,
    handoff,
    input_guardrail,
)
from agents.tool_context import ToolContext
from openai import PermissionDeniedError

import harness
from harness.adapters.openai_agents import covered
from harness.errors import UsageError, Waiting
from harness.ports import Approval, Pending
from harness.testing.model_server import ModelRequest, ModelServer, Reply, call, call_tool, calls, say, script
from tests.adapters.frameworks.openai_agents_desk import Desk, asking, client, talk_to
from tests.adapters.frameworks.scenario.checks import check_mediated, check_unchanged
from tests.adapters.frameworks.scenario.expected import Step, refusals_in, steps_in


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give an app without rules."""
    return Desk(tmp_path)


@function_tool
def look_up(order: str) -> str:
    """Look up an order."""
    return f"{order} is delivered"


@function_tool
def pay(cents: int) -> str:
    """Pay."""
    return f"paid {cents}"


# --- the scenario ----------------------------------------------------------------------------------------------------


def test_the_scenario(tmp_path: Path) -> None:
    """Decisions, effects, a stop for an approval, a resumption and a replay are those every framework has."""
    check_mediated(tmp_path, "openai_agents_wrapped:main")


def test_an_agent_under_rules_that_observe_is_unchanged(tmp_path: Path) -> None:
    """Result, requests to the model and ledger are those of the program without harness."""
    check_unchanged(tmp_path, "openai_agents_wrapped:main", "openai_agents_shop:answer")


# --- tools -----------------------------------------------------------------------------------------------------------


def test_a_tool_call_has_the_models_id_and_the_agents_name(desk: Desk) -> None:
    """A call is recorded with the id that the model gave it, under the name of the agent that asked for it."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up]))
    assert desk.run(asking(agent), [call_tool("look_up", order="W-1"), say("Delivered.")]) == "Delivered."
    (action,) = [event for event in desk.events("action") if event.body["surface"] == "tool"]
    assert (action.agent, action.body["tool"], action.body["args"]) == ("clerk", "look_up", {"order": "W-1"})
    assert action.body["id"].startswith("call_")
    assert "W-1 is delivered" in json.dumps(desk.requests[-1].messages)


def test_a_failing_tool_is_recorded_as_failed(desk: Desk) -> None:
    """The trace holds what the tool raised; the model is told what the SDK tells it of a failed tool."""

    @function_tool
    def broken(order: str) -> str:
        """Break."""
        raise ConnectionError(f"no line for {order}")

    agent = desk.app.wrap(Agent(name="clerk", tools=[broken]))
    desk.run(asking(agent), [call_tool("broken", order="W-1"), say("Sorry.")])
    failed = [event.body["failed"] for event in desk.events("observation") if "failed" in event.body]
    assert failed[0]["error"]["message"] == "no line for W-1"
    assert failed[0]["retryable"] is True
    assert "error occurred" in json.dumps(desk.requests[-1].messages)


@pytest.mark.parametrize("said", ["{", '["W-1"]', '{"order": NaN}'])
def test_malformed_arguments_are_recorded_as_they_came(said: str, desk: Desk) -> None:
    """What is no JSON object stands in the trace as text, and the SDK deals with it as ever."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up]))
    desk.run(asking(agent), [calls(call("look_up")._replace(arguments=said)), say("Sorry.")])
    (action,) = [event for event in desk.events("action") if event.body["surface"] == "tool"]
    assert action.body["args"] == {"$input": said}


class Receipt:
    """A result that no trace can hold."""

    def __str__(self) -> str:
        return "receipt 7"


@dataclass
class Order:
    """A result that comes back from its annotation."""

    number: str


def made(value: Any, annotation: Any) -> Any:
    """Give a tool that gives a value."""

    def thing(order: str) -> Any:
        """Give it."""
        return value

    thing.__annotations__["return"] = annotation
    return function_tool(thing)


@pytest.mark.parametrize(
    ("value", "annotation", "shown"),
    [
        ({"total": 3}, dict[str, int], "total"),
        (Order("W-1"), Order, "W-1"),
        (Receipt(), Receipt, "receipt 7"),
        (ToolOutputText(text="as a part"), ToolOutputText, "as a part"),
        ([ToolOutputText(text="one"), ToolOutputText(text="two")], list[ToolOutputText], "two"),
        (None, type(None), "None"),
    ],
)
def test_what_a_tool_gives_is_shown_to_the_model_on_replay_too(
    value: Any, annotation: Any, shown: str, desk: Desk
) -> None:
    """Data, dataclasses, parts of the SDK, and objects of which only the text is known."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[made(value, annotation)]))
    desk.run(asking(agent), [call_tool("thing", order="W-1"), say("Done.")])
    assert shown in json.dumps(desk.requests[-1].messages)


def test_a_tool_of_the_app_passes_the_door_once(tmp_path: Path) -> None:
    """A function that is a tool already is one action, and its refusal reaches the model."""
    desk = Desk(tmp_path, "  - {id: CAP, on: action, tool: give, require: call.args.cents <= 5, otherwise: block}\n")

    @function_tool
    @desk.app.tool
    def give(cents: int) -> str:
        """Give."""
        return f"gave {cents}"

    agent = desk.app.wrap(Agent(name="clerk", tools=[give]))
    desk.run(asking(agent), [call_tool("give", cents=9), call_tool("give", cents=5), say("Done.")])
    assert steps_in(desk.trace) == [Step("clerk", "give", ("block",)), Step("clerk", "give")]
    assert refusals_in(desk.trace)[0]["rule"] == "CAP"


def test_what_a_rule_says_of_a_result_reaches_the_model_instead(tmp_path: Path) -> None:
    """A withheld result is not shown: the model sees the refusal."""
    desk = Desk(tmp_path, "  - {id: HIDE, on: result, tool: look_up, require: 'False', otherwise: block}\n")
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up]))
    desk.run(asking(agent), [call_tool("look_up", order="W-1"), say("Hidden.")])
    assert "is delivered" not in json.dumps(desk.requests[-1].messages)
    assert refusals_in(desk.trace)[0]["rule"] == "HIDE"


def test_a_tool_that_takes_too_long_is_in_doubt(desk: Desk) -> None:
    """The SDK's own time limit cancels the call; it may have happened, and the trace says so."""

    @function_tool(timeout=0.05)
    async def slow(order: str) -> str:
        """Take long."""
        await asyncio.sleep(30)
        return "never"

    agent = desk.app.wrap(Agent(name="clerk", tools=[slow]))
    desk.run(asking(agent), [call_tool("slow", order="W-1"), say("Sorry.")])
    assert [event.body["unknown"] for event in desk.events("observation") if "unknown" in event.body] == [
        {"reason": "cancelled"}
    ]


SHORTER = """
  - {id: FIVE, on: action, tool: give, require: call.args.cents <= 5, otherwise: rewrite, rewrite: {args.cents: '5'}}
"""


@pytest.mark.parametrize("asked", [False, "by a function"])
def test_a_rewritten_call_is_made_with_what_was_judged(asked: bool | str, tmp_path: Path) -> None:
    """The tool and its context get the rewritten arguments, also where the SDK has prepared the model's own."""
    desk = Desk(tmp_path, SHORTER)
    seen = []

    async def never(context: Any, args: dict[str, Any], call_id: str) -> bool:
        return False

    @function_tool(needs_approval=never if asked else False)
    def give(context: ToolContext[Any], cents: int) -> str:
        """Give."""
        seen.append((cents, json.loads(context.tool_arguments)))
        return f"gave {cents}"

    agent = desk.app.wrap(Agent(name="clerk", tools=[give]))
    desk.run(asking(agent), [call_tool("give", cents=9), say("Given.")])
    assert seen == [(5, {"cents": 5})]
    assert "gave 5" in json.dumps(desk.requests[-1].messages)


def test_tools_that_are_not_the_same_need_names_of_their_own(desk: Desk) -> None:
    """Rules know a tool by its name, so that two of one name are refused; the same tool may be many agents'."""

    def other(order: str) -> str:
        """Look up an order."""
        return order

    one = function_tool(other, name_override="look_up")
    second = Agent(name="second", tools=[one])
    with pytest.raises(UsageError, match="two different tools are named 'look_up', one of them of the agent 'second'"):
        desk.app.wrap(Agent(name="first", tools=[look_up], handoffs=[second]))
    desk.app.wrap(Agent(name="third", tools=[look_up], handoffs=[Agent(name="fourth", tools=[look_up])]))


# --- handoffs --------------------------------------------------------------------------------------------------------

TO_BILLING = "  - {id: NO-BILLING, on: action, tool: handoff, require: 'False', otherwise: block, says: Stay here.}\n"


def test_a_refused_handoff_leaves_the_agent_where_it_was(tmp_path: Path) -> None:
    """The same agent goes on, the model is told why, and the handoff's own filter does not hide it."""
    desk = Desk(tmp_path, TO_BILLING)
    dropped = handoff(Agent(name="billing"), input_filter=lambda data: data.clone(new_items=()))
    agent = desk.app.wrap(Agent(name="triage", tools=[look_up], handoffs=[dropped]))
    seen = []

    async def entry() -> str:
        result = await Runner.run(agent, "Help!")
        seen.append(result.last_agent)
        return str(result.final_output)

    assert desk.run(entry, [call_tool("transfer_to_billing"), say("I stay.")]) == "I stay."
    assert seen == [agent, agent]  # recorded and replayed
    assert steps_in(desk.trace) == [Step("triage", "handoff", ("block",))]
    assert refusals_in(desk.trace)[0]["alternative"] == "Stay here."
    assert {event.agent for event in desk.events("action")} == {"triage"}


INSTEAD = """
  - {id: REASON, on: action, tool: handoff, require: call.args.input.reason == "rule", otherwise: rewrite,
     rewrite: {args.input: "{'reason': 'rule'}"}}
"""
ELSEWHERE = """
  - {id: BOSS, on: action, tool: handoff, require: call.args.to == "boss", otherwise: rewrite,
     rewrite: {args.to: "'boss'"}}
"""


@dataclass
class Why:
    """The input of a handoff."""

    reason: str


def test_the_input_of_a_handoff_may_be_rewritten(tmp_path: Path) -> None:
    """The callback of the handoff gets what the rule has put there."""
    desk, heard = Desk(tmp_path, INSTEAD), []
    billing = handoff(Agent(name="billing"), on_handoff=lambda _, why: heard.append(why.reason), input_type=Why)
    agent = desk.app.wrap(Agent(name="triage", handoffs=[billing]))
    desk.run(asking(agent), [call_tool("transfer_to_billing", reason="money"), say("Hm.")])
    assert heard == ["rule", "rule"]


def test_a_handoff_cannot_be_rewritten_to_go_elsewhere(tmp_path: Path) -> None:
    """Another agent is another handoff: the run ends with an error that says so, and nobody is handed over to."""
    desk = Desk(tmp_path, ELSEWHERE)
    agent = desk.app.wrap(Agent(name="triage", handoffs=[Agent(name="billing")]))
    with pytest.raises(UsageError, match="cannot be rewritten to go to another agent"):
        desk.run(asking(agent), [call_tool("transfer_to_billing")])
    assert {event.agent for event in desk.events("action")} == {"triage"}


def test_agents_that_hand_over_to_each_other_keep_their_names(desk: Desk) -> None:
    """A cycle is wrapped as it is; input of a handoff is part of it; the last agent is the object it was."""
    heard: list[str] = []
    billing = Agent(name="billing", tools=[pay])
    triage = Agent(name="triage", tools=[look_up])
    triage.handoffs.append(handoff(billing, on_handoff=lambda _, why: heard.append(why.reason), input_type=Why))
    billing.handoffs.append(triage)
    assert desk.app.wrap(triage) is triage
    last = []

    async def entry() -> str:
        result = await Runner.run(triage, "Help!")
        last.append(result.last_agent is billing)
        return str(result.final_output)

    to_triage, to_billing = call_tool("transfer_to_triage"), call_tool("transfer_to_billing", reason="money")
    desk.run(entry, [to_billing, to_triage, to_billing, call_tool("pay", cents=5), say("Paid.")])
    assert [step.agent for step in steps_in(desk.trace)] == ["triage", "billing", "triage", "billing"]
    handed = [event.body["args"] for event in desk.events("action") if event.body["surface"] == "handoff"]
    assert handed == [{"to": "billing", "input": {"reason": "money"}}, {"to": "triage"}, handed[0]]
    assert (heard, last) == (["money"] * 4, [True, True])


def test_what_is_added_later_passes_the_door_too(desk: Desk) -> None:
    """Tools and handoffs that an agent is given after it was wrapped are found when its turn comes."""
    agent = desk.app.wrap(Agent(name="triage"))
    agent.tools.append(look_up)
    agent.handoffs.append(Agent(name="billing", tools=[pay]))
    said = [
        call_tool("look_up", order="W-1"),
        call_tool("transfer_to_billing"),
        call_tool("pay", cents=5),
        say("Paid."),
    ]
    desk.run(asking(agent), said)
    assert steps_in(desk.trace) == [
        Step("triage", "look_up"),
        Step("triage", "handoff"),
        Step("billing", "pay"),
    ]


# --- agents inside agents --------------------------------------------------------------------------------------------


def experts(request: ModelRequest) -> Reply:
    """Be the accountant where it can pay, and else whoever asks it."""
    names = {tool["function"]["name"] for tool in request.tools}
    turn = request.number
    if "pay" in names:
        return say("It is paid.") if turn else call_tool("pay", cents=700)
    return say("The accountant has paid.") if turn else call_tool("accountant", input="Pay!")


def test_an_agent_that_is_a_tool_acts_under_its_own_name(desk: Desk) -> None:
    """Its run is part of the call: its model and tools pass the door, and run again on replay."""
    accountant = Agent(name="accountant", tools=[pay])
    agent = desk.app.wrap(Agent(name="boss", tools=[accountant.as_tool("accountant", "Pays.")]))
    assert desk.run(asking(agent), experts) == "The accountant has paid."
    assert steps_in(desk.trace) == [Step("boss", "accountant"), Step("accountant", "pay")]
    asked = [event.agent for event in desk.events("action") if event.body["surface"] == "model"]
    assert asked == ["boss", "accountant", "accountant", "boss"]


def test_a_run_stops_inside_of_an_agent_that_is_a_tool(tmp_path: Path) -> None:
    """A question about a call of the inner agent stops the run; resumed, it pays once."""
    paid: list[int] = []
    answers: list[Approval | Pending] = [Pending("the desk"), Approval(True, "Ann")]
    rule = "  - {id: ASK, on: action, tool: pay, require: 'False', otherwise: escalate}\n"
    desk = Desk(tmp_path, rule, lambda question: answers.pop(0))

    @function_tool(name_override="pay")
    def paying(cents: int) -> str:
        """Pay."""
        paid.append(cents)
        return f"paid {cents}"

    accountant = Agent(name="accountant", tools=[paying])
    agent = desk.app.wrap(Agent(name="boss", tools=[accountant.as_tool("accountant", "Pays.")]))
    entry = asking(agent)
    with ModelServer(experts) as server, pytest.MonkeyPatch.context() as patch:
        talk_to(server, patch)
        with pytest.raises(Waiting):
            desk.app.session(trace=desk.trace).run(entry)
        assert paid == []
        resumed = harness.resume(desk.trace, entry=entry, app=desk.app)
    assert (resumed.result, paid) == ("The accountant has paid.", [700])


@pytest.mark.parametrize("asked", ["pay", "handoff"])
def test_a_run_stops_beside_other_calls(asked: str, tmp_path: Path) -> None:
    """What one answer asks for beside the call in question happens once, before the stop or after it."""
    looked: list[str] = []
    answers: list[Approval | Pending] = [Pending("the desk"), Approval(True, "Ann")]
    rule = f"  - {{id: ASK, on: action, tool: {asked}, require: 'False', otherwise: escalate}}\n"
    desk = Desk(tmp_path, rule, lambda question: answers.pop(0))

    @function_tool(name_override="look_up")
    def looking(order: str) -> str:
        """Look up an order."""
        looked.append(order)
        return order

    agent = desk.app.wrap(Agent(name="clerk", tools=[looking, pay], handoffs=[Agent(name="billing")]))
    entry = asking(agent)
    both = calls(call("pay", cents=5), call("look_up", order="W-1"), call("transfer_to_billing"))
    with ModelServer(script([both, say("Done.")])) as server, pytest.MonkeyPatch.context() as patch:
        talk_to(server, patch)
        with pytest.raises(Waiting):
            desk.app.session(trace=desk.trace).run(entry)
        resumed = harness.resume(desk.trace, entry=entry, app=desk.app)
    assert (resumed.result, looked) == ("Done.", ["W-1"])
    assert steps_in(Path(resumed.path)) == [
        Step("clerk", "handoff", ("escalate", "allow") if asked == "handoff" else ("allow",)),
        Step("clerk", "look_up"),
        Step("clerk", "pay", ("escalate", "allow") if asked == "pay" else ("allow",)),
    ]
    assert harness.replay(resumed.path, entry=entry, app=desk.app).equal


def test_an_agent_that_a_guardrail_runs_is_adopted(desk: Desk) -> None:
    """Whatever is run inside the run of a wrapped agent passes the door, and a tripped guardrail still trips."""
    judge = Agent(name="judge")

    @input_guardrail(run_in_parallel=False)
    async def homework(context: Any, agent: Agent[Any], said: Any) -> GuardrailFunctionOutput:
        found = await Runner.run(judge, said, context=context.context)
        return GuardrailFunctionOutput(found.final_output, tripwire_triggered="homework" in found.final_output)

    agent = desk.app.wrap(Agent(name="tutor", input_guardrails=[homework]))

    async def entry() -> str:
        try:
            return str((await Runner.run(agent, "2x = 4?")).final_output)
        except InputGuardrailTripwireTriggered:
            return "tripped"

    assert desk.run(entry, [say("It is homework.")]) == "tripped"
    assert [event.agent for event in desk.events("action")] == ["judge"]


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["agent", "config", "provider", "name"])
def test_every_model_of_openai_passes_the_door(given: str, desk: Desk) -> None:
    """A model is behind the door wherever it comes from; its key is not in the trace, and its name is the agent's."""

    async def entry() -> str:
        own = client()
        model = OpenAIChatCompletionsModel("gpt-4o", own)
        agent = Agent(name="clerk", model={"agent": model, "name": "gpt-4o-mini"}.get(given))
        config = {
            "config": RunConfig(model=model),
            "provider": RunConfig(model_provider=OpenAIProvider(openai_client=own, use_responses=False)),
        }
        result = await Runner.run(desk.app.wrap(agent), "Help!", run_config=config.get(given))
        return str(result.final_output)

    assert desk.run(entry, [say("Hello.")]) == "Hello."
    (action,) = desk.events("action")
    path = "responses" if given == "name" else "chat/completions"
    assert (action.agent, action.body["tool"]) == ("clerk", f"openai:{path}")


def test_a_client_that_is_wrapped_already_passes_the_door_once(desk: Desk) -> None:
    """Somebody who wraps the client and the agent has one record of each request."""

    async def entry() -> str:
        model = OpenAIChatCompletionsModel("gpt-4o", desk.app.wrap(client()))
        agent = desk.app.wrap(Agent(name="clerk", model=model))
        return str((await Runner.run(agent, "Help!")).final_output)

    desk.run(entry, [say("Hello.")])
    assert len(desk.events("action")) == len(desk.requests) == 1


def test_a_refused_request_to_a_model_is_an_error_of_its_client(tmp_path: Path) -> None:
    """The client gets an HTTP 403, which it does not try again."""
    rule = "  - {id: NO-MODEL, on: action, when: call.surface == 'model', require: 'False', otherwise: block}\n"
    desk = Desk(tmp_path, rule)
    agent = desk.app.wrap(Agent(name="clerk"))
    with pytest.raises(PermissionDeniedError, match="NO-MODEL"):
        desk.run(asking(agent), [say("never said")])
    assert desk.requests == []
    assert len(desk.events("action")) == 1


# --- runs ------------------------------------------------------------------------------------------------------------


def test_a_synchronous_run(desk: Desk) -> None:
    """``Runner.run_sync`` is recorded and replayed like any other."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up]))

    def entry() -> str:
        return str(Runner.run_sync(agent, "Help!").final_output)

    assert desk.run(entry, [call_tool("look_up", order="W-1"), say("Delivered.")]) == "Delivered."
    assert steps_in(desk.trace) == [Step("clerk", "look_up")]


def test_a_synchronous_run_stops_for_an_answer(tmp_path: Path) -> None:
    """A question without an answer ends it before the call; resumed, the call is made."""
    answers: list[Approval | Pending] = [Pending("the desk"), Approval(True, "Ann")]
    rule = "  - {id: ASK, on: action, tool: look_up, require: 'False', otherwise: escalate}\n"
    desk = Desk(tmp_path, rule, lambda question: answers.pop(0))
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up]))

    def entry() -> str:
        return str(Runner.run_sync(agent, "Help!").final_output)

    said = [call_tool("look_up", order="W-1"), say("Delivered.")]
    with ModelServer(script(said)) as server, pytest.MonkeyPatch.context() as patch:
        talk_to(server, patch)
        with pytest.raises(Waiting):
            desk.app.session(trace=desk.trace).run(entry)
        assert harness.resume(desk.trace, entry=entry, app=desk.app).result == "Delivered."


def test_a_clone_of_a_wrapped_agent_is_wrapped(desk: Desk) -> None:
    """What the SDK, or a program, makes of a wrapped agent passes the door too, under its own name."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up])).clone(name="other")
    desk.run(asking(agent), [call_tool("look_up", order="W-1"), say("Delivered.")])
    assert steps_in(desk.trace) == [Step("other", "look_up")]


def test_an_agent_passes_the_door_of_whichever_session_it_runs_in(desk: Desk, tmp_path: Path) -> None:
    """Wrapped by two apps it is recorded once, under the rules of the session."""
    strict = Desk(tmp_path, "  - {id: NO, on: action, tool: look_up, require: 'False', otherwise: block}\n")
    agent = strict.app.wrap(desk.app.wrap(Agent(name="clerk", tools=[look_up])))
    strict.run(asking(agent), [call_tool("look_up", order="W-1"), say("No.")])
    assert steps_in(strict.trace) == [Step("clerk", "look_up", ("block",))]


def test_an_interruption_is_the_sdks_own(desk: Desk) -> None:
    """A tool that needs approval interrupts the run as ever, and is one action when it is approved."""

    @function_tool(needs_approval=True)
    def give(cents: int) -> str:
        """Give."""
        return f"gave {cents}"

    agent = desk.app.wrap(Agent(name="clerk", tools=[give]))

    async def entry() -> str:
        result = await Runner.run(agent, "Help!")
        state = result.to_state()
        for interruption in result.interruptions:
            state.approve(interruption)
        return str((await Runner.run(agent, state)).final_output)

    assert desk.run(entry, [call_tool("give", cents=5), say("Given.")]) == "Given."
    assert steps_in(desk.trace) == [Step("clerk", "give")]


def test_outside_of_a_session_nothing_is_recorded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapped agent runs as it did, and leaves no trace."""
    agent = desk.app.wrap(Agent(name="clerk", tools=[look_up], handoffs=[Agent(name="billing")]))
    with ModelServer(
        script([call_tool("look_up", order="W-1"), call_tool("transfer_to_billing"), say("Hm.")])
    ) as server:
        talk_to(server, monkeypatch)
        assert asyncio.run(asking(agent)()) == "Hm."
    assert list(desk.folder.iterdir()) == []


def test_what_runs_after_an_agent_does_not_act_under_its_name(desk: Desk) -> None:
    """The name of an agent ends with its run."""
    agent = desk.app.wrap(Agent(name="clerk"))

    @desk.app.tool
    def after() -> str:
        return "after"

    async def entry() -> str:
        await Runner.run(agent, "Help!")
        return after()

    desk.run(entry, [say("Hello.")])
    assert [event.agent for event in desk.events("action")] == ["clerk", "main"]


def test_runs_side_by_side_keep_their_names(desk: Desk) -> None:
    """Two agents that run at the same time in one session act each under its own name."""
    first, second = (desk.app.wrap(Agent(name=name, tools=[look_up])) for name in ("first", "second"))

    async def entry() -> list[str]:
        found = await asyncio.gather(Runner.run(first, "one"), Runner.run(second, "two"))
        return [str(result.final_output) for result in found]

    def policy(request: ModelRequest) -> Reply:
        word = str(request.messages[0]["content"])
        return say(word) if request.number else call_tool("look_up", order=word)

    assert desk.run(entry, policy) == ["one", "two"]
    looked = {event.agent: event.body["args"]["order"] for event in desk.events("action") if "id" in event.body}
    assert looked == {"first": "one", "second": "two"}


# --- what is said of surfaces ----------------------------------------------------------------------------------------


def test_every_surface_is_listed(desk: Desk) -> None:
    """Function tools, handoffs and models are mediated, hosted tools observed, the SDK's own memory unseen."""
    helper = Agent(name="helper", tools=[pay])
    agent = Agent(name="clerk", model="gpt-4o", tools=[look_up, WebSearchTool()], handoffs=[Agent(name="billing")])
    agent.tools.append(helper.as_tool("helper", "Helps."))
    found = {(one.kind, one.name): one.status for one in covered(desk.app.wrap(agent))}
    assert found == {
        ("model", "gpt-4o"): "mediated",
        ("model", "by default"): "mediated",
        ("tool", "look_up"): "mediated",
        ("tool", "pay"): "mediated",
        ("tool", "helper"): "mediated",
        ("hosted", "web_search"): "observed",
        ("handoff", "billing"): "mediated",
        ("memory", "sessions"): "unseen",
        ("network", "traces"): "unseen",
    }


@pytest.mark.parametrize(
    ("model", "status"), [("gpt-4o", "mediated"), ("openai/gpt-4o", "mediated"), ("litellm/some/model", "unseen")]
)
def test_a_model_of_somebody_else_is_unseen(model: str, status: str) -> None:
    """What is not asked through a client of OpenAI's passes no door, and the list says so."""
    found = [one for one in covered(Agent(name="clerk", model=model)) if one.kind == "model"]
    assert [(one.name, one.status) for one in found] == [(model, status)]


def test_what_is_no_agent_cannot_be_wrapped(desk: Desk) -> None:
    """The error names what came and what may be wrapped."""
    with pytest.raises(UsageError, match=r"cannot wrap a agents\.tool\.FunctionTool"):
        desk.app.wrap(look_up)
