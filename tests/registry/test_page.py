"""The examples of docs/registry.md are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from harness.registry.load import load
from harness.registry.registry import Registry
from harness.registry.schema import TOOL_KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
WHOLE, *PARTS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def loaded(part: str) -> Registry:
    """Load a part of a registry as the page means it: beside the tools and parameters of the whole one."""
    head = {
        name: value for name, value in yaml.safe_load(WHOLE.replace(" on:", ' "on":')).items() if name != "invariants"
    }
    stated = yaml.safe_load(part.replace(" on:", ' "on":').replace("{id: TRIP-COST, on:", '{id: TRIP-COST, "on":'))
    if "extends" in stated:
        head = {name: value for name, value in head.items() if name not in ("tools", "parameters")} | {
            "registry": "batch"
        }
    text = yaml.safe_dump(head | stated, sort_keys=False)
    return load(text, "docs/registry.md", read={"payments": WHOLE}.__getitem__)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_registry_loads(part: str) -> None:
    """As it stands on the page, and what it says of derived rules is so."""
    registry = loaded(part)
    names = {rule.id for rule in registry.invariants}
    assert names
    if "clerk" in part:
        assert names >= {"AGENT-clerk-MAY", "AGENT-clerk-TOTAL-cents", "AGENT-DECLARED"}
    if "extends" in part:
        assert [one.part for one in registry.overrides] == ["parameter", "dropped", "rule"]
        assert names == {"PAY-LIMIT", "PAY-KNOWN-ACCOUNT"}


def test_the_page_tells_every_key_of_a_tool() -> None:
    """What may be stated of a tool stands in the table of the page, and nothing else does."""
    table = PAGE.partition("## What is stated of a tool")[2].partition("\n## ")[0]
    told = [key for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(TOOL_KEYS)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the YAML of a registry that loads to the same digest."""
    known: dict[str, Registry] = {}
    exec(compile(CODE, "docs/registry.md", "exec"), known)
    assert load(capsys.readouterr().out, "printed.yaml").digest == known["registry"].digest
