"""AgentRx's annotated trajectories as traces and back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace, trace_files
from harness.adapters.transcripts.agentrx import ANNOTATIONS, conversations
from harness.adapters.transcripts.conversation import LABELS, write_traces
from harness.adapters.transcripts.openai_chat import conversation_of
from harness.cli import execute
from harness.errors import UsageError
from tests.real_data import recorded

CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
TALK = [
    {"role": "assistant", "content": None, "tool_calls": [CALL], "index": 1},
    {"role": "tool", "tool_call_id": "c1", "name": "pay", "content": "Error: no money", "index": 2},
]
TRANSCRIPT = {"task_id": 4, "trial": 4, "reward": 0.0, "info": {"task": {"actions": []}}, "traj": TALK, "records": {}}
FAILURE = {"failure_id": 7, "step_number": 1, "failed_agent": "Assistant", "failure_category": "Invalid Invocation"}
ANNOTATION = {"trajectory_id": 4, "failures": [FAILURE], "root_cause": {"failure_id": 7}, "failure_summary": "x"}


def written(folder: Path, said: Any, annotations: Any) -> Path:
    """Give the folder of the traces of some trajectories and their annotations."""
    source = folder / "trajectories.json"
    source.write_text(json.dumps(said))
    (folder / ANNOTATIONS).write_text(json.dumps(annotations))
    write_traces(conversations(source), "agentrx", source, folder / "out")
    return folder / "out"


def labels_of(folder: Path) -> list[dict[str, Any]]:
    """Give the labels beside traces."""
    return [json.loads(line) for line in (folder / LABELS).read_text().splitlines()]


def test_every_real_trajectory_comes_back(tmp_path: Path) -> None:
    """Each of the 51 trajectories, exported again, equals the original; 18 have failures, 25 of them in all."""
    source = recorded("agentrx-tau-retail/trajectories.json.gz")
    write_traces(conversations(source), "agentrx", source, tmp_path / "out")
    transcripts = json.loads(gzip.decompress(source.read_bytes()))
    assert len(trace_files([tmp_path / "out"])) == len(transcripts) == 51
    for said in transcripts:
        with open_trace(tmp_path / "out" / f"task-{said['task_id']:03d}-trial-{said['trial']}.mat.jsonl") as reader:
            assert conversation_of(iter(reader)) == said["traj"]
    failures = [label["failures"] for label in labels_of(tmp_path / "out")]
    assert sum(map(bool, failures)) == 18
    assert sum(map(len, failures)) == 25


def test_annotations_are_labels(tmp_path: Path) -> None:
    """Failures and the root cause stand in labels.jsonl; a trajectory without annotation has none."""
    other = TRANSCRIPT | {"task_id": 5, "reward": 1.0}
    first, second = labels_of(written(tmp_path, [TRANSCRIPT, other], [ANNOTATION]))
    assert first["failures"] == [FAILURE]
    assert first["root_cause"] == {"failure_id": 7}
    assert (second["failures"], second["root_cause"], second["reward"]) == ([], None, 1.0)


def test_no_annotation_enters_a_trace(tmp_path: Path) -> None:
    """Whatever people annotated, the traces are the same bytes."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (one,) = trace_files([written(tmp_path / "a", [TRANSCRIPT], [ANNOTATION])])
    (other,) = trace_files([written(tmp_path / "b", [TRANSCRIPT], [])])
    assert one.read_bytes() == other.read_bytes()


BAD = [
    ([ANNOTATION | {"trajectory_id": 9}], "annotates trajectories that are not in trajectories.json: [9]"),
    ([ANNOTATION | {"failures": [FAILURE | {"step_number": 3}]}], "trajectory 4 has messages 1 to 2, and no 3"),
    ([ANNOTATION | {"failures": [FAILURE | {"step_number": 0}]}], "trajectory 4 has messages 1 to 2, and no 0"),
    ([ANNOTATION | {"failures": [FAILURE | {"step_number": "1"}]}], "transcript 0: not an annotation of AgentRx"),
    ([{"trajectory_id": 4, "failures": []}], "not an annotation of AgentRx"),
    ([ANNOTATION, ANNOTATION], "transcript 1: trajectory 4 is annotated a second time"),
    ([3], "not an annotation of AgentRx"),
]


@pytest.mark.parametrize(("annotations", "reason"), BAD)
def test_an_annotation_that_does_not_fit_is_one_clear_error(tmp_path: Path, annotations: Any, reason: str) -> None:
    """An annotation of another shape, trajectory or message is a UsageError with its place."""
    with pytest.raises(UsageError) as told:
        written(tmp_path, [TRANSCRIPT], annotations)
    assert reason in str(told.value)
    assert ANNOTATIONS in str(told.value)
    assert not (tmp_path / "out").exists()


def test_the_command_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``harness import agentrx`` finds the annotations beside the trajectories, or says that they are missing."""
    (tmp_path / "in.json").write_text(json.dumps([TRANSCRIPT]))
    assert execute(["import", "agentrx", str(tmp_path / "in.json"), "--out", str(tmp_path / "out")]) == 2
    assert ANNOTATIONS in capsys.readouterr().err
    (tmp_path / ANNOTATIONS).write_text(json.dumps([ANNOTATION]))
    assert execute(["import", "agentrx", str(tmp_path / "in.json"), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("1 traces   4 events")
