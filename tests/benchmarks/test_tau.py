"""How write calls are held against gold actions, and what comes out on real conversations."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.real import tau as benchmark
from benchmarks.suites.tau import SUITE
from benchmarks.suites.tau.counts import shares_of, truths_of
from benchmarks.suites.tau.data import FOLDER
from benchmarks.suites.tau.figures import figures_of
from benchmarks.suites.tau.writes import Run, judged
from harness.adapters.transcripts import tau
from harness.bench.runner import run_cells
from harness.errors import UsageError
from harness.registry.load import load
from harness.registry.registry import Registry
from tests.real_data import airline_transcripts

RULES = """
registry: shop
version: 1
default: allow
tools:
  pay: {effect: write}
  look: {effect: read}
invariants:
  - {id: LIMIT, on: action, tool: pay, require: call.args.cents <= 9, otherwise: block}
  - {id: ASK, on: action, tool: pay, require: call.args.cents != 7, otherwise: escalate}
"""
SHOP = load(RULES, "shop.yaml")


def talk(*calls: tuple[str, dict[str, Any], str | None], call_id: str | None = None) -> list[dict[str, Any]]:
    """Give the messages of some calls and their answers; an answer None is missing."""
    messages: list[dict[str, Any]] = []
    for number, (name, arguments, answer) in enumerate(calls):
        one = {"id": call_id or f"c{number}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [one]})
        if answer is not None:
            messages.append({"role": "tool", "tool_call_id": one["id"], "content": answer})
    return messages


def run_of(tmp_path: Path, messages: list[dict[str, Any]], gold: list[Any], registry: Registry = SHOP) -> Run:
    """Judge one conversation of tau-bench's format."""
    said = {"task_id": 1, "trial": 0, "reward": 0.0, "info": {"task": {"actions": gold}}, "traj": messages}
    source = tmp_path / "talk.json"
    source.write_text(json.dumps([said]))
    (run,) = judged(tau.conversations(source), registry)
    return run


def test_each_write_is_right_wrong_refused_or_open(tmp_path: Path) -> None:
    """Equal name and arguments make a call right, a refusal of the tool makes it refused, no answer leaves it open."""
    gold = [{"name": "pay", "kwargs": {"cents": 1, "to": ["a", "b"]}}]
    calls = talk(
        ("pay", {"to": ["a", "b"], "cents": 1}, "ok"),
        ("pay", {"to": ["b", "a"], "cents": 1}, "ok"),
        ("pay", {"to": ["a", "b"], "cents": "1"}, "ok"),
        ("pay", {"to": ["a", "b"], "cents": 1}, "Error: no"),
        ("look", {"cents": 1}, "ok"),
        ("pay", {"to": ["a", "b"], "cents": 1}, None),
    )
    truths = [write.truth for write in run_of(tmp_path, calls, gold).writes]
    assert truths == ["right", "wrong", "wrong", "refused", "open"]


def test_a_repeated_id_does_not_mix_answers(tmp_path: Path) -> None:
    """Two calls of one id keep their own answers."""
    calls = talk(("pay", {"cents": 1}, "Error: no"), ("pay", {"cents": 2}, "ok"), call_id="same")
    assert [write.truth for write in run_of(tmp_path, calls, []).writes] == ["refused", "wrong"]


def test_a_decision_is_the_doors(tmp_path: Path) -> None:
    """Blocking rules stop, escalating ones ask, and a rule that cannot be decided stops a write."""
    calls = talk(
        ("pay", {"cents": 10}, "ok"), ("pay", {"cents": 7}, "ok"), ("pay", {"cents": 1}, "ok"), ("pay", {}, "ok")
    )
    writes = run_of(tmp_path, calls, []).writes
    assert [write.decision for write in writes] == ["block", "escalate", "allow", "block"]
    assert [write.against for write in writes] == [("LIMIT",), (), (), ()]
    assert [write.undecided for write in writes] == [(), (), (), ("LIMIT",)]


def test_violations_are_found_by_the_number_of_the_message(tmp_path: Path) -> None:
    """A call counts to the message that makes it; messages count from 1."""
    run = run_of(tmp_path, talk(("look", {}, "ok"), ("pay", {"cents": 10}, "ok")), [])
    assert {number: rules for number, rules in run.violated.items() if rules} == {3: {"LIMIT"}}


