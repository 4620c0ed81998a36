"""What recorded conversations say of their agents, by hand on small ones, and on the real ones."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import pytest

from benchmarks.real import tau as benchmark
from benchmarks.suites.tau import SUITE
from benchmarks.suites.tau.traced import Traced
from harness import check
from harness.adapters.files import open_trace
from harness.bench.figures import Figure
from harness.bench.runner import run_cells
from harness.bench.suite import with_data
from harness.bench.task import Row
from harness.review.findings import recorded_findings
from tests.benchmarks.tau_talks import AIRLINE, ASKS, SHOP, conversation, folder_of, judged_by, said, talk
from tests.real_data import airline_transcripts


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
    truths = [write.truth for write in judged_by(tmp_path, calls, gold).writes]
    assert truths == ["right", "wrong", "wrong", "refused", "open"]


def test_a_repeated_id_does_not_mix_answers(tmp_path: Path) -> None:
    """Two calls of one id keep their own answers."""
    calls = talk(("pay", {"cents": 1}, "Error: no"), ("pay", {"cents": 2}, "ok"), call_id="same")
    assert [write.truth for write in judged_by(tmp_path, calls, []).writes] == ["refused", "wrong"]


def test_a_decision_is_the_doors(tmp_path: Path) -> None:
    """Blocking rules stop, escalating ones ask, and a rule that cannot be decided stops a write."""
    calls = talk(
        ("pay", {"cents": 10}, "ok"), ("pay", {"cents": 7}, "ok"), ("pay", {"cents": 1}, "ok"), ("pay", {}, "ok")
    )
    writes = judged_by(tmp_path, calls, []).writes
    assert [write.decision for write in writes] == ["block", "escalate", "allow", "block"]
    assert [write.against for write in writes] == [("LIMIT",), (), (), ()]
    assert [write.undecided for write in writes] == [(), (), (), ("LIMIT",)]


def test_violations_are_found_by_the_number_of_the_message(tmp_path: Path) -> None:
    """A call counts to the message that makes it; messages count from 1."""
    found = judged_by(tmp_path, talk(("look", {}, "ok"), ("pay", {"cents": 10}, "ok")), [])
    assert {number: rules for number, rules in found.violated.items() if rules} == {3: {"LIMIT"}}


def test_each_verdict_stands_behind_its_event(tmp_path: Path) -> None:
    """The trace of a row holds the conversation and what its registry says of it, as ``harness check`` would."""
    calls = talk(("pay", {"cents": 10}, "ok"), ("look", {}, "ok"), ("pay", {}, "ok"))
    one = conversation(tmp_path, calls)
    traced = Traced(one, SHOP)
    events = [event for event, _ in traced.judged()]
    (tmp_path / "one.mat.jsonl").write_bytes(traced.trace)
    with open_trace(tmp_path / "one.mat.jsonl") as reader:
        written = list(reader)
        assert reader.footer is not None
        assert reader.footer.verdict == "violated"
    assert [event for event in written if event.kind != "verdict"] == events[:-1]
    assert [(event.kind, event.body.get("message")) for event in events[:-1]] == [
        (event.kind, event.body.get("message")) for event in one.events
    ]
    found, anew = (
        [(one.seq, one.verdict.rule, one.verdict.truth, one.verdict.evidence) for one in findings]
        for findings in (recorded_findings(written), check(tmp_path / "one.mat.jsonl", registry=SHOP).findings)
    )
    assert found == anew
    assert [rule for _, rule, *_ in found] == ["LIMIT", "LIMIT", "ASK"]


def test_the_benchmark_tells_each_rule_and_each_annotated_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``python -m benchmarks.real.tau`` prints the figures of the suite, and a row for each rule and failure."""
    talked = [AIRLINE, ASKS, *talk(("cancel_reservation", {"reservation_id": "ABC12D"}, "ok"))]
    failure = {"step_number": 3, "failed_agent": "Assistant", "failure_category": "Guess"}
    files = {
        "agentrx/talks.json": [said(talked)],
        "agentrx/step_annotations.json": [{"trajectory_id": 1, "failures": [failure], "root_cause": None}],
    }
    monkeypatch.setattr(sys, "argv", ["tau", "--data", str(folder_of(tmp_path, files)), "--json"])
    benchmark.main()
    told = json.loads(capsys.readouterr().out)
    rows = {row.get("rule") or row["failure"]: row for row in told["rows"]}
    assert rows["all that block"]["wrong"] == 1
    assert rows["1:3"]["violated"]
    assert told["figures"]["agentrx_noticed"]["value"] == 1


