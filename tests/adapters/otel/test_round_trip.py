"""A trace that is exported and imported again is the same run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.adapters.files import open_trace
from harness.adapters.transcripts.openai_chat import chat_events, conversation_of
from harness.trace.event import Event
from harness.trace.outcome import Ok
from tests.adapters.otel.steps import GOLDEN, events_of, exported, imported, steps_of, written
from tests.strategies import json_objects, json_values, text

KEPT = ("message", "verdict", "decision", "route", "state", "note")


def there_and_back(trace: Path, folder: Path, *, content: bool = True) -> list[Event]:
    """Export a trace and import it again."""
    (back,), _ = imported([exported(trace, folder, content=content)], folder / "back")
    return events_of(back)


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_every_golden_trace_comes_back(trace: Path, tmp_path: Path) -> None:
    """With content: the same steps in the same order and places, at the same times, with equal outcomes."""
    before, after = events_of(trace), there_and_back(trace, tmp_path)
    assert steps_of(after) == steps_of(before)
    assert any(event.kind == "action" for event in before)


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_what_was_said_of_the_steps_comes_back(trace: Path, tmp_path: Path) -> None:
    """Verdicts, decisions, routes, states and notes come back whole, in their place between the steps."""
    before, after = events_of(trace), there_and_back(trace, tmp_path)
    assert [told(event, before) for event in after] == [told(event, before) for event in before if event.kind != "read"]


def told(event: Event, before: list[Event]) -> Any:
    """Give an event of a kept kind without the numbers of other events, and of others the kind alone."""
    body = {name: value for name, value in event.body.items() if name not in ("action", "after", "evidence")}
    return (event.kind, event.agent, event.at, body) if event.kind in KEPT else event.kind


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_without_content_the_steps_stay(trace: Path, tmp_path: Path) -> None:
    """Without content surfaces, tools, outcomes, agents, ids, times and order come back all the same."""
    before, after = events_of(trace), there_and_back(trace, tmp_path, content=False)
    assert steps_of(after, content=False) == steps_of(before, content=False)


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_a_step_follows_from_the_same_steps(trace: Path, tmp_path: Path) -> None:
    """The parents of an action are the actions that it followed from."""
    before, after = events_of(trace), there_and_back(trace, tmp_path)
    assert follows(after) == follows(before)
    assert any(follows(before).values())


def follows(events: list[Event]) -> dict[int, set[int]]:
    """Give for each step the steps that its parents are, or are about."""
    number = {event.seq: step for step, event in enumerate(one for one in events if one.kind == "action")}
    about: dict[int, int] = {}
    for event in events:
        first = about.get(event.parents[0], -1) if event.parents else -1
        about[event.seq] = event.seq if event.kind == "action" else event.body.get("action", first)
    return {
        number[event.seq]: {number[about[seq]] for seq in event.parents if about[seq] >= 0} - {number[event.seq]}
        for event in events
        if event.kind == "action"
    }


names = text.filter(lambda name: name.strip() != "")
outcomes = (
    json_values.map(lambda value: {"ok": value})
    | st.builds(
        lambda kind, message, again: {"failed": {"error": {"type": kind, "message": message}, "retryable": again}},
        names,
        text,
        st.booleans(),
    )
    | text.map(lambda reason: {"unknown": {"reason": reason}})
)


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """Give a run of tools: calls that overlap, some never answered, some refused, with reads and notes between."""
    events: list[Event] = []
    waiting: list[int] = []

    def add(kind: Any, body: dict[str, Any], task: str = "0") -> None:
        parents = (body["action"],) if "action" in body else (events[-1].seq,) if events else ()
        events.append(Event(len(events), kind, draw(st.sampled_from(["main", "help"])), task, parents, at(), body))

    def at() -> int:
        return (events[-1].at if events else 0) + draw(st.integers(0, 3))

    for _ in range(draw(st.integers(1, 8))):
        what = draw(st.sampled_from(["call", "answer", "read", "note", "say", "refuse", "judge"]))
        if what == "call":
            body = {"surface": draw(st.sampled_from(["tool", "escalation"])), "tool": draw(names), "rules": []}
            body |= {"args": draw(json_objects)} | ({"id": draw(names)} if draw(st.booleans()) else {})
            task = f"0.1/{draw(st.sampled_from(waiting))}" if waiting and draw(st.booleans()) else "0"
            add("action", body, task)
            waiting.append(events[-1].seq)
        elif what == "read":
            add("read", {"reads": [["time", 1]]})
        elif what == "say":
            add("message", {"message": {"role": "user", "content": draw(text)}})
        elif what == "note":
            add("note", {"text": draw(text)})
        elif waiting:
            seq = draw(st.sampled_from(waiting))
            if what == "answer":
                add("observation", {"action": seq, **draw(outcomes)})
            elif what == "refuse":
                add("decision", {"action": seq, "decision": "block", "rule": "R", "reason": draw(text)})
            else:
                values = {"rule": "R", "verdict": "violated", "severity": "low", "says": draw(text), "values": {}}
                add("verdict", {"action": seq, "evidence": [seq], **values})
            if what != "judge":
                waiting.remove(seq)
    return events


@settings(max_examples=60, deadline=None)
@given(runs())
def test_any_run_comes_back(events: list[Event]) -> None:
    """Whatever a run of tools holds, it comes back: names, arguments, outcomes, refusals, notes and their order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trace = written(folder, events)
        after = there_and_back(trace, folder)
    assert steps_of(after) == steps_of(events)
    assert [told(event, events) for event in after] == [told(event, events) for event in events if event.kind != "read"]
    verdicts = [event for event in after if event.kind == "verdict"]
    assert all(event.body["evidence"] == [event.body["action"]] for event in verdicts)


def test_a_conversation_without_times_comes_back(tmp_path: Path) -> None:
    """An imported conversation, whose times are the numbers of its events, comes back with its messages, undated."""
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    talk = [
        {"role": "user", "content": "Look there."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a tree"},
    ]
    before = list(chat_events(talk, "talk", Ok))
    trace = written(tmp_path, before)
    after = there_and_back(trace, tmp_path)
    assert conversation_of(iter(after)) == talk
    assert steps_of(after) == steps_of(before)
    with open_trace(tmp_path / "back" / "trace-000000.mat.jsonl") as reader:
        assert (reader.header.run["clock"], reader.header.host.get("started")) == ("ordinal", None)
        with open_trace(trace) as original:
            assert len(list(original)) == 5
            assert reader.header.run["source"]["digest"] == original.digest


def test_what_fails_and_is_refused_fails(tmp_path: Path) -> None:
    """A failed outcome that a rule speaks against as well keeps its own error."""
    error = {"type": "builtins:ValueError", "message": "no"}
    body = {"surface": "tool", "tool": "look", "args": {}, "rules": ["R"]}
    before = [
        Event(0, "action", "main", "0", (), 0, body),
        Event(1, "observation", "main", "0", (0,), 1, {"action": 0, "failed": {"error": error, "retryable": True}}),
        Event(2, "decision", "main", "0", (1,), 1, {"action": 0, "decision": "block", "rule": "R", "reason": ""}),
    ]
    trace = written(tmp_path, before)
    for content in (True, False):
        folder = tmp_path / str(content)
        folder.mkdir()
        after = there_and_back(trace, folder, content=content)
        assert after[1].body["failed"]["error"]["type"] == "builtins:ValueError"
        assert after[1].body["failed"]["retryable"] is True
