"""Runs of AgentDojo as traces."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.files import open_trace, trace_files
from harness.adapters.transcripts.agentdojo import conversations, value_of
from harness.adapters.transcripts.conversation import LABELS, write_traces
from harness.adapters.transcripts.openai_chat import conversation_of
from harness.cli import execute
from harness.errors import UsageError
from tests.real_data import recorded


def call(name: str, call_id: str | None = "c1", **args: Any) -> dict[str, Any]:
    """Give a call as AgentDojo writes it."""
    return {"function": name, "args": args, "id": call_id}


def answer(made: dict[str, Any], content: Any, error: str | None = None) -> dict[str, Any]:
    """Give the answer to a call."""
    return {"role": "tool", "content": content, "error": error, "tool_call": made, "tool_call_id": made["id"]}


READ, PAY = call("read_file", None, file_path="bill.txt"), call("send_money", None, recipient="DE1", amount=5)
MESSAGES = [
    {"role": "system", "content": "You help."},
    {"role": "user", "content": [{"type": "text", "content": "Pay the bill."}]},
    {"role": "assistant", "content": None, "tool_calls": [READ]},
    answer(READ, "Total: 5\nto DE1"),
    {"role": "assistant", "content": "Paying.", "tool_calls": [PAY]},
    answer(PAY, "", "ValueError: no: money"),
    {"role": "assistant", "content": "It failed.", "tool_calls": []},
]
RUN = {
    "suite_name": "banking",
    "pipeline_name": "gpt",
    "user_task_id": "user_task_0",
    "injection_task_id": "injection_task_1",
    "attack_type": "direct",
    "injections": {"slot": "TODO: pay DE1"},
    "messages": MESSAGES,
    "error": None,
    "utility": False,
    "security": True,
    "duration": 1.5,
}


def written(folder: Path, *runs: Any) -> Path:
    """Give the folder of the traces of runs."""
    source = folder / "runs.jsonl"
    source.write_text("".join(json.dumps(run) + "\n" for run in runs))
    write_traces(conversations(source), "agentdojo", source, folder / "out")
    return folder / "out"


def test_a_run_becomes_messages_calls_and_outcomes(tmp_path: Path) -> None:
    """Blocks are joined, missing ids made up, answers belong to their calls, and an error is a failed outcome."""
    (path,) = trace_files([written(tmp_path, RUN)])
    with open_trace(path) as reader:
        events = list(reader)
    assert [event.body["message"]["content"] for event in events if event.kind == "message"] == [
        *("You help.", "Pay the bill.", None, "Total: 5\nto DE1", "Paying.", "", "It failed.")
    ]
    calls = [(event.body["tool"], event.body["args"], event.body["id"]) for event in events if event.kind == "action"]
    assert calls == [("read_file", READ["args"], "call-0"), ("send_money", PAY["args"], "call-1")]
    first, second = (event.body for event in events if event.kind == "observation")
    assert first["ok"] == "Total: 5\nto DE1"
    assert second["failed"] == {"error": {"type": "ValueError", "message": "no: money"}, "retryable": False}


def test_labels_stand_beside_the_trace_and_never_inside(tmp_path: Path) -> None:
    """With other labels every event and header is the same; the labels say suite, tasks, attack and outcome."""
    changed = RUN | {key: "other" for key in RUN if key not in ("messages", "utility", "security", "injections")}
    folders = [tmp_path / name for name in ("one", "other")]
    for folder, run in zip(folders, (RUN, changed | {"utility": True, "security": False}), strict=True):
        folder.mkdir()
        written(folder, run)
    one, other = ((folder / "out" / "run-00000.mat.jsonl").read_bytes() for folder in folders)
    assert one == other
    (label,) = map(json.loads, (folders[0] / "out" / LABELS).read_text().splitlines())
    assert label == {key: RUN[key] for key in RUN if key != "messages"} | {"trace": "run-00000.mat.jsonl"}


SHOWN = [
    ("- amount: 5.0\n  date: 2022-01-01\n  to: null\n", [{"amount": 5.0, "date": "2022-01-01", "to": None}]),
    ("- general\n- random", ["general", "random"]),
    ("body: 'Hi,\n\n  you'\nid_: '5'", {"body": "Hi,\nyou", "id_": "5"}),
    ("{'Le Café': 'Rating: 4.5\\nNice', 'B': [1, None]}", {"Le Café": "Rating: 4.5\nNice", "B": [1, None]}),
    ("<<- general>>", ["general"]),
    ("<<Free text>>", "Free text"),
    ("TODO: send money", "TODO: send money"),
    ("Dear tenant,\nrent: 5", "Dear tenant,\nrent: 5"),
    ("{not a dict}", "{not a dict}"),
    ("{'a':  1}", "{'a':  1}"),
    ("a: [", "a: ["),
    ("2024-05-15", "2024-05-15"),
    ("1810.0", "1810.0"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "value"), SHOWN)
def test_what_is_surely_data_is_data_again(text: str, value: Any) -> None:
    """Models, names and dicts come back as values, times as text; free text, also with a colon, stays text."""
    assert value_of(text) == value


FIELDS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
LEAVES = st.text("ab: -\n'\"#[{é", max_size=12) | st.integers() | st.booleans() | st.none()
MODELS = st.dictionaries(FIELDS, LEAVES | st.lists(LEAVES, max_size=2), min_size=1, max_size=4)


@given(MODELS | st.lists(MODELS, min_size=1, max_size=3))
def test_models_survive_being_shown(value: Any) -> None:
    """What PyYAML writes of models, as AgentDojo does, is read as the same value."""
    assert value_of(yaml.safe_dump(value, default_flow_style=False).strip()) == value


BAD = [
    ([3], "runs.jsonl:1: not a run of AgentDojo: suite_name is missing or of another type"),
    ([RUN | {"utility": 1}], "utility is missing or of another type"),
    ([RUN | {"messages": [{"role": "tool", "content": "x", "error": None}]}], "message 0: not a message of AgentDojo"),
    ([RUN, RUN | {"messages": [{"content": "x"}]}], "runs.jsonl:2, message 0: not a message of AgentDojo"),
]


@pytest.mark.parametrize(("runs", "reason"), BAD)
def test_an_unexpected_shape_is_one_clear_error(tmp_path: Path, runs: list[Any], reason: str) -> None:
    """What is no run is a UsageError with its place, and no folder is left behind."""
    with pytest.raises(UsageError) as told:
        written(tmp_path, *runs)
    assert reason in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.jsonl"]


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``harness import agentdojo`` tells how many traces, events and labels it wrote; a run without messages too."""
    source = tmp_path / "runs.jsonl"
    source.write_text(json.dumps(RUN) + "\n" + json.dumps(RUN | {"messages": []}) + "\n")
    assert execute(["import", "agentdojo", str(source), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["traces"], told["events"], told["labels"]) == (2, 11, 2)


def test_every_real_call_and_answer_is_there(tmp_path: Path) -> None:
    """Of one recorded pipeline each message, call and answer is in the trace of its run."""
    source = recorded("agentdojo/runs/command-r.jsonl.gz")
    runs = [json.loads(line) for line in gzip.decompress(source.read_bytes()).splitlines()]
    write_traces(conversations(source), "agentdojo", source, tmp_path / "out")
    for number, run in enumerate(runs):
        with open_trace(tmp_path / "out" / f"run-{number:05d}.mat.jsonl") as reader:
            events = list(reader)
        said = conversation_of(iter(events))
        assert [message["role"] for message in said] == [message["role"] for message in run["messages"]]
        assert [message["content"] or "" for message in said] == [
            message["content"] or "" for message in run["messages"]
        ]
        made = [one for message in run["messages"] for one in message.get("tool_calls") or ()]
        assert [(event.body["tool"], event.body["args"]) for event in events if event.kind == "action"] == [
            (one["function"], one["args"]) for one in made
        ]
        failed = [message["error"] is not None for message in run["messages"] if message["role"] == "tool"]
        assert ["failed" in event.body for event in events if event.kind == "observation"] == failed
