"""What monitors say of a session, over its machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.ports import Approval
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.run.inputs import Answer, Call, Complete, Effects, Propose, Read, Say
from harness.run.session import SessionMachine
from harness.run.signals import Signals, signals_of
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import Failed, Ok, Outcome
from harness.trace.reader import Entry, Reader
from harness.trace.redaction import Redactor

TEXT = """
registry: shop
version: 1.0.0
default: allow
tools:
  pay: {arguments: {type: object, properties: {cents: {type: integer}, card: {type: string}}}}
  look: {effect: read, arguments: {type: object, properties: {page: {type: integer}}}}
graph:
  start: [cents]
  goals: {paid: [done]}
  tools: {pay: {needs: [cents], gives: [done]}}
MONITORS
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 1000, otherwise: block, says: Too much.}
  - {id: ASK, on: action, tool: pay, require: call.args.cents <= 500, otherwise: escalate, says: Ask.}
  - id: EVEN
    on: action
    tool: pay
    require: call.args.cents % 2 == 0
    otherwise: rewrite
    rewrite: {args.cents: call.args.cents + 1}
  - {id: CALM, on: route, require: route.does != "signal" or route.goal != "paid", otherwise: observe, says: Calm.}
"""
SERVED = Ok(0)
PAY, LOOK, PAID = ToolSpec("pay"), ToolSpec("look", effect="read"), ToolSpec("paid")
WATCHED = (
    "  monitors: {risk: {amount: cents, above: 100, flags: {card: [stolen-card]}}, budget: {of: calls, limit: 4}, "
    "loops: {window: 2}, tools: {failures: 2}, progress: {window: 2}}"
)


def shop(monitors: str = WATCHED) -> Registry:
    """Give a shop with monitors."""
    return load(TEXT.replace("MONITORS", monitors), "shop.yaml")


SHOP = shop()


class Story:
    """A machine and everything it has written; ``record`` are the entries that it is to take over first."""

    def __init__(self, registry: Registry = SHOP, record: Sequence[Entry] = (), **options: Any) -> None:
        self.registry = registry
        self.machine = SessionMachine(Header({"seed": 0}, {}), registry, **options)
        self.lines = self.machine.header_line
        self.at = 0
        for entry in record:
            self.machine.adopt(entry)
            self.lines += entry.line
            self.at = entry.event.at

    def step(self, kind: Any, *fields: Any) -> Effects:
        self.at += 1
        effects = self.machine.step(kind(self.at, *fields))
        self.lines += effects.lines
        return effects

    def propose(self, spec: ToolSpec, serves: int | None = None, **args: Any) -> Effects:
        return self.step(Propose, Call("tool", spec.name, args, spec, serves=serves))

    def call(self, spec: ToolSpec, outcome: Outcome = SERVED, serves: int | None = None, **args: Any) -> Effects:
        """Make a call from its proposal to its end, whatever the rules make of it."""
        effects = self.propose(spec, serves, **args)
        if effects.question is not None:
            effects = self.step(Answer, effects.action, Approval(True, "me"))
        return effects if effects.refused else self.step(Complete, effects.action, outcome)

    def entries(self) -> list[Entry]:
        return list(Reader(self.lines.splitlines(keepends=True)).entries())

    def events(self) -> list[Event]:
        return [entry.event for entry in self.entries()]

    def told(self) -> list[Event]:
        """Give the signals."""
        return [event for event in self.events() if event.kind == "route" and event.body["does"] == "signal"]

    def said(self) -> list[str]:
        return [event.body["why"] for event in self.told()]


def test_a_signal_follows_what_caused_it() -> None:
    """Right after it, in its name and at its time, and before what rules say of it."""
    story = Story()
    story.call(PAY, cents=600)
    assert [event.kind for event in story.events()] == [
        *("action", "route", "verdict", "decision", "decision", "observation")
    ]
    action, signal = story.events()[:2]
    assert (signal.parents, signal.at, signal.task) == ((action.seq,), action.at, action.task)
    assert signal.body == {
        "does": "signal",
        "goal": "",
        "tool": "pay",
        "why": "pay: cents is 600, more than 100",
        "data": {"monitor": "risk", "priority": 0.95, "subject": "pay"},
    }


def test_without_monitors_nothing_is_written() -> None:
    """The same calls leave the same lines as they did before there were monitors."""
    story = Story(shop(""))
    effects = [story.call(PAY, cents=400), *(story.call(LOOK, page=1) for _ in range(5))]
    assert {event.kind for event in story.events()} == {"action", "observation"}
    assert all(one.against == () for one in effects)
    assert story.machine.against == ()
    assert signals_of(shop(""), None) is None


def test_what_was_said_is_not_said_again() -> None:
    """Another call as risky as the one before says nothing new; a calm one in between makes it news again."""
    story = Story(shop("  monitors: {risk: {amount: cents, above: 100}}"))
    for cents in (200, 300, 2, 4, 400):
        story.call(PAY, cents=cents)
    assert [signal.body["data"]["priority"] for signal in story.told()] == [0.95, 0.95]


def test_a_call_on_the_way_to_a_goal_says_so() -> None:
    """The signal names the goal and the call that asked for it; a subject that is no tool is named in its data."""
    story = Story(shop("  monitors: {budget: {of: calls, limit: 2}}"))
    asked = story.propose(PAID).action
    story.call(PAY, serves=asked, cents=2)
    story.step(Say, "route", {"does": "end", "goal": "paid", "action": asked, "served": True})
    story.step(Complete, asked, Ok(0))
    story.call(LOOK)
    assert [(one.body["goal"], one.body.get("action")) for one in story.told()] == [("paid", asked), ("", None)]
    assert [one.body.get("tool") for one in story.told()] == [None, None]


def test_an_outcome_says_whose_way_it_was_on() -> None:
    """And so does what a route says of itself."""
    story = Story(shop("  monitors: {tools: {failures: 1}}"))
    asked = story.propose(PAID).action
    down = Failed({"type": "builtins:ValueError", "message": ""})
    story.call(PAY, down, serves=asked, cents=2)
    body = {"does": "reroute", "goal": "paid", "action": asked, "tool": "look"}
    story.step(Say, "route", body)
    assert [(one.body["goal"], one.body["action"], one.body["tool"]) for one in story.told()] == [
        ("paid", asked, "pay"),
        ("paid", asked, "look"),
    ]


def test_rules_can_speak_of_signals() -> None:
    """They are judged like any event of a route."""
    story = Story()
    story.call(PAY, serves=story.propose(PAID).action, cents=200)
    (verdict,) = [event for event in story.events() if event.kind == "verdict"]
    assert verdict.body["rule"] == "CALM"
    assert story.events()[verdict.seq - 1].body["does"] == "signal"


def test_the_number_of_a_decision_is_its_own() -> None:
    """However much monitors have to say of it: of a blocked call, and of one that is rewritten."""
    story = Story(shop("  monitors: {risk: {amount: cents, above: 100}, budget: {of: calls, limit: 2}}"))
    effects = story.propose(PAY, cents=2000)
    assert story.events()[effects.seq].body["decision"] == "block"
    again = story.propose(PAY, cents=3)
    action = story.events()[again.action]
    assert story.events()[action.parents[0]].body["decision"] == "rewrite"


def test_what_speaks_against_further_calls_comes_with_every_effect() -> None:
    """From the call that spends the last of a budget on, until it is given back."""
    story = Story(shop("  monitors: {budget: {of: calls, limit: 2}}"))
    assert story.call(LOOK).against == ()
    blocked = story.propose(PAY, cents=2000)
    assert blocked.refused is not None
    assert blocked.against == ()
    found = story.propose(LOOK)
    assert [signal.about for signal in found.against] == [("budget", "calls")]
    assert story.machine.against == found.against == story.step(Read, [("clock", 1)]).against


def test_secrets_stay_secret() -> None:
    """What monitors see is what is written, so that they cannot tell what was taken out of it."""
    redactor = Redactor(fields=("card",))
    story = Story(redactor=redactor)
    story.call(PAY, cents=2, card="stolen-card")
    assert b"stolen-card" not in story.lines
    assert b"card" in story.lines
    assert not any("flagged" in said for said in story.said())
    open_story = Story()
    open_story.call(PAY, cents=2, card="stolen-card")
    assert open_story.said()[0] == "pay: card is 'stolen-card', which is flagged"


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "look", "paid", "end", "serve"]),
        st.sampled_from([2, 3, 200, 600, 2000]),
        st.sampled_from([Ok(0), Ok(1), Failed({"type": "builtins:ValueError", "message": ""})]),
    ),
    max_size=12,
)


def play(story: Story, steps: list[tuple[str, int, Outcome]]) -> None:
    """Make calls; ``serve`` pays for the last goal that was asked for, ``end`` ends it."""
    asked: list[int] = []
    for what, number, outcome in steps:
        if what == "look":
            story.call(LOOK, outcome, page=number)
        elif what == "paid":
            asked.append(story.propose(PAID).action)
            story.step(Say, "route", {"does": "plan", "goal": "paid", "action": asked[-1], "path": ["pay"], "cost": 1})
        elif what == "end" and asked:
            story.step(Say, "route", {"does": "end", "goal": "paid", "action": asked[-1], "served": False})
            story.step(Complete, asked.pop(), outcome)
        else:
            story.call(PAY, outcome, serves=asked[-1] if asked and what == "serve" else None, cents=number)


@given(CALLS)
@settings(deadline=None)
def test_whoever_reads_the_trace_comes_to_the_same(steps: list[tuple[str, int, Outcome]]) -> None:
    """Signals are a fold over the events of the trace, its own signals left out, and each stands where it belongs."""
    story = Story()
    play(story, steps)
    reading = signals_of(SHOP, None)
    assert isinstance(reading, Signals)
    expected: dict[str, Any] | None = None
    for event in story.events():
        if event.kind == "route" and event.body["does"] == "signal":
            assert event.body == expected
            expected = None
            assert reading.heard(event) is None
        else:
            assert expected is None, "a signal stands right after what caused it"
            expected = reading.heard(event)
    assert expected is None
    assert reading.against == story.machine.against


@given(CALLS, CALLS)
@settings(deadline=None)
def test_what_is_taken_over_is_known(before: list[Any], after: list[Any]) -> None:
    """A machine that takes over a record goes on as the one that wrote it: same lines, same signals."""
    story = Story()
    play(story, before)
    again = Story(record=story.entries())
    assert again.machine.against == story.machine.against
    # a call that the record leaves open is nobody's any more, so what follows asks for goals of its own
    play(story, after)
    play(again, after)
    assert again.lines == story.lines


@pytest.mark.parametrize("window", [1, 3])
def test_a_stall_is_known_to_whoever_asks(window: int) -> None:
    """A loop speaks against further calls until one brings something new."""
    story = Story(shop(f"  monitors: {{loops: {{window: {window}}}}}"))
    for number in range(window + 1):
        effects = story.call(LOOK, page=1)
        assert bool(effects.against) == (number == window)
    assert story.call(LOOK, page=2).against == ()