class Real(NamedTuple):
    """What the suite finds in the real conversations."""

    rows: Sequence[Row]
    figures: Mapping[str, Figure]
    detailed: list[dict[str, Any]]


@pytest.fixture(scope="module")
def real() -> Real:
    """Judge the real conversations."""
    suite = with_data(SUITE, airline_transcripts().parents[1])
    result = run_cells(suite, suite.cells())
    assert not result.broken
    return Real(result.rows, suite.figures(result.rows), list(benchmark.detailed(result.rows)))


def test_the_bar_is_met_on_real_conversations(real: Real) -> None:
    """Blocking rules are right in at least 95 of 100 of the write calls they stop, and stop more than the naive 23."""
    for data in ("airline", "retail"):
        assert real.figures[f"{data}_precision"].ok is True
        assert real.figures[f"{data}_recall"].value >= 0.45


def test_every_rule_prints_its_false_blocks(real: Real) -> None:
    """Each row of a rule holds the share of right calls it speaks against, with both intervals."""
    rows = [row for row in real.detailed if "rule" in row]
    assert len(rows) > 100
    for row in rows:
        for low, high in (row["false_block_wilson"], row["false_block_by_task"]):
            assert 0 <= low <= row["false_block"] <= high + 5e-4


@pytest.mark.parametrize("data", ["airline", "retail"])
def test_the_documented_figures_are_those_of_the_benchmark(real: Real, data: str) -> None:
    """``docs/airline.md`` and ``docs/retail.md`` show the counts of each rule that stopped or asked about a call."""
    shown = (Path(__file__).parents[2] / "docs" / f"{data}.md").read_text()
    documented = {name: tuple(map(int, counts)) for name, *counts in re.findall(_ROW, shown)}
    found = {
        row["rule"]: (row["wrong"], row["refused"], row["right"])
        for row in real.detailed
        if row["data"] == data and "rule" in row
    }
    assert len(documented) > 5
    assert documented == {name: counts for name, counts in found.items() if name in documented}
    assert {name for name, counts in found.items() if any(counts)} <= set(documented)


def test_the_page_shows_what_the_suite_finds(real: Real) -> None:
    """The table of ``docs/tau.md`` is that of the figures, with their intervals, and so is what it says of GPT-4o."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {name for name, *_ in rows} == {row.cell.task.group for row in real.rows}
    for name, conversations, shares in rows:
        assert int(conversations) == real.figures[f"{name}_conversations"].value
        for share, shown in zip(("success", "recovered", "repeated", "unsupported"), shares.split("|"), strict=True):
            figure = real.figures.get(f"{name}_{share}")
            assert shown.strip() == (shown_share(figure) if figure else "")
    assert shown_share(real.figures["airline_pass_4"]).replace(" [", " % [") in PAGE


def shown_share(figure: Figure) -> str:
    """Give a share as the page does."""
    low, high = figure.interval or (0, 0)
    return f"{100 * figure.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def test_the_page_compares_what_the_suite_finds(real: Real) -> None:
    """Of two agents of tau2-bench as many tasks were passed, lost and gained as the example of the page shows."""
    passed = {(row.cell.condition.name[:2], row.cell.task.name): row.found["passed"] for row in real.rows}
    tasks = [task for agent, task in passed if agent == "ft"]
    before, after = ([passed[agent, task] for task in tasks] for agent in ("gp", "ft"))
    shares = f"{100 * fmean(before):.3g} % → {100 * fmean(after):.3g} %"
    changes = [other - one for one, other in zip(before, after, strict=True)]
    flips = f"{changes.count(-1)} +{changes.count(1)}"
    assert re.search(rf"ft:gpt-4.1-…\s+{len(tasks)}\s+{shares} .* {flips} +better or equal", PAGE)


PAGE = (Path(__file__).parents[2] / "docs" / "tau.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `?([^|`]+?)`? \| (?:block|escalate|) ?\| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
