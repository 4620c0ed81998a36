"""A call in an answer that somebody has to approve: the run stops, and goes on in another process."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
SHOP: Final = """
import json
import sqlite3
import sys

import harness
from harness.testing.model_server import Answer, call, calls, say

app = harness.Harness("shop.yaml", traces="runs")


def policy(request):
    results = [message["content"] for message in request.messages if message["role"] == "tool"]
    if results:
        return say("; ".join(results))
    return Answer("Let me see to that.", (call("find", sku="mug"), call("refund", cents=15000)))


def run(tool, args):
    with sqlite3.connect("ledger.db") as ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS made (tool TEXT, args TEXT)")
        ledger.execute("INSERT INTO made VALUES (?, ?)", (tool, json.dumps(args)))
    return f"{tool} done"


@app.agent
def chat() -> str:
    from openai import OpenAI

    said = [{"role": "user", "content": "go"}]
    with app.wrap(OpenAI(), judge_calls=True) as client:
        while True:
            with client.chat.completions.stream(model="m", messages=said) as stream:
                message = stream.until_done().get_final_completion().choices[0].message
            if not message.tool_calls:
                return message.content
            calls = [
                {"id": one.id, "type": "function", "function": one.function.model_dump(include={"name", "arguments"})}
                for one in message.tool_calls
            ]
            said.append({"role": "assistant", "content": message.content, "tool_calls": calls})
            for one in message.tool_calls:
                result = run(one.function.name, json.loads(one.function.arguments))
                said.append({"role": "tool", "tool_call_id": one.id, "content": result})


@app.agent
async def messages() -> str:
    from anthropic import AsyncAnthropic

    said = [{"role": "user", "content": "go"}]
    async with app.wrap(AsyncAnthropic(), judge_calls=True) as client:
        while True:
            async with client.messages.stream(model="m", max_tokens=99, messages=said) as stream:
                answer = await stream.get_final_message()
            blocks = [block.model_dump(include={"type", "text", "id", "name", "input"}) for block in answer.content]
            calls = [block for block in blocks if block["type"] == "tool_use"]
            if not calls:
                return "".join(block["text"] for block in blocks)
            results = [
                {"type": "tool_result", "tool_use_id": one["id"], "content": run(one["name"], one["input"])}
                for one in calls
            ]
            said += [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
"""
RULES: Final = """
registry: shop
version: "1"
default: allow
tools: {refund: {effect: write}, find: {effect: read}}
invariants:
  - {id: ASK, title: somebody says yes to a refund, on: action, tool: refund, require: "False", severity: high,
     otherwise: escalate}
"""


def harness(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with a hash seed of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": "random", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize(("entry", "answer"), [("chat", "--yes"), ("messages", "--yes"), ("chat", "--no")])
def test_a_call_waits_for_its_answer_in_another_process(entry: str, answer: str, tmp_path: Path) -> None:
    """No tool runs before the answer; then the approved call runs once, a refused one never, and all replays equal."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "shop.yaml").write_text(RULES)
    script = ("--model-script", "shop:policy")
    stopped = harness(tmp_path, "run", f"shop:{entry}", "--approve", "desk", *script)
    assert stopped.returncode == 3, stopped.stderr
    assert not (tmp_path / "ledger.db").exists()
    (question,) = (tmp_path / "desk").glob("*.question.json")
    assert harness(tmp_path, "approve", str(question), answer, "--by", "Ann").returncode == 0
    (trace,) = (tmp_path / "runs").glob("*.jsonl")
    resumed = harness(tmp_path, "resume", str(trace), "--approve", "desk", *script)
    assert resumed.returncode == 1, resumed.stdout + resumed.stderr  # an approved violation stays one
    assert "returned" in resumed.stdout
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        made = list(ledger.execute("SELECT tool, args FROM made"))
    refunds = [("refund", '{"cents": 15000}')] if answer == "--yes" else []
    assert made == [("find", '{"sku": "mug"}'), *refunds]
    (again,) = (tmp_path / "runs").glob("*.resumed-1.mat.jsonl")
    replayed = harness(tmp_path, "replay", str(again), "--verify", "1")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
