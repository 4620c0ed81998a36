"""The session as a machine without I/O."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, NotRecordable
from harness.ports import Approval
from harness.registry.load import load
from harness.run.session import (
    Answer,
    Ask,
    Close,
    Complete,
    Deliver,
    Effect,
    Perform,
    Place,
    Propose,
    Refuse,
    Say,
    SessionMachine,
    Write,
)
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import Failed, Ok, Outcome, Unknown
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


class Story:
    """A machine and everything it has written."""

    def __init__(self, **options: Any) -> None:
        self.machine = SessionMachine(Header({"seed": 0}, {}), RULES, **options)
        self.lines = self.machine.header_line

    def step(self, said: Any) -> tuple[Effect, ...]:
        effects = self.machine.step(said)
        self.lines += b"".join(effect.lines for effect in effects if isinstance(effect, Write))
        return effects

    def pay(self, cents: int, at: int = 0) -> tuple[Effect, ...]:
        return self.step(Propose(at, "tool", "pay", {"cents": cents}, PAY, Place()))

    def look(self, outcome: Outcome) -> tuple[Effect, ...]:
        last = self.step(Propose(0, "tool", "look", {}, LOOK, Place()))[-1]
        assert isinstance(last, Perform)
        return self.step(Complete(0, last.action, outcome))

    def events(self) -> list[Event]:
        return list(Reader(self.lines.splitlines(keepends=True)))


def test_an_allowed_call_writes_exactly_two_lines() -> None:
    """Intent and outcome, and nothing else; the intent names the rules that were evaluated."""
    story = Story()
    _, perform = story.pay(5)
    assert isinstance(perform, Perform)
    assert story.step(Complete(1, perform.action, Ok({"paid": 5})))[-1] == Deliver(0, Ok({"paid": 5}))
    assert [event.kind for event in story.events()] == ["action", "observation"]
    assert story.events()[0].body["rules"] == ["LIMIT", "ASK"]
    assert story.machine.verdict == "holds"


def test_the_intent_is_kept_before_the_effect_happens() -> None:
    """The write stands before the perform, with a barrier, and on the disk for a write that is not idempotent."""
    write, perform = Story().pay(5)
    assert isinstance(write, Write)
    assert isinstance(perform, Perform)
    assert write.barrier
    assert write.disk
    assert not Story(fsync_writes=False).pay(5)[0].disk  # type: ignore[union-attr]


def test_a_violation_is_blocked_and_told_with_its_reason() -> None:
    """A blocked call is never performed; its verdict and decision are in the trace."""
    story = Story()
    *_, refuse = story.pay(500)
    assert isinstance(refuse, Refuse)
    assert refuse.refused.rule == "LIMIT"
    assert refuse.refused.alternative == "Pay at most 100."
    assert [event.kind for event in story.events()] == ["action", "verdict", "verdict", "decision"]
    assert story.events()[1].body["margin"] == -400
    assert story.machine.verdict == "violated"


@pytest.mark.parametrize("allowed", [True, False])
def test_an_escalation_waits_for_its_answer(allowed: bool) -> None:
    """A question goes out, bound to the very call; the answer decides, and both are in the trace."""
    story = Story()
    *_, ask = story.pay(60)
    assert isinstance(ask, Ask)
    assert ask.question.args == {"cents": 60}
    *_, last = story.step(Answer(1, ask.action, Approval(allowed, "Ada", "fine")))
    assert isinstance(last, Perform if allowed else Refuse)
    assert story.events()[-1].body["answer"] == {"allowed": allowed, "by": "Ada"}


def test_questions_about_different_calls_have_different_digests() -> None:
    """An approval of one payment is no approval of another."""
    digests = {story.pay(cents)[-1].question.digest for story, cents in ((Story(), 60), (Story(), 61))}  # type: ignore[union-attr]
    assert len(digests) == 2


def test_a_result_can_be_withheld() -> None:
    """A rule on results blocks what came back before the agent sees it."""
    story = Story()
    *_, refuse = story.look(Ok("secret"))
    assert isinstance(refuse, Refuse)
    assert [event.kind for event in story.events()] == ["action", "observation", "verdict", "decision"]


@pytest.mark.parametrize(
    "outcome", [Ok([1, {"a": None}]), Failed({"type": "x:Y", "message": "no"}, True), Unknown("cut")]
)
def test_every_outcome_is_kept(outcome: Outcome) -> None:
    """Values, errors and silence all come back from the trace."""
    story = Story()
    assert story.look(outcome)[-1] == Deliver(0, outcome)
    assert {"ok", "failed", "unknown"} & story.events()[1].body.keys()


def test_in_shadow_a_violation_is_only_told() -> None:
    """Shadow mode performs the call and writes what would have happened."""
    story = Story(mode="shadow")
    assert isinstance(story.pay(500)[-1], Perform)
    assert [event.body.get("would") for event in story.events()] == [None, "block", "escalate"]


def test_a_value_that_is_no_json_leaves_the_machine_as_it_was() -> None:
    """After a refused NaN the next event has the same number and the chain is sound."""
    story = Story()
    with pytest.raises(NotRecordable):
        story.step(Propose(0, "tool", "pay", {"cents": float("nan")}, PAY, Place()))
    story.pay(5)
    assert [event.seq for event in story.events()] == [0]


INPUTS = st.sampled_from(
    [
        Complete(0, 0, Ok(1)),
        Complete(0, 1, Ok(1)),
        Answer(0, 0, Approval(True, "x")),
        Answer(0, 2, Approval(False, "x")),
        Propose(0, "tool", "pay", {"cents": 5}, PAY, Place()),
        Propose(0, "tool", "pay", {"cents": 60}, PAY, Place()),
        Propose(0, "tool", "pay", {"cents": 500}, PAY, Place()),
        Say(0, "note", {"text": "hm"}, Place()),
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
