"""What docs/langgraph.md shows is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_openai", reason="the extra [langgraph] is not installed")
pytest.importorskip("langchain", reason="langchain, whose agents the page uses, is not installed")

from harness.adapters.files import open_trace
from harness.trace.chat import messages_in
from tests.adapters.frameworks.scenario.expected import Step, steps_in

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "langgraph.md").read_text()
SCRIPT = """
from harness.testing.model_server import call_tool, say, script

policy = script(
    [
        call_tool("find_order", order_id="W-77"),
        call_tool("refund", order_id="W-77", cents=48000),
        call_tool("refund", order_id="W-77", cents=20000),
        say("You have 200.00 back."),
    ]
)
"""


def cli(folder: Path, *arguments: str, code: int = 0) -> Any:
    """Run the command line in the folder of the page's program, and give what it says as it exits with a code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-W", "ignore", "-m", "harness", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_program_of_the_page(tmp_path: Path) -> None:
    """It runs as it stands, is refused in the words that the page shows, and replays equal."""
    for name, fence in (("shop.py", "python"), ("shop.yaml", "yaml")):
        (tmp_path / name).write_text(re.findall(rf"```{fence}\n(.*?)```", PAGE, re.DOTALL)[0])
    (tmp_path / "model.py").write_text(SCRIPT)
    live = ("--model-script", "model:policy", "--trace", "t.mat.jsonl")
    said = cli(tmp_path, "run", "shop:main", *live, code=1)  # a rule was violated by what was asked for
    assert said["result"] == "You have 200.00 back."
    trace = tmp_path / "t.mat.jsonl"
    steps = [Step("desk", "find_order"), Step("desk", "refund", ("block",)), Step("desk", "refund")]
    assert steps_in(trace) == steps
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    with open_trace(trace) as reader:
        results = [message.text for event in reader for message in messages_in(event) if message.role == "tool"]
    assert any(result.startswith(shown.rstrip()) for result in results), results
    cli(tmp_path, "replay", "t.mat.jsonl", "--verify", "1")
