"""``harness contain``, run in this process on traces that ``harness run`` has recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from examples.catalogue import fresh
from harness.cli import execute


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")


def recorded(folder: Path, job: str, fault: str = "") -> str:
    """Record a job of the shop, under one fault or none, and give the trace."""
    trace = folder / f"{job}{'-struck' if fault else ''}.mat.jsonl"
    plan = folder / "faults.yaml"
    plan.write_text(f"faults: one\ninject: [{{{fault}}}]", encoding="utf-8")
    fresh()
    options = ["--faults", str(plan)] if fault else []
    execute(["run", "examples.catalogue:shop", "--input", json.dumps({"job": job}), "--trace", str(trace), *options])
    return str(trace)


def test_a_fault_that_is_gone_around_is_contained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the clean trace the database is seen to stand in for the cache."""
    struck = recorded(tmp_path, "serve", "fault: empty, tool: read_cache, nth: 1")
    clean = recorded(tmp_path, "serve")
    capsys.readouterr()
    assert execute(["contain", struck, "--clean", clean, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["counts"] == dict.fromkeys(facts["counts"], 1)
    assert (facts["of_injected"], facts["of_effective"]) == (1, 1)
    (one,) = facts["faults"]
    assert (one["detected"]["how"], one["mitigated"]["how"]) == ("agent", "alternate")
    assert execute(["contain", struck, "--clean", clean]) == 0
    assert re.search(r"contained: detected agent \(seq:\d+, \+1\); mitigated alternate", capsys.readouterr().out)


def test_a_fault_that_breaks_a_rule_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folders are looked through; the table names the rule."""
    recorded(tmp_path, "refresh", "fault: timeout, tool: query_database, nth: 1")
    recorded(tmp_path, "refresh")
    capsys.readouterr()
    assert execute(["contain", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "NOT contained: detected caller" in said
    assert "breaks PRICES-SHOWN" in said
    assert "1 injected, 1 fired, 1 effective, 1 detected, 0 mitigated, 0 contained, 0 unharmed" in said


def test_an_answer_that_cannot_be_judged_exits_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a call in doubt nobody knows whether it has failed, and so the rule is unknown."""
    struck = recorded(tmp_path, "serve", "fault: timeout, tool: read_cache, nth: 1")
    capsys.readouterr()
    assert execute(["contain", struck]) == 3
    assert "not to be judged by PRICES-SHOWN" in capsys.readouterr().out


def test_without_an_effective_fault_nothing_is_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that struck nothing is inconclusive, a trace without faults a mistake."""
    missed = recorded(tmp_path, "serve", "fault: timeout, tool: fill_cache")
    capsys.readouterr()
    assert execute(["contain", missed]) == 3
    assert "struck nothing" in capsys.readouterr().out
    assert execute(["contain", recorded(tmp_path, "refresh")]) == 2
    assert "cure" in capsys.readouterr().err
