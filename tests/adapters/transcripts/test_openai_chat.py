"""Chat conversations as traces and back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.files import open_trace, trace_files
from harness.adapters.transcripts.conversation import LABELS, write_traces
from harness.adapters.transcripts.openai_chat import chat_events, conversation_of, conversations
from harness.cli import execute
from harness.errors import StoreError, UsageError
from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.outcome import Ok
from harness.trace.writer import Writer
from tests.strategies import json_objects, json_values, text

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Look there."},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "a tree"},
    {"role": "assistant", "content": "I see a tree."},
]

parts = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": text}), max_size=2)
spoken = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": st.none() | text | parts},
    optional={"name": text, "refusal": st.none() | text, "annotations": json_values},
)
calling = st.builds(
    lambda name, arguments, said: [
        {
            "role": "assistant",
            "content": said,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": said},
    ],
    text,
    json_objects.map(json.dumps) | text,
    st.none() | text,
)
talks = st.lists(spoken.map(lambda message: [message]) | calling, min_size=1, max_size=6).map(
    lambda turns: [message for turn in turns for message in turn]
)


def events(messages: Any) -> list[Event]:
    """Give the events of a conversation."""
    return list(chat_events(messages, "talk", Ok))


def imported(folder: Path, said: Any, name: str = "talk.json") -> list[Path]:
    """Give the traces of a file that holds a JSON value."""
    source = folder / name
    data = json.dumps(said).encode()
    source.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    write_traces(conversations(source), "openai", source, folder / "out")
    return trace_files([folder / "out"])


def exported(path: Path) -> list[dict[str, Any]]:
    """Give the conversation of a trace."""
    with open_trace(path) as reader:
        return conversation_of(iter(reader))


def test_a_call_and_its_answer_become_action_and_observation() -> None:
    """A tool call is an action that follows from its message, the tool's message the observation of that action."""
    kinds = [(event.seq, event.kind, event.parents, event.at) for event in events(TALK)]
    assert kinds == [
        (0, "message", (), 0),
        (1, "message", (0,), 1),
        (2, "message", (1,), 2),
        (3, "action", (2,), 3),
        (4, "message", (2,), 4),
        (5, "observation", (3,), 5),
        (6, "message", (4,), 6),
    ]
    assert events(TALK)[3].body == {"surface": "tool", "tool": "look", "args": {"at": 1}, "id": "c1", "rules": []}
    assert events(TALK)[5].body == {"action": 3, "ok": "a tree"}


@given(talks)
def test_messages_come_back_as_they_were(talk: list[dict[str, Any]]) -> None:
    """The messages of the events are the messages that went in, whatever they hold."""
    assert conversation_of(iter(events(talk))) == talk


@pytest.mark.parametrize("arguments", ["{", "[1]", "3", "", '{"x": NaN}', None])
def test_arguments_that_are_no_object_survive(arguments: str | None) -> None:
    """Arguments that are no JSON object are kept as they stand, under a name of no declared argument."""
    call = {"id": "c", "function": {"name": "look", "arguments": arguments}}
    action = events([{"role": "assistant", "content": None, "tool_calls": [call]}])[1]
    assert action.body["args"] == {"$unparsed": arguments}


def test_a_call_without_an_answer_stays_open() -> None:
    """The last call of a conversation that was cut has no observation."""
    assert [event.kind for event in events(TALK[:3])][-1] == "action"


@pytest.mark.parametrize("name", ["talk.json", "talk.json.gz"])
@pytest.mark.parametrize("said", [TALK, [TALK], {"messages": TALK}, [{"messages": TALK}]])
def test_one_conversation_may_be_written_in_four_ways(tmp_path: Path, said: Any, name: str) -> None:
    """A list of messages, an object with messages, and a list of either are the same conversation, gzipped too."""
    (path,) = imported(tmp_path, said, name)
    assert exported(path) == TALK


def test_each_line_is_a_conversation(tmp_path: Path) -> None:
    """A .jsonl file gives one trace per line that is not blank."""
    source = tmp_path / "talks.jsonl"
    source.write_text(f"{json.dumps(TALK)}\n\n{json.dumps({'messages': TALK[:2]})}\n")
    assert write_traces(conversations(source), "openai", source, tmp_path / "out").traces == 2
    assert [exported(path) for path in trace_files([tmp_path / "out"])] == [TALK, TALK[:2]]


def test_what_is_said_about_a_conversation_is_a_label(tmp_path: Path) -> None:
    """Other keys of a conversation go to labels.jsonl with the trace's name, and not into the trace."""
    (path,) = imported(tmp_path, {"messages": TALK, "reward": 0, "note": "told-apart"})
    label = json.loads((tmp_path / "out" / LABELS).read_text())
    assert label == {"trace": path.name, "reward": 0, "note": "told-apart"}
    assert b"told-apart" not in path.read_bytes()


