"""Small conversations in the formats of tau-bench and tau2-bench, for the tests of the suite that reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.suites.tau.traced import Traced
from benchmarks.suites.tau.writes import Judged, judged
from harness.adapters.transcripts import tau
from harness.adapters.transcripts.conversation import Conversation
from harness.registry.load import load
from harness.registry.registry import Registry

RULES = """
registry: shop
version: 1
default: allow
tools:
  pay: {effect: write}
  look: {effect: read}
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 9, otherwise: block}
  - {id: ASK, on: action, tool: pay, require: call.args.cents != 7, otherwise: escalate}
"""
SHOP = load(RULES, "shop.yaml")
AIRLINE = {"role": "system", "content": "# Airline Agent Policy\nBe kind."}
ASKS = {"role": "user", "content": "My user id is ada_byron_1815."}


def talk(*calls: tuple[str, dict[str, Any], str | None], call_id: str | None = None) -> list[dict[str, Any]]:
    """Give the messages of some calls and their answers; an answer None is missing."""
    messages: list[dict[str, Any]] = []
    for number, (name, arguments, answer) in enumerate(calls):
        one = {"id": call_id or f"c{number}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [one]})
        if answer is not None:
            messages.append({"role": "tool", "tool_call_id": one["id"], "content": answer})
    return messages


def said(messages: list[dict[str, Any]], *, task: int = 1, trial: int = 0, reward: float = 0, gold: Any = ()) -> Any:
    """Give one transcript of tau-bench's format."""
    info = {"task": {"actions": list(gold)}}
    return {"task_id": task, "trial": trial, "reward": reward, "info": info, "traj": messages}


def conversation(tmp_path: Path, messages: list[dict[str, Any]]) -> Conversation:
    """Give one conversation, read from a file."""
    source = tmp_path / "talk.json"
    source.write_text(json.dumps([said(messages)]))
    (one,) = tau.conversations(source)
    return one._replace(events=tuple(one.events))


def folder_of(tmp_path: Path, files: dict[str, Any]) -> Path:
    """Write JSON files into a folder."""
    for name, value in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(value))
    return tmp_path


def simulations(agent: str, rewards: dict[str, float], **info: Any) -> dict[str, Any]:
    """Give a file of tau2-bench in which tasks were done once."""
    messages = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello.", "tool_calls": None}]
    return {
        "info": {
            "environment_info": {"policy": "Be kind.", "domain_name": "telecom"},
            "agent_info": {"llm": agent, "implementation": "llm_agent", **info},
        },
        "tasks": [{"id": task, "evaluation_criteria": {"actions": []}} for task in rewards],
        "simulations": [
            {"task_id": task, "trial": 0, "reward_info": {"reward": reward}, "messages": messages}
            for task, reward in rewards.items()
        ],
    }


def judged_by(tmp_path: Path, messages: list[dict[str, Any]], gold: Sequence[Any], registry: Registry = SHOP) -> Judged:
    """Judge one conversation."""
    return judged(Traced(conversation(tmp_path, messages), registry), registry, gold)
