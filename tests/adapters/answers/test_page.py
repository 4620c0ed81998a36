"""The page about calls in answers shows what happens."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from harness.testing.model_server import ModelRequest, ModelServer, Reply, call_tool, say

PAGE = Path(__file__).parents[3] / "docs" / "answers.md"
RULES = """
registry: shop
version: "1"
default: allow
tools: {refund: {arguments: {type: object, properties: {cents: {type: integer}, order_id: {type: string}}}}}
invariants:
  - {id: CAP, on: action, tool: refund, require: call.args.cents <= 20000, otherwise: block, title: Refunds are small}
"""


def policy(request: ModelRequest) -> Reply:
    """Want what the user says, then repeat what came back."""
    if request.messages[-1]["role"] == "tool":
        return say(str(request.messages[-1]["content"]).splitlines()[0])
    return call_tool("refund", order_id="W-77", cents=int(request.text))


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small refund is made, a large one never reaches the function."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "shop.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    with ModelServer(policy) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-scripted-key")
        (tmp_path / "answers_page.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        page: Any = importlib.import_module("answers_page")
        with page.app.session():
            made = page.main("15000")
        with page.app.session():
            refused = page.main("48000")
        page.client.close()
    assert made == "15000 cents for W-77 are on their way"
    assert refused.startswith("refund was blocked by CAP")
