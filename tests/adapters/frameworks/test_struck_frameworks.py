"""Faults of conversations in agents of frameworks, whose models ask over the clients that pass the door."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.files import open_trace

ROOT = Path(__file__).parents[3]
SCRIPT = """
from harness.testing.model_server import call_tool, say, script

policy = script([call_tool("find_order", order_id="W-77"), say("Order W-77 of Ann is on its way.")])
"""
PLAN = """
faults: a bad day
seed: 7
inject:
  - {fault: BT, nth: 1}
  - {fault: PFE, nth: 1}
  - {fault: rate_limit, tool: 'openai:*', nth: 2, strength: {after_ms: 1}}
  - {fault: H, nth: 3}
"""


def cli(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line in a folder, and give what it says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-W", "ignore", "-m", "harness", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    said: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2] or "{}")
    assert said, done.stderr
    return said


@pytest.mark.parametrize(
    ("page", "package"),
    [("langgraph", "langchain_openai"), ("pydantic-ai", "pydantic_ai"), ("openai-agents", "agents")],
)
def test_an_agent_of_a_framework_is_struck_as_any_other(page: str, package: str, tmp_path: Path) -> None:
    """The program of the framework's page meets every fault of a plan, and replays equal in a process of its own."""
    pytest.importorskip(package)
    text = (ROOT / "docs" / f"{page}.md").read_text()
    for name, fence in (("shop.py", "python"), ("shop.yaml", "yaml")):
        (tmp_path / name).write_text(re.findall(rf"```{fence}\n(.*?)```", text, re.DOTALL)[0])
    (tmp_path / "model.py").write_text(SCRIPT)
    (tmp_path / "plan.yaml").write_text(PLAN)
    live = ("--model-script", "model:policy", "--faults", "plan.yaml", "--trace", "t.mat.jsonl")
    said = cli(tmp_path, "run", "shop:main", *live)
    assert said["error"] is None
    assert said["result"] != "Order W-77 of Ann is on its way."
    with open_trace(tmp_path / "t.mat.jsonl") as reader:
        events = list(reader)
    faults = [(event.body["kind"], event.body["effective"]) for event in events if event.kind == "fault"]
    assert faults == [("BT", True), ("PFE", True), ("rate_limit", True), ("H", True)]
    (found,) = [event.body["args"] for event in events if event.kind == "action" and event.body["tool"] == "find_order"]
    assert found != {"order_id": "W-77"}
    assert cli(tmp_path, "replay", "t.mat.jsonl")["equal"]
