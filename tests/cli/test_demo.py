"""The tour: everything it shows really happens, and its exit code says so."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_cli import facts, program
from tests.inner import PYTEST


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give the folder in which the tour was made, and what it printed."""
    folder = tmp_path_factory.mktemp("tour")
    done = program(folder, "demo")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_tour_shows_what_happened(tmp_path: Path) -> None:
    """A payment whose tool is down is healed without a model and paid once, by another tool; the replay is equal."""
    said = facts(program(tmp_path, "demo", "--json"))
    assert said["heal"] | {"replan_ms": 0} == {
        "down": "refund",
        "path": ["razorpay"],
        "served": True,
        "model_calls": 0,
        "replan_ms": 0,
    }
    assert 0 < said["heal"]["replan_ms"] < 1000
    ledger = (tmp_path / "harness-demo" / "ledger.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in ledger] == [{"order_id": "W-77", "amount_cents": 20_000}]
    assert (said["payments"], said["rule"], said["blocked"]) == (1, "REFUND-LIMIT", True)
    assert said["recorded_digest"] == said["replayed_digest"]
    assert said["tamper_detected"]
    assert said["divergence"]["pointer"] == "/messages/0/content"
    assert said["counterexample"]["input"] == {"orders": ["W-77"]}


def test_what_the_tour_found_is_red(tour: tuple[Path, str]) -> None:
    """The test that is written fails, because the clerk is not mended, and says what the clerk did."""
    folder = tour[0] / "harness-demo"
    done = subprocess.run([*PYTEST, "test_found.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 failed" in done.stdout) == (1, True)
    assert "OUTCOME-ASKED" in done.stdout


def test_the_tour_is_numbered(tour: tuple[Path, str]) -> None:
    """Seven parts, each with its line; what is printed at the end can be run."""
    folder, printed = tour
    parts = ["record", "block", "heal", "replay", "tamper", "diverge", "shrink"]
    numbered = re.findall(r"^(\d) (\w+)", printed, re.MULTILINE)
    assert numbered == [(str(at), name) for at, name in enumerate(parts, start=1)]
    healed = r"stripe, behind refund, is down → razorpay   0 model calls, planned again in \d+\.\d\d ms, 1 payment"
    assert re.search(healed, printed)
    *_, drawn = [line.strip() for line in printed.splitlines()[-1].removeprefix("Next:").split("·")]
    assert drawn.split()[:2] == ["harness", "show"]
    assert program(folder, *drawn.split()[1:]).returncode == 0
    assert "razorpay served" in (folder / "routes.svg").read_text("utf-8")
