"""The session as a machine without I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.interface import Checker
from harness.errors import HarnessError, NotRecordable
from harness.mediation.approval import read_back
from harness.ports import Approval
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.run.inputs import Answer, Call, Close, Complete, Effects, Propose, Say
from harness.run.session import SessionMachine
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.history import restored
from harness.trace.outcome import Failed, Ok, Outcome, Unknown, from_body
from harness.trace.reader import Reader

RULES = load(
    """
registry: pay
version: 1.0.0
default: allow
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
  look: {effect: read}
invariants:
  - id: LIMIT
    title: Payments stay below the limit
    on: action
    tool: pay
    require: call.args.cents <= 100
    severity: high
    otherwise: block
    says: Pay at most 100.
  - id: ASK
    title: A person sees payments above fifty
    on: action
    tool: pay
    require: call.args.cents <= 50
    otherwise: escalate
    says: Ask first.
  - id: CLEAN
    title: Results hold no secrets
    on: result
    tool: look
    require: result != "secret"
    otherwise: block
    says: Do not look there.
""",
    "pay.yaml",
)
PAY, LOOK = ToolSpec("pay"), ToolSpec("look", effect="read")


def pay(cents: float) -> Propose:
    """Propose a payment."""
    return Propose(0, Call("tool", "pay", {"cents": cents}, PAY))


def performs(effects: Effects) -> bool:
    """Tell whether the driver is to go on."""
    return effects.refused is None and effects.question is None


class Story:
    """A machine and everything it has written."""

    def __init__(self, registry: Registry = RULES, **options: Any) -> None:
        self.machine = SessionMachine(Header({"seed": 0}, {}), registry, **options)
        self.lines = self.machine.header_line

    def step(self, said: Any) -> Effects:
        effects = self.machine.step(said)
        self.lines += effects.lines
        return effects

    def pay(self, cents: float) -> Effects:
        return self.step(pay(cents))

    def look(self, outcome: Outcome) -> Effects:
        action = self.step(Propose(0, Call("tool", "look", {}, LOOK))).action
        return self.step(Complete(0, action, outcome))

    def events(self) -> list[Event]:
        return list(Reader(self.lines.splitlines(keepends=True)))


def test_an_allowed_call_writes_exactly_two_lines() -> None:
    """Intent and outcome, and nothing else; the intent names the rules that were evaluated."""
    story = Story()
    effects = story.pay(5)
    assert performs(effects)
    assert performs(story.step(Complete(1, effects.action, Ok({"paid": 5}))))
    assert [event.kind for event in story.events()] == ["action", "observation"]
    assert story.events()[0].body["rules"] == ["LIMIT", "ASK"]
    assert story.machine.verdict == "holds"


def test_the_intent_is_kept_before_the_effect_happens() -> None:
    """An intent has a barrier, and for a write that is not idempotent the disk's."""
    effects = Story().pay(5)
    assert b'"kind":"action"' in effects.lines
    assert (effects.barrier, effects.disk) == (True, True)
    assert not Story(fsync_writes=False).pay(5).disk


def test_a_violation_is_blocked_and_told_with_its_reason() -> None:
    """A blocked call is never performed; its verdict and decision are in the trace."""
    story = Story()
    refused = story.pay(500).refused
    assert refused is not None
    assert (refused.rule, refused.alternative) == ("LIMIT", "Pay at most 100.")
    assert [event.kind for event in story.events()] == ["action", "verdict", "verdict", "decision"]
    assert story.events()[1].body["margin"] == -400
    assert story.machine.verdict == "violated"


@pytest.mark.parametrize("allowed", [True, False])
def test_an_escalation_waits_for_its_answer(allowed: bool) -> None:
    """A question goes out, bound to the very call; the answer decides, and both are in the trace."""
    story = Story()
    asked = story.pay(60)
    assert asked.question is not None
    assert asked.question.args == {"cents": 60}
    assert performs(story.step(Answer(1, asked.action, Approval(allowed, "Ada", "fine")))) is allowed
    assert story.events()[-1].body["answer"] == {"allowed": allowed, "by": "Ada"}


def test_questions_about_different_calls_have_different_digests() -> None:
    """An approval of one payment is no approval of another."""
    questions = [Story().pay(cents).question for cents in (60, 61, 60)]
    first, other, again = (question and question.digest for question in questions)
    assert first == again != other


