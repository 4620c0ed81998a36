"""Simulations of tau2-bench as traces."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace, trace_files
from harness.adapters.transcripts.conversation import LABELS, write_traces
from harness.adapters.transcripts.openai_chat import conversation_of
from harness.adapters.transcripts.tau2 import chat_messages, conversations
from harness.errors import UsageError
from tests.real_data import recorded

CALL = {"id": "c1", "name": "pay", "arguments": {"cents": 5}, "requestor": "assistant"}
SWITCH = {"id": "c2", "name": "toggle", "arguments": {}, "requestor": "user"}
MESSAGES = [
    {"role": "assistant", "content": None, "tool_calls": [CALL], "turn_idx": 0, "cost": 0.1},
    {"role": "tool", "id": "c1", "content": "Error: no money", "requestor": "assistant", "error": True},
    {"role": "user", "content": None, "tool_calls": [SWITCH], "turn_idx": 2},
    {"role": "tool", "id": "c2", "content": "on", "requestor": "user", "error": False},
    {"role": "user", "content": "It is on.", "tool_calls": None, "turn_idx": 4},
]
GOLD = [{"name": "pay", "arguments": {"cents": 4}}]
SIMULATION = {"task_id": "7", "trial": 0, "reward_info": {"reward": 0.0}, "messages": MESSAGES}
FILE = {
    "info": {"environment_info": {"policy": "Be kind."}},
    "tasks": [{"id": "7", "evaluation_criteria": {"actions": GOLD}}],
    "simulations": [SIMULATION],
}


def source_of(folder: Path, said: Any) -> Path:
    """Give a file that holds a JSON value."""
    source = folder / "simulations.json"
    source.write_text(json.dumps(said))
    return source


def written(folder: Path, said: Any) -> Path:
    """Give the folder of the traces of a file that holds a JSON value."""
    source = source_of(folder, said)
    write_traces(conversations(source), "tau2", source, folder / "out")
    return folder / "out"


def test_messages_become_chat_messages() -> None:
    """The policy is the system message; arguments become JSON text, the id of an answer names its call."""
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"cents":5}'}}
    system, first, answer, *_, last = chat_messages("Be kind.", MESSAGES)
    assert system == {"role": "system", "content": "Be kind."}
    assert first == {"role": "assistant", "content": None, "tool_calls": [call]}
    assert answer == {"role": "tool", "content": "Error: no money", "tool_call_id": "c1"}
    assert last == {"role": "user", "content": "It is on."}


def test_calls_of_the_user_are_the_users(tmp_path: Path) -> None:
    """A call and its answer have the agent that made it; an answer ``Error:`` is a failure."""
    (path,) = trace_files([written(tmp_path, FILE)])
    with open_trace(path) as reader:
        calls = [event for event in reader if event.kind in ("action", "observation")]
    assert [(event.kind, event.agent) for event in calls] == [
        ("action", "main"),
        ("observation", "main"),
        ("action", "user"),
        ("observation", "user"),
    ]
    assert calls[0].body["args"] == {"cents": 5}
    assert calls[1].body["failed"]["error"]["message"] == "Error: no money"
    assert calls[3].body["ok"] == "on"


def test_tokens_of_the_agent_are_a_label(tmp_path: Path) -> None:
    """Tokens of the agent's messages are added up; those of the simulated user, and messages without, are left out."""
    used = [{"prompt_tokens": 100, "completion_tokens": 5}, None, {"prompt_tokens": 130, "completion_tokens": 7}]
    said = [{**MESSAGES[4], "role": role, "usage": usage} for usage in used for role in ("assistant", "user")]
    (one,) = conversations(source_of(tmp_path, FILE | {"simulations": [SIMULATION | {"messages": said}]}))
    assert one.label["tokens"] == 242


def test_gold_actions_and_reward_are_labels(tmp_path: Path) -> None:
    """They stand in labels.jsonl, and the trace does not change with them."""
    (tmp_path / "other").mkdir()
    out = written(tmp_path, FILE)
    task = {"id": "7", "evaluation_criteria": {"actions": None}}
    rewarded = SIMULATION | {"reward_info": {"reward": 1.0}}
    other = written(tmp_path / "other", FILE | {"tasks": [task], "simulations": [rewarded]})
    (label,) = (json.loads(line) for line in (out / LABELS).read_text().splitlines())
    assert label == {"gold": GOLD, "reward": 0.0, "task": "7", "trace": "simulation-000.mat.jsonl", "trial": 0}
    assert [path.read_bytes() for path in trace_files([out])] == [path.read_bytes() for path in trace_files([other])]


@pytest.mark.parametrize("name", ["gpt-4.1_retail", "ft-gpt-4.1_retail", "gpt-4.1_airline", "gpt-4.1_telecom"])
def test_real_simulations_come_back(tmp_path: Path, name: str) -> None:
    """Each simulation, exported again, has the original's messages, calls and answers in their order."""
    source = recorded(f"tau2-bench/{name}.json.gz")
    write_traces(conversations(source), "tau2", source, tmp_path / "out")
    file = json.loads(gzip.decompress(source.read_bytes()))
    paths = trace_files([tmp_path / "out"])
    assert len(paths) == len(file["simulations"])
    for path, simulation in zip(paths, file["simulations"], strict=True):
        with open_trace(path) as reader:
            system, *said = conversation_of(iter(reader))
        assert system["content"] == file["info"]["environment_info"]["policy"]
        assert [(one["role"], one["content"]) for one in said] == [
            (one["role"], one["content"]) for one in simulation["messages"]
        ]
        calls = [call for one in said for call in one.get("tool_calls", ())]
        assert [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls
        ] == [
            (call["id"], call["name"], call["arguments"])
            for one in simulation["messages"]
            for call in one.get("tool_calls") or ()
        ]


BAD = [
    ([], "not a file of tau2-bench"),
    ({"info": {}}, "not a file of tau2-bench"),
    (FILE | {"simulations": [3]}, "simulation 0: not a simulation of tau2-bench"),
    (FILE | {"tasks": []}, "simulation 0: not a simulation of tau2-bench: '7'"),
    (FILE | {"simulations": [SIMULATION | {"messages": [{"role": "tool", "content": ""}]}]}, "simulation 0"),
    (FILE | {"simulations": [SIMULATION | {"reward_info": None}]}, "simulation 0: the simulation was not evaluated"),
]


@pytest.mark.parametrize(("said", "reason"), BAD)
def test_an_unexpected_shape_is_one_clear_error(tmp_path: Path, said: Any, reason: str) -> None:
    """What is no simulation is a UsageError with its place, and no folder is left behind."""
    with pytest.raises(UsageError) as told:
        written(tmp_path, [said])
    assert reason in str(told.value)
    assert not (tmp_path / "out").exists()
