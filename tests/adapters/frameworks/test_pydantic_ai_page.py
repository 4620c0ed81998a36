"""What the page about pydantic-ai shows is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pydantic_ai", reason="the extra [pydantic-ai] is not installed")

from harness.adapters.files import open_trace
from harness.testing.model_server import ModelRequest, Reply, call_tool, say
from harness.trace.chat import messages_in

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pydantic-ai.md"


def policy(request: ModelRequest) -> Reply:
    """Hand over, ask for too much, then for less."""
    offered = {tool["function"]["name"] for tool in request.tools}
    results = [message["content"] for message in request.messages if message["role"] == "tool"]
    if "refund" not in offered:
        (handover,) = offered - {"find_order"}
        return call_tool(handover, request="48000 for W-77") if results else call_tool("find_order", order_id="W-77")
    if not results:
        return call_tool("refund", order_id="W-77", cents=48_000)
    return call_tool("refund", order_id="W-77", cents=15_000) if len(results) == 1 else say(results[-1])


def block(language: str) -> str:
    """Give the one block of a language on the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def harness(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the command line in a folder and give what it says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "harness", *arguments, "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2] or "{}")
    assert said, done.stderr
    return said


def test_the_page_is_a_program(tmp_path: Path) -> None:
    """The two agents run under the page's registry, the first refund is refused as shown, and the run replays."""
    (tmp_path / "page.py").write_text(block("python"))
    (tmp_path / "shop.yaml").write_text(block("yaml"))
    script = "tests.adapters.frameworks.test_pydantic_ai_page:policy"
    said = harness(tmp_path, "run", "page:main", "--trace", "run.mat.jsonl", "--model-script", script)
    assert (said["error"], said["result"]) == (None, "refunded 15000")
    assert harness(tmp_path, "replay", "run.mat.jsonl", "--offline")["equal"]
    with open_trace(tmp_path / "run.mat.jsonl") as reader:
        actions = [event for event in reader if event.kind == "action"]
    models = [event for event in actions if event.body["surface"] == "model"]
    shown = [one.text for event in models for one in messages_in(event) if one.role == "tool"]
    assert any(text.startswith(block("text").partition("\\n")[0]) for text in shown)
    assert [(event.agent, event.body["tool"]) for event in actions if event not in models] == [
        ("triage", "find_order"),
        ("triage", "handoff"),
        ("billing", "refund"),
        ("billing", "refund"),
    ]
