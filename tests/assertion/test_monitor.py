"""Incremental monitors against a scan of the whole history, and against the door."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import event as tell
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.assertion.interface import Checker
from harness.registry.document import Source, Written
from harness.registry.invariant import Expression, Invariant
from harness.registry.parse import parse
from harness.registry.registry import Registry
from harness.run.inputs import Call, Close, Complete, Propose, Say
from harness.run.session import SessionMachine
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import from_body
from harness.trace.reader import Reader
from harness.trace.verdict import Judgement
from tests.assertion.naive import Found, judge
from tests.assertion.strategies import action, event
from tests.registry.expressions import arguments, past_routes, past_truths, route_truths, routes, say, truths

AT = Written(Source("r.yaml", ()), 0, 0, (0, 0))
RUN = {"seed": 7}
TOOLS = {"pay": ToolSpec("pay", "write"), "look": ToolSpec("look", "read")}


def expression(text: str) -> Expression:
    """Read an expression."""
    return Expression(text, parse(text), AT)


_LIMITS = st.sampled_from(["", ", within=1", ", within=2", ", within='3 s'"])
promises = say("must_follow({}, {}{})", st.sampled_from(["action", "result"]), past_truths(), _LIMITS)
answers = say("must_follow(route, {}{})", past_routes(), _LIMITS)


class Text(NamedTuple):
    """A rule as it is written."""

    on: Any
    tools: tuple[str, ...]
    when: str | None
    require: str


some_tools = st.sampled_from([(), (), ("pay",), ("look", "pay")])
rules = st.builds(
    Text,
    st.sampled_from(["action", "action", "result"]),
    some_tools,
    st.none() | st.none() | truths(1),
    truths(2) | promises | answers,
) | st.builds(
    Text,
    st.just("route"),
    some_tools,
    st.none() | st.none() | route_truths(),
    route_truths() | say("must_follow(route, {}{})", past_routes("route"), _LIMITS),
)


def registry_of(texts: list[Text]) -> Registry:
    """Make a registry, as it is after loading."""
    invariants = tuple(
        Invariant(
            f"R{at}", one.on, expression(one.require), AT, "", one.tools, expression(one.when) if one.when else None
        )
        for at, one in enumerate(texts)
    )
    return Registry("r", "1", "allow", "allow", {"p": 3}, TOOLS, invariants, "r.yaml", {}, {})


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Give the events of a run: messages, calls that overlap, outcomes in any order, refusals, what routes do."""
    events: list[Event] = []
    waiting: list[int] = []
    kinds = ["say", "call", "call", "call", "answer", "answer", "block", "route"]
    for choice in draw(st.lists(st.sampled_from(kinds), max_size=10)):
        seq = len(events)
        at = seq * 700_000_000
        if choice == "say":
            text = draw(st.sampled_from(["Yes!", "no"]))
            message = {"role": draw(st.sampled_from(["user", "assistant"])), "content": text}
            events.append(event(seq, "message", {"message": message})._replace(at=at))
        elif choice == "route":
            events.append(event(seq, "route", draw(routes))._replace(at=at))
        elif choice == "call":
            waiting.append(seq)
            events.append(action(seq, draw(st.sampled_from(["pay", "look"])), draw(arguments))._replace(at=at))
        elif waiting:
            body: dict[str, Any] = {"action": waiting.pop(draw(st.integers(0, len(waiting) - 1)))}
            if choice == "block":
                body |= {"decision": "block", "rule": draw(st.sampled_from(["A", "A", "B"])), "reason": ""}
                events.append(event(seq, "decision", body)._replace(at=at))
            else:
                failed = {"failed": {"error": {}, "retryable": False}}
                outcome = draw(
                    st.builds(lambda ok: {"ok": ok}, arguments)
                    | st.sampled_from([failed, {"unknown": {"reason": "?"}}])
                )
                events.append(event(seq, "observation", body | outcome)._replace(at=at))
                if draw(st.integers(0, 3)) == 0:  # what came back is withheld
                    withheld = {"decision": "block", "rule": "A", "reason": "", "action": body["action"]}
                    events.append(event(seq + 1, "decision", withheld)._replace(at=at))
    return events