@given(st.lists(st.integers(51, 100), min_size=2, max_size=6), st.sampled_from(["1.0.1", "2.0.0"]))
def test_no_two_calls_share_a_question(payments: list[int], version: str) -> None:
    """Equal calls of one run have different questions, and so has the same story under another registry."""
    stories = [Story(), Story(registry=replace(RULES, version=version))]
    digests = [question.digest for story in stories for cents in payments if (question := story.pay(cents).question)]
    assert len(set(digests)) == len(digests) == 2 * len(payments)


@given(st.booleans(), st.text(), st.integers(-5, 5))
def test_an_answer_counts_for_its_call_and_for_its_time(own: bool, by: str, hours: int) -> None:
    """What is none of the call's, or came too late, is refused, and the trace holds what was said and why."""
    story = Story()
    asked, now = story.pay(60), datetime.now(UTC)
    assert asked.question is not None
    digest = asked.question.digest if own else Story(registry=replace(RULES, version="2.0.0")).pay(60).question.digest
    approval = Approval(True, by, "fine", digest, now + timedelta(hours=hours), now)
    effects = story.step(Answer(1, asked.action, approval))
    counts = own and hours >= 0
    assert performs(effects) is counts
    decision = story.events()[-1]
    assert decision.body["decision"] == ("allow" if counts else "block")
    assert decision.body["answer"]["allowed"] is True
    if counts:
        assert effects.args == {"cents": 60}  # what was judged, whatever the agent does with its own since
    else:
        assert effects.refused is not None
        assert effects.refused.retryable
        assert effects.refused.reason == decision.body["reason"]
    other = Story()
    again = other.pay(60)
    other.step(Answer(1, again.action, read_back(decision)))
    assert (other.lines == story.lines) is True  # a replay decides the same from what the trace holds


def test_a_result_can_be_withheld() -> None:
    """A rule on results blocks what came back before the agent sees it."""
    story = Story()
    assert story.look(Ok("secret")).refused is not None
    assert [event.kind for event in story.events()] == ["action", "observation", "verdict", "decision"]


@pytest.mark.parametrize(
    "outcome", [Ok([1, {"a": None}]), Failed({"type": "x:Y", "message": "no"}, True), Unknown("cut")]
)
def test_every_outcome_is_kept(outcome: Outcome) -> None:
    """Values, errors and silence all come back from the trace."""
    story = Story()
    assert performs(story.look(outcome))
    assert from_body(story.events()[1].body) == outcome


def test_in_shadow_a_violation_is_only_told() -> None:
    """Shadow mode performs the call and writes what would have happened."""
    story = Story(mode="shadow")
    assert performs(story.pay(500))
    assert [event.body.get("would") for event in story.events()] == [None, "block", "escalate"]


def test_a_value_that_is_no_json_leaves_the_machine_as_it_was() -> None:
    """After a refused NaN the next event has the same number and the chain is sound."""
    story = Story()
    with pytest.raises(NotRecordable):
        story.pay(float("nan"))
    story.pay(5)
    assert [event.seq for event in story.events()] == [0]


SPENT = load(
    """
registry: spent
version: 1.0.0
default: allow
tools:
  pay: {effect: write, arguments: {type: object, properties: {cents: {type: integer}}}}
agents:
  main: {may: [pay], budget: {cents: 10}}
invariants:
  - {id: STEPS, on: action, require: step < 2, otherwise: block}
""",
    "spent.yaml",
)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**5000, "\ud800"], ids=["inf", "nan", "huge", "odd"])
def test_a_call_that_no_trace_can_hold_is_no_past(value: Any) -> None:
    """It counts as no step, and takes nothing of a budget: what the rules know is what the trace tells."""
    story = Story(SPENT)
    with pytest.raises(NotRecordable):
        story.pay(value)
    assert performs(story.pay(5))
    assert performs(story.pay(5))
    refused = story.pay(5).refused
    assert refused is not None
    assert [one.body["verdict"] for one in story.events() if one.kind == "verdict"] == ["violated", "violated"]


