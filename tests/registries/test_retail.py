"""The shipped retail registry: its own examples, and real transcripts."""

from __future__ import annotations

import gzip
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.cli import execute
from harness.registry.registry import Registry
from harness.review.trial import try_registry
from tests.real_data import recorded

ROOT = Path(__file__).parents[2]
FILE = ROOT / "registries" / "retail.yaml"


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Give the retail registry."""
    return load_registry(FILE)


def test_it_states_the_policy_completely(registry: Registry) -> None:
    """Each of its rules, at least twenty, has a title, advice, a source, and examples that hold and that violate."""
    assert len(registry.invariants) >= 20
    for rule in registry.invariants:
        assert rule.title, rule.id
        assert rule.says, rule.id
        assert rule.source.startswith(("policy, ", "general: ")), rule.id
        assert rule.examples.holds, rule.id
        assert rule.examples.violated, rule.id


def test_its_examples_show_what_they_say(registry: Registry) -> None:
    """Every example is judged as it is filed."""
    assert try_registry(registry).failures == ()


def test_no_change_goes_unguarded(registry: Registry) -> None:
    """Each tool that changes an order or a profile is named by a rule that blocks and by one that wants a yes."""
    changing = {name for name, spec in registry.tools.items() if spec.effect == "write"} - {"transfer_to_human_agents"}
    assert len(changing) == 7
    blocked = [pattern for rule in registry.invariants if rule.otherwise == "block" for pattern in rule.tools]
    confirmed = next(rule for rule in registry.invariants if rule.id == "RET-CONFIRM").tools
    for name in changing:
        assert any(fnmatchcase(name, pattern) for pattern in blocked), name
        assert any(fnmatchcase(name, pattern) for pattern in confirmed), name


def test_it_is_not_fitted_to_the_transcripts() -> None:
    """No user, order, item, product or payment method of the transcripts is named in the registry."""
    data = gzip.decompress(recorded("agentrx-tau-retail/trajectories.json.gz").read_bytes()).decode()
    found = set(re.findall(r"[a-z]+_[a-z]+_\d{4}|#W\d{7}|\b\d{10}\b|(?:credit_card|gift_card|paypal)_\d{4,}", data))
    written = FILE.read_text()
    assert len(found) > 300
    assert not [name for name in found if name in written]


def test_the_documented_table_is_what_the_command_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``docs/retail.md`` shows the table of all real transcripts as ``harness check --labels`` prints it."""
    source, folder = recorded("agentrx-tau-retail/trajectories.json.gz"), tmp_path / "retail"
    assert execute(["import", "agentrx", str(source), "--out", str(folder)]) == 0
    capsys.readouterr()
    assert execute(["check", str(folder), "--registry", str(FILE), "--labels"]) == 1
    table = capsys.readouterr().out.split("\nverdict")[0]
    shown = (ROOT / "docs" / "retail.md").read_text()
    assert "any rule that blocks" in table
    assert [line for line in table.splitlines() if line.rstrip() not in shown] == []