def found_by(judgements: list[Judgement], registry: Registry) -> list[Found]:
    """Give what judgements say: truth and evidence by rule."""
    founds = []
    waits = {rule.id for rule in registry.invariants if "must_follow" in rule.require.text}  # type: ignore[union-attr]
    for said in judgements:
        found: Found = {rule: ("holds", ()) for rule in said.rules if rule not in waits}
        for verdict in reversed(said.verdicts):
            found[verdict.rule] = (verdict.truth, verdict.evidence)
        founds.append(found)
    return founds


rule_lists = st.lists(rules, min_size=1, max_size=3)
pairs = given(rule_lists, histories())


def agree_with_a_scan(texts: list[Text], events: list[Event]) -> bool:
    """Compare the checker with a scan of the whole history, at every event and at the end; tell if not all holds."""
    registry = registry_of(texts)
    checker = Checker(registry, RUN)
    judgements = [*(checker.judge(one) for one in events), checker.finish()]
    assert found_by(judgements, registry) == judge(registry, RUN, events)
    return any(said.verdicts for said in judgements)


def agree_at_the_door(texts: list[Text], events: list[Event]) -> None:
    """Compare what a session wrote of its own steps with a scan of what it wrote."""
    registry = registry_of(texts)
    written = session(registry, events)
    steps = [one for one in written if one.kind in ("message", "action", "observation", "route")]
    scanned = judge(registry, RUN, steps)
    silent = [{rule: said for rule, said in found.items() if said[0] != "holds"} for found in scanned]
    told: dict[int, Found] = {one.seq: {} for one in steps} | {-1: {}}
    for one in written:
        if one.kind == "verdict":
            cause = one.parents[0] if one.parents else -1
            told[cause].setdefault(one.body["rule"], (one.body["verdict"], tuple(one.body["evidence"])))
    assert list(told.values()) == silent
    waits = {rule.id for rule in registry.invariants if "must_follow" in rule.require.text}  # type: ignore[union-attr]
    spoke = {one.seq: set(one.body["rules"]) - waits for one in steps if one.kind == "action"}
    assert spoke == {
        one.seq: set(found) - waits for one, found in zip(steps, scanned, strict=False) if one.seq in spoke
    }


def session(registry: Registry, events: list[Event]) -> list[Event]:
    """Give the events that a session writes when the same things happen in it; nothing is blocked."""
    machine = SessionMachine(Header(RUN, {}), registry, mode="shadow")
    lines, actions = [machine.header_line], {}
    for one in events:
        if one.kind in ("message", "route"):
            effects = machine.step(Say(one.at, one.kind, one.body))
        elif one.kind == "action":
            call = Call("tool", one.body["tool"], one.body["args"], TOOLS[one.body["tool"]])
            effects = machine.step(Propose(one.at, call))
            actions[one.seq] = effects.action
        elif one.kind == "observation":
            effects = machine.step(Complete(one.at, actions[one.body["action"]], from_body(one.body)))
        else:
            continue
        lines.append(effects.lines)
    lines.append(machine.step(Close(events[-1].at if events else 0)).lines)
    return list(Reader(b"".join(lines).splitlines(keepends=True)))


@pairs
@settings(max_examples=600, deadline=None)
def test_monitors_say_what_a_scan_of_the_whole_history_says(texts: list[Text], events: list[Event]) -> None:
    """At every event, and at the end, the same rules speak with the same truth and the same evidence."""
    tell(f"not all hold: {agree_with_a_scan(texts, events)}")


@pairs
@settings(max_examples=200, deadline=None)
def test_the_door_says_what_a_scan_of_its_trace_says(texts: list[Text], events: list[Event]) -> None:
    """The verdicts that a session writes while it runs are those that its trace deserves."""
    agree_at_the_door(texts, events)
