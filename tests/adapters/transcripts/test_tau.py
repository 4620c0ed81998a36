"""Real tau-bench transcripts as traces and back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace, trace_files
from harness.adapters.transcripts.conversation import LABELS, write_traces
from harness.adapters.transcripts.openai_chat import conversation_of
from harness.adapters.transcripts.tau import conversations
from harness.cli import execute
from harness.errors import UsageError
from tests.real_data import airline_transcripts

CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
TALK = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "name": "pay", "content": "Error: no money"},
]
TRANSCRIPT = {"task_id": 4, "trial": 1, "reward": 0.0, "info": {"task": {"actions": []}}, "traj": TALK}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path]:
    """Give the real transcripts and the folder of their traces."""
    source = airline_transcripts()
    out = tmp_path_factory.mktemp("tau") / "out"
    write_traces(conversations(source), "tau", source, out)
    return json.loads(gzip.decompress(source.read_bytes())), out


def written(folder: Path, said: Any) -> Path:
    """Give the folder of the traces of a file that holds a JSON value."""
    source = folder / "transcripts.json"
    source.write_text(json.dumps(said))
    write_traces(conversations(source), "tau", source, folder / "out")
    return folder / "out"


def test_every_real_transcript_comes_back(real: tuple[list[dict[str, Any]], Path]) -> None:
    """Each of the 132 transcripts, exported again, equals the original message by message."""
    transcripts, out = real
    assert len(trace_files([out])) == len(transcripts) == 132
    for said in transcripts:
        with open_trace(out / f"task-{said['task_id']:03d}-trial-{said['trial']}.mat.jsonl") as reader:
            assert conversation_of(iter(reader)) == said["traj"]
        assert reader.footer is not None
        assert reader.footer.verdict == "unchecked"


def test_every_real_call_and_answer_is_there(real: tuple[list[dict[str, Any]], Path]) -> None:
    """There is one action per tool call and one observation per tool message; an answer ``Error:`` is a failure."""
    transcripts, out = real
    actions = answers = failures = 0
    for path in trace_files([out]):
        with open_trace(path) as reader:
            for event in reader:
                actions += event.kind == "action"
                answers += event.kind == "observation"
                failures += "failed" in event.body
    messages = [message for said in transcripts for message in said["traj"]]
    assert actions == sum(len(message.get("tool_calls") or ()) for message in messages)
    assert answers == sum(message["role"] == "tool" for message in messages) == 811
    assert failures == 38


def test_no_label_enters_a_trace(real: tuple[list[dict[str, Any]], Path], tmp_path: Path) -> None:
    """Rewards, instructions and gold actions changed, every event and header stays the same."""
    transcripts, out = real
    labels = {"reward": 0.5, "info": {"task": {"actions": ["x"], "instruction": "y"}}}
    changed = written(tmp_path, [said | labels for said in transcripts])
    for path in trace_files([out]):
        with open_trace(path) as reader, open_trace(changed / path.name) as other:
            assert list(reader) == list(other)
            assert reader.header.run == other.header.run
            assert reader.header.host == {"source": "gpt-4o-airline.json.gz"}


def test_labels_stand_beside_the_traces(real: tuple[list[dict[str, Any]], Path]) -> None:
    """Each trace has one label with its task, trial, reward and gold actions."""
    transcripts, out = real
    labels = [json.loads(line) for line in (out / LABELS).read_text().splitlines()]
    assert labels == [
        {
            "trace": f"task-{said['task_id']:03d}-trial-{said['trial']}.mat.jsonl",
            "task": said["task_id"],
            "trial": said["trial"],
            "reward": said["reward"],
            "gold": said["info"]["task"]["actions"],
        }
        for said in transcripts
    ]


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    """Importing twice writes equal files."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        written(folder, [TRANSCRIPT])
    names = sorted(path.name for path in (first / "out").iterdir())
    assert names == ["labels.jsonl", "task-004-trial-1.mat.jsonl"]
    assert all((first / "out" / name).read_bytes() == (second / "out" / name).read_bytes() for name in names)


def test_an_error_of_a_tool_is_a_failed_outcome(tmp_path: Path) -> None:
    """A content that begins with ``Error:`` is recorded as a failure that repeating will not cure."""
    (path,) = trace_files([written(tmp_path, [TRANSCRIPT])])
    with open_trace(path) as reader:
        *_, last = reader
    error = {"type": "ToolError", "message": "Error: no money"}
    assert last.body == {"action": 1, "failed": {"error": error, "retryable": False}}


BAD = [
    ([3], "transcript 0: not a tau-bench transcript: task_id is missing or of another type"),
    ([{key: TRANSCRIPT[key] for key in ("task_id", "trial", "reward", "info")}], "traj is missing"),
    ([TRANSCRIPT | {"reward": "good"}], "reward is missing or of another type"),
    ([TRANSCRIPT | {"info": {}}], "info.task.actions is missing or no list"),
    ([TRANSCRIPT, TRANSCRIPT], "transcript 1: task 4, trial 1 stands here a second time"),
    ([TRANSCRIPT, TRANSCRIPT | {"trial": 2, "traj": [{"role": "ufo"}]}], "transcript 1, message 0: unknown role 'ufo'"),
]


@pytest.mark.parametrize(("said", "reason"), BAD)
def test_an_unexpected_shape_is_one_clear_error(tmp_path: Path, said: Any, reason: str) -> None:
    """What is no transcript is a UsageError with its place, and no folder is left behind."""
    with pytest.raises(UsageError) as told:
        written(tmp_path, said)
    assert reason in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["transcripts.json"]


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``harness import tau`` tells how many traces, events and labels it wrote, and where."""
    (tmp_path / "in.json").write_text(json.dumps([TRANSCRIPT]))
    assert execute(["import", "tau", str(tmp_path / "in.json"), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    out = str(tmp_path / "out")
    assert " ".join(told.split()) == f"1 traces 4 events in {out} 1 labels in {out}/{LABELS}"
