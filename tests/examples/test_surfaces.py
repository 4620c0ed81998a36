"""What frameworks do past the door, where only their client and their tools pass it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.test_docs import ROOT, program

EXAMPLES = [
    ("openai_agents_support", "policies:desk", "agents", {"transfer_to_refunds"}),
    ("langgraph_support", "policies:support", "langgraph", set()),
    ("pydantic_ai_support", "policies:support", "pydantic_ai", set()),
]


@pytest.mark.parametrize(("name", "policy", "package", "unseen"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_what_a_framework_answers_by_itself_is_unseen(
    name: str, policy: str, package: str, unseen: set[str], tmp_path: Path
) -> None:
    """A handoff of openai-agents is a tool that never comes to the door; function tools do."""
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    trace = str(tmp_path / "run.mat.jsonl")
    script = ["--model-script", f"examples.{policy}", "--trace", trace]
    done = program(ROOT, "run", f"examples.{name}:main", *script)
    assert done.returncode == 0, done.stderr
    shown = json.loads(program(tmp_path, "show", trace, "--coverage", "--json").stdout)["surfaces"]
    assert {one["name"] for one in shown if one["status"] != "mediated"} == unseen