def test_figures_count_what_they_say(tmp_path: Path) -> None:
    """Precision, recall and false blocks of four calls, by hand."""
    gold = [{"name": "pay", "kwargs": {"cents": cents}} for cents in (10, 1)]
    calls = talk(
        ("pay", {"cents": 10}, "ok"),  # right, stopped
        ("pay", {"cents": 11}, "ok"),  # wrong, stopped
        ("pay", {"cents": 7}, "ok"),  # wrong, asked about
        ("pay", {"cents": 1}, "ok"),  # right, let through
    )
    runs = [run_of(tmp_path, calls, gold)]
    found = {"writes": truths_of(runs), "shares": shares_of(runs), "failure_shares": {}}
    figures = dict(figures_of("airline", found))
    values = {name.removeprefix("airline_"): figure.value for name, figure in figures.items()}
    assert (values["right"], values["wrong"], values["refused"]) == (2, 2, 0)
    assert (values["precision"], values["recall"], values["false_block"]) == (0.5, 0.5, 0.5)
    assert (values["asked_of_right"], values["run_precision"], values["run_recall"]) == (0, 1, 1)


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """Give what the benchmark prints for the real conversations."""
    folder = airline_transcripts().parents[1]
    printed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tau", "--data", str(folder), "--json"])
        patch.setattr("builtins.print", printed.append)
        benchmark.main()
    told: dict[str, Any] = json.loads(printed[0])
    return told


def test_the_bar_is_met_on_real_conversations(real: dict[str, Any]) -> None:
    """Blocking rules are right in at least 95 of 100 of the write calls they stop, and stop more than the naive 23."""
    for data in ("airline", "retail"):
        assert real["figures"][f"{data}_precision"]["ok"] is True
        assert real["figures"][f"{data}_recall"]["value"] >= 0.45


def test_every_rule_prints_its_false_blocks(real: dict[str, Any]) -> None:
    """Each row of a rule holds the share of right calls it speaks against, with both intervals."""
    rows = [row for row in real["rows"] if "rule" in row]
    assert len(rows) > 100
    for row in rows:
        for low, high in (row["false_block_wilson"], row["false_block_by_task"]):
            assert 0 <= low <= row["false_block"] <= high + 5e-4


@pytest.mark.parametrize("data", ["airline", "retail"])
def test_the_documented_figures_are_those_of_the_benchmark(real: dict[str, Any], data: str) -> None:
    """``docs/airline.md`` and ``docs/retail.md`` show the counts of each rule that stopped or asked about a call."""
    shown = (Path(__file__).parents[2] / "docs" / f"{data}.md").read_text()
    documented = {name: tuple(map(int, counts)) for name, *counts in re.findall(_ROW, shown)}
    found = {
        row["rule"]: (row["wrong"], row["refused"], row["right"])
        for row in real["rows"]
        if row["data"] == data and "rule" in row
    }
    assert len(documented) > 5
    assert documented == {name: counts for name, counts in found.items() if name in documented}
    assert {name for name, counts in found.items() if any(counts)} <= set(documented)


def test_the_suite_gives_the_figures_of_the_benchmark(real: dict[str, Any]) -> None:
    """``harness bench run tau`` reports what ``python -m benchmarks.real.tau`` does, set by set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(airline_transcripts().parents[1]))
        result = run_cells(SUITE, SUITE.cells())
    assert not result.broken
    said = {name: {**figure._asdict(), "ok": figure.ok} for name, figure in SUITE.figures(result.rows).items()}
    assert json.loads(json.dumps(said)) == real["figures"]


@pytest.mark.parametrize("named", ["", "nowhere"])
def test_without_conversations_nothing_is_measured(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder is named, or a file is missing, each cell says so and none counts as a failure."""
    monkeypatch.setenv(FOLDER, named and str(tmp_path / named))
    with pytest.raises(UsageError, match=FOLDER):
        SUITE.ready()
    result = run_cells(SUITE, SUITE.cells())
    assert not result.rows
    assert [one.cell.task.name for one in result.broken] == [task.name for task in SUITE.tasks]
    assert all(FOLDER in one.error for one in result.broken)


_ROW = re.compile(r"^\| `?([^|`]+?)`? \| (?:block|escalate|) ?\| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