def test_a_request_that_no_trace_can_hold_is_not_continued() -> None:
    """What a later request of the same conversation leaves out stands in a line of the trace."""
    story, model = Story(), ToolSpec("openai:chat/completions")
    said: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}], "temperature": float("nan")}
    with pytest.raises(NotRecordable):
        story.step(Propose(0, Call("model", model.name, said, model)))
    story.step(Say(0, "note", {"text": "once more"}))
    said["temperature"] = 0
    story.step(Propose(0, Call("model", model.name, said, model)))
    assert next(restored(story.events()))[1][1] == said


CARDS = load(
    """
registry: cards
version: 1.0.0
default: allow
invariants:
  - {id: CARD, on: message, require: 'not message.text.matches("[0-9]{12}")', otherwise: block}
  - {id: COLD, on: action, tool: "openai:*", require: "default(call.args.options.temperature, 0) < 2", otherwise: block}
""",
    "cards.yaml",
)


def test_a_request_that_was_refused_is_refused_when_it_is_made_again() -> None:
    """What a trace does not repeat the rules know all the same: options, and messages that were never sent."""
    story, model = Story(CARDS), ToolSpec("openai:chat/completions", effect="read")

    def ask(*said: str, **options: Any) -> str:
        messages = [{"role": "user", "content": text} for text in said]
        wanted = Call("model", model.name, {"messages": messages, **options}, model)
        effects = story.step(Propose(0, wanted))
        if effects.refused is not None:
            return effects.refused.rule
        story.step(Complete(0, effects.action, Ok({"chunks": []})))
        return ""

    card = "4111111111111111"
    assert [ask("hello"), ask("hello", card), ask("hello", card), ask("hello", card, "so?")] == ["", *["CARD"] * 3]
    assert [ask("hello", "so?"), ask("hello", "so?", "now"), ask("hello", "so?", card, "now")] == ["", "", "CARD"]
    assert [ask("hello", temperature=2), ask("hello", temperature=2), ask("hello")] == ["COLD", "COLD", ""]
    offline = Checker(CARDS)
    told = [(event.seq, one.rule) for event in story.events() for one in offline.judge(event).verdicts]
    assert told == [(one.parents[0], one.body["rule"]) for one in story.events() if one.kind == "verdict"]


def test_a_rewrite_that_no_trace_can_hold_is_a_block() -> None:
    """What a rule would put in the place of a call is written before it is done; the trace stays whole."""
    rules = load(
        "registry: r\nversion: 1\ndefault: allow\ntools: {note: {effect: write}}\n"
        "invariants: [{id: DATA, on: action, tool: note, require: len(call.args.text) < 9, otherwise: rewrite, "
        'rewrite: {args.text: "json(call.args.text)"}}]',
        "r.yaml",
    )
    story, note = Story(rules), ToolSpec("note")
    deep = "[" * 400 + "]" * 400
    refused = story.step(Propose(0, Call("tool", "note", {"text": deep}, note))).refused
    assert refused is not None
    assert refused.rule == "DATA"
    assert performs(story.step(Propose(0, Call("tool", "note", {"text": "[1, 2, 3, 4]"}, note))))
    kinds = [event.body.get("decision", event.kind) for event in story.events()]
    assert kinds == ["action", "verdict", "block", "action", "verdict", "rewrite", "action"]


INPUTS = st.sampled_from(
    [
        Complete(0, 0, Ok(1)),
        Complete(0, 1, Ok(1)),
        Answer(0, 0, Approval(True, "x")),
        Answer(0, 2, Approval(False, "x")),
        pay(5),
        pay(60),
        pay(500),
        Say(0, "note", {"text": "hm"}),
        Close(0),
    ]
)


@given(st.lists(INPUTS, max_size=15))
def test_an_illegal_input_raises_and_changes_nothing(inputs: list[Any]) -> None:
    """Whatever is said in whatever order, an illegal step raises, and the trace stays sound."""
    story = Story()
    for said in inputs:
        before = (story.machine.seq, story.machine.digest, story.machine.closed)
        try:
            story.step(said)
        except HarnessError:
            assert (story.machine.seq, story.machine.digest, story.machine.closed) == before
    assert [event.seq for event in story.events()] == list(range(story.machine.seq))


def test_a_closed_session_takes_nothing_more() -> None:
    """After the seal every input is refused."""
    story = Story()
    story.step(Close(0))
    with pytest.raises(HarnessError, match="closed"):
        story.pay(5)
