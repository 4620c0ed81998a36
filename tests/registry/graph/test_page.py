"""The examples of docs/graph.md are loaded and run."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from harness.registry.graph.schema import GRAPH
from harness.registry.graph.values import Policy
from harness.registry.load import load

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "graph.md").read_text(encoding="utf-8")
SHOP, NOTIFY = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("text", "goal", "tools"), [(SHOP, "shipped", 8), (NOTIFY, "Complete", 4)])
def test_every_registry_of_the_page_loads(text: str, goal: str, tools: int) -> None:
    """And is written and loaded again to the same digest."""
    registry = load(text, "docs/graph.md")
    assert registry.graph is not None
    assert list(registry.graph.goals) == [goal]
    assert len(registry.graph.tools) == tools
    assert load(registry.to_yaml(), "again.yaml").digest == registry.digest


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the tools of a graph."""
    exec(compile(CODE, "docs/graph.md", "exec"), {})
    assert capsys.readouterr().out == "['look_up', 'write_letter']\n"


def test_the_page_names_every_key() -> None:
    """The keys of a graph, of a way, of monitors, and of the policy, which has the fields of the value."""
    parts = GRAPH["properties"]
    ways = parts["tools"]["additionalProperties"]["properties"]
    table = PAGE.partition("## Parts")[2]
    monitors = parts["monitors"]["properties"]
    settings = [
        key
        for form in monitors.values()
        for key in form.get("properties") or (form.get("additionalProperties") or {}).get("properties", ())
    ]
    assert set(parts["policy"]["properties"]) == {one.name for one in fields(Policy)}
    assert {"failures", "calls", "expected_ms", "limit", "flags", "window", "weight"} <= set(settings)
    for key in (*parts, *ways, *parts["policy"]["properties"], *monitors, *settings):
        assert re.search(rf"[`{{ ]{key}[`,}}: ]", table), key


def test_the_published_schema_holds_the_graph() -> None:
    """What editors complete is what is read."""
    published = json.loads((ROOT / "registries" / "registry.schema.json").read_text(encoding="utf-8"))
    assert published["properties"]["graph"] == GRAPH
