"""What docs/openai-agents.md shows is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("agents", reason="openai-agents is not installed: pip install openai-agents")

from harness.adapters.files import open_trace
from harness.trace.chat import messages_in
from tests.adapters.frameworks.scenario.expected import Step, refusals_in, steps_in

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "openai-agents.md").read_text()
SCRIPT = """
from harness.testing.model_server import call_tool, say, script

policy = script(
    [
        call_tool("find_order", order_id="W-77"),
        call_tool("transfer_to_billing"),
        call_tool("refund", order_id="W-77", cents=48000),
        call_tool("refund", order_id="W-77", cents=20000),
        say("You have 200.00 back."),
    ]
)
"""


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the folder of the page's program."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-W", "ignore", "-m", "harness", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_program_of_the_page(tmp_path: Path) -> None:
    """It runs as it stands, is refused what the page says in the words it shows, and replays equal."""
    for name, fence in (("shop.py", "python"), ("shop.yaml", "yaml")):
        (tmp_path / name).write_text(re.findall(rf"```{fence}\n(.*?)```", PAGE, re.DOTALL)[0])
    (tmp_path / "model.py").write_text(SCRIPT)
    done = cli(tmp_path, "run", "shop:main", "--model-script", "model:policy", "--trace", "t.mat.jsonl", "--json")
    assert json.loads(done.stdout)["result"] == "You have 200.00 back.", done.stdout + done.stderr
    trace = tmp_path / "t.mat.jsonl"
    assert steps_in(trace) == [
        Step("triage", "find_order"),
        Step("triage", "handoff"),
        Step("billing", "refund", ("block",)),
        Step("billing", "refund"),
    ]
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    with open_trace(trace) as reader:
        results = [message.text for event in reader for message in messages_in(event) if message.role == "tool"]
    assert any(result.startswith(shown.rstrip()) for result in results), results
    assert refusals_in(trace)[0]["rule"] == "REFUND-CAP"
    assert cli(tmp_path, "replay", "t.mat.jsonl", "--verify", "1").returncode == 0
