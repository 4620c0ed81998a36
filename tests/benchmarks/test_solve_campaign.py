"""The campaigns about the solver in short: they run, they are about something, and nothing is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.fuzz.solve.sets import registry_text, versions
from harness.registry.load import load

ROOT = Path(__file__).parents[2]


def campaign(name: str, *arguments: str) -> tuple[int, dict[str, Any], list[Any]]:
    """Run a campaign in a process of its own: its exit code, its figures, its rows."""
    command = [sys.executable, "-m", f"benchmarks.fuzz.solve.{name}", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    return done.returncode, {key: figure["value"] for key, figure in told["figures"].items()}, told["rows"]


def test_sets_are_decided_and_confirmed() -> None:
    """Of the pressure vessels and pumps, each version is solved, and each truth is confirmed before."""
    code, figures, rows = campaign("sets_campaign", "--confirm", "--only", "p")
    assert (code, figures["wrong"], figures["not_confirmed"]) == (0, 0, 0), rows
    assert figures["versions"] == figures["solved"] + figures["unknown"] >= 40
    assert figures["confirmed_by_point"] == figures["feasible"] >= 20
    assert figures["median_ms"] <= figures["p90_ms"]


def test_spoilt_certificates_are_told_apart() -> None:
    """Two hundred of them: most are rejected, some are proofs still, and none is taken for one that it is not."""
    code, figures, rows = campaign("certificates", "--count", "200", "--problems", "30", "--seed", "7")
    assert (code, rows) == (0, [])
    assert figures["mutations"] == 200
    assert figures["accepted_and_proved"] > 0
    assert figures["rejected"] > 150
    assert figures["accepted_without_proof"] == figures["twins_passed"] == 0
    assert figures["twins"] == figures["problems"] >= 20


def test_values_are_enclosed() -> None:
    """Sixty terms at a hundred points each, with conditions that some of the points meet."""
    code, figures, rows = campaign("enclosure", "--count", "60", "--seed", "7")
    assert (code, rows) == (0, [])
    assert (figures["expressions"], figures["points"]) == (60, 6_000)
    seen = ("undefined", "balls_slopes", "floats_slopes", "boxes_narrowed", "boxes_refuted", "points_that_meet")
    assert min(figures[name] for name in seen) > 20


def test_a_case_is_the_same_every_time() -> None:
    """A number and a seed make one certificate, and one term."""
    for name, *options in (("certificates", "--problems", "4"), ("enclosure",)):
        one, two = (campaign(name, "--only", "3", "--seed", "5", *options)[1] for _ in range(2))
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_every_set_is_a_registry() -> None:
    """Each version loads as it is written, with all its rules and parameters, names made paths."""
    for version in versions():
        registry = load(registry_text(version), "set.yaml")
        assert [rule.id for rule in registry.invariants] == list(version.rules)
        assert list(registry.parameters) == list(version.parameters)
