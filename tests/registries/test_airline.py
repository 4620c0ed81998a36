"""The shipped airline registry: its own examples, and real transcripts."""

from __future__ import annotations

import gzip
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.cli import execute
from harness.registry.registry import Registry
from harness.review.trial import try_registry
from tests.real_data import airline_transcripts

ROOT = Path(__file__).parents[2]
FILE = ROOT / "registries" / "airline.yaml"


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Give the airline registry."""
    return load_registry(FILE)


def test_it_states_the_policy_completely(registry: Registry) -> None:
    """Each of its rules, at least twelve, has a title, advice, a source, and examples that hold and that violate."""
    assert len(registry.invariants) >= 12
    for rule in registry.invariants:
        assert rule.title, rule.id
        assert rule.says, rule.id
        assert rule.source, rule.id
        assert rule.examples.holds, rule.id
        assert rule.examples.violated, rule.id


def test_its_examples_show_what_they_say(registry: Registry) -> None:
    """Every example is judged as it is filed."""
    assert try_registry(registry).failures == ()


def test_no_change_goes_unguarded(registry: Registry) -> None:
    """Each tool that changes a reservation or pays is named by a rule that blocks."""
    blocked = [pattern for rule in registry.invariants if rule.otherwise == "block" for pattern in rule.tools]
    changing = {name for name, spec in registry.tools.items() if spec.effect == "write"} - {"transfer_to_human_agents"}
    assert len(changing) == 6
    assert all(any(fnmatchcase(name, pattern) for pattern in blocked) for name in changing)


def test_it_is_not_fitted_to_the_transcripts() -> None:
    """No user, reservation, flight or payment method of the transcripts is named in the registry."""
    data = gzip.decompress(airline_transcripts().read_bytes()).decode()
    names = r"[a-z]+_[a-z]+_\d{4}|HAT\d{3}|(?:credit_card|gift_card|certificate)_\d+"
    found = set(re.findall(names, data)) | set(re.findall(r'reservation_id\\?"?: ?\\?"([A-Z0-9]{6})', data))
    written = FILE.read_text()
    assert len(found) > 300
    assert not [name for name in found if name in written]


def test_the_documented_table_is_what_the_command_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``docs/airline.md`` shows the table of all real transcripts as ``harness check --labels`` prints it."""
    folder = tmp_path / "tau"
    assert execute(["import", "tau", str(airline_transcripts()), "--out", str(folder)]) == 0
    capsys.readouterr()
    assert execute(["check", str(folder), "--registry", str(FILE), "--labels"]) == 1
    table = capsys.readouterr().out.split("\nverdict")[0]
    shown = (ROOT / "docs" / "airline.md").read_text()
    assert "any rule that blocks" in table
    assert [line for line in table.splitlines() if line.rstrip() not in shown] == []


def test_labels_do_not_change_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All findings are the same with labels, without them, and with every reward turned round."""
    folder = tmp_path / "tau"
    assert execute(["import", "tau", str(airline_transcripts()), "--out", str(folder)]) == 0
    capsys.readouterr()

    def findings(*options: str) -> list[object]:
        assert execute(["check", str(folder), "--registry", str(FILE), "--json", *options]) == 1
        said: list[object] = json.loads(capsys.readouterr().out)["findings"]
        return said

    plain, labelled = findings(), findings("--labels")
    labels = folder / "labels.jsonl"
    turned = [json.loads(line) for line in labels.read_text().splitlines()]
    labels.write_text("".join(json.dumps(one | {"reward": 1 - one["reward"]}) + "\n" for one in turned))
    assert plain == labelled == findings("--labels")
    labels.unlink()
    assert findings() == plain