BAD = [
    ([], "holds no conversation"),
    ([[]], "expected a list of messages"),
    ([{"messages": None}], "expected a list of messages"),
    ([3], "expected a list of messages"),
    ([[3]], "message 0: a message is an object, not int"),
    ([[{"content": "x"}]], "unknown role None"),
    ([[TALK[0], {"role": "robot"}]], "message 1: unknown role 'robot'"),
    ([[TALK[3]]], "message 0: an answer to the tool call 'c1', which is not open here"),
    ([[{"role": "tool", "tool_call_id": ["c1"], "content": ""}]], "an answer to the tool call"),
    ([[{"role": "assistant", "tool_calls": {}}]], "tool_calls is dict, not a list"),
    ([[{"role": "assistant", "tool_calls": [{}]}]], "a tool call without id"),
    ([[{"role": "assistant", "tool_calls": ["x"]}]], "a tool call without id"),
    ([[{"role": "assistant", "tool_calls": [CALL | {"id": 7}]}]], "a tool call whose id or name is not text"),
    ([[{"role": "assistant", "function_call": {"name": "f"}}]], "a function_call"),
]


@pytest.mark.parametrize(("said", "reason"), BAD)
def test_an_unexpected_shape_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: Any, reason: str
) -> None:
    """A file that is no conversation gives exit 2, names the place, and leaves nothing behind."""
    source = tmp_path / "talk.json"
    source.write_text(json.dumps(said))
    assert execute(["import", "openai", str(source), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert str(source) in told
    assert reason in told
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("talk.txt", b"[]", "not a transcript file by its name"),
        ("talk.json", b"{", "not JSON"),
        ("talk.json", b"\xff\xfe", "not JSON"),
        ("talk.jsonl", b"\n{", ":2: not JSON"),
        ("talk.json.gz", b"[]", "not a complete gzip file"),
        ("talk.json.gz", gzip.compress(b"[1, 2, 3]", mtime=0)[:-9], "not a complete gzip file"),
        ("talk.json", b'[[{"role": "user", "content": %b}]]' % (b"[" * 300 + b"]" * 300), "nested deeper"),
    ],
)
def test_an_unreadable_file_is_one_clear_error(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    """A file that cannot be read is a UsageError that names it."""
    source = tmp_path / name
    source.write_bytes(data)
    with pytest.raises(UsageError) as told:
        write_traces(conversations(source), "openai", source, tmp_path / "out")
    assert reason in str(told.value)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    """A file that does not exist is a UsageError that names it."""
    with pytest.raises(UsageError, match="No such file"):
        list(conversations(tmp_path / "none.json"))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A folder with content, or one left behind by an import that was cut off, is refused."""
    imported(tmp_path, TALK)
    with pytest.raises(UsageError, match="never written over"):
        imported(tmp_path, TALK)
    (tmp_path / "other.unfinished").mkdir()
    with pytest.raises(UsageError, match="left behind"):
        write_traces(conversations(tmp_path / "talk.json"), "openai", tmp_path / "talk.json", tmp_path / "other")


def test_a_disk_that_refuses_is_a_store_error(tmp_path: Path) -> None:
    """Where the folder cannot be made, a StoreError says so."""
    source = tmp_path / "talk.json"
    source.write_text(json.dumps(TALK))
    with pytest.raises(StoreError, match="cannot be written"):
        write_traces(conversations(source), "openai", source, source / "out")


def test_the_commands_round_trip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``harness export openai`` prints is what ``harness import openai`` read."""
    (tmp_path / "talk.json").write_text(json.dumps(TALK))
    assert execute(["import", "openai", str(tmp_path / "talk.json"), "--out", str(tmp_path / "out"), "--json"]) == 0
    written = {"traces": 1, "events": 7, "labels": 0, "lost": {}}
    assert json.loads(capsys.readouterr().out) == {"out": str(tmp_path / "out"), **written}
    (path,) = trace_files([tmp_path / "out"])
    assert execute(["export", "openai", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == {"messages": TALK}


def test_a_trace_without_messages_cannot_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trace in which nothing was said gives exit 2 and its name."""
    writer = Writer(Header({}, {}))
    (tmp_path / "t.mat.jsonl").write_bytes(writer.header_line + writer.footer_line("holds"))
    assert execute(["export", "openai", str(tmp_path / "t.mat.jsonl")]) == 2
    assert "t.mat.jsonl: the trace holds no messages" in capsys.readouterr().err


def test_a_recorded_run_exports_its_last_model_call() -> None:
    """A trace of model calls gives the messages of the last call, history restored, and its answer."""
    recorded = [
        model_call(0, {"messages": TALK[:2], "options": {"$list": "messages"}}),
        model_answer(1, TALK[2]),
        model_call(2, {"after": 0, "keep": 2, "messages": TALK[2:4]}),
        model_answer(3, TALK[4]),
    ]
    assert conversation_of(iter(recorded)) == TALK


def model_call(seq: int, args: dict[str, Any]) -> Event:
    """Give the action of a model call."""
    body = {"surface": "model", "tool": "chat.completions", "args": args, "rules": []}
    return Event(seq, "action", "main", "0", (), seq, body)


def model_answer(seq: int, message: dict[str, Any]) -> Event:
    """Give the observation that answers the model call just before."""
    body = {"action": seq - 1, "ok": {"body": {"choices": [{"message": message}]}}}
    return Event(seq, "observation", "main", "0", (seq - 1,), seq, body)
