"""What a case rests on is looked at again: registries, traces, figures and bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bench.case.evidence import figure_finding
from harness.bench.case.results import Result
from harness.bench.figures import Figure, counted
from harness.determinism.canonical import digest
from harness.errors import CaseError
from tests.bench.case.parts import judged, record, write_registry, write_result

CASE = """\
case: refunds
goals:
  G: {says: Refunds stay small, rule: {registry: shop.yaml, id: CAP, digest: RULES}, by: [E]}
evidence:
  E: {says: A run, trace: {file: run.mat.jsonl, digest: TRACE}}
"""


def found(folder: Path, rules: str, trace: str) -> dict[str, tuple[str, str]]:
    """Judge the case with these digests; the status of each element, and why."""
    text = CASE.replace("RULES", rules).replace("TRACE", trace)
    return {name: (one.status, one.told) for name, one in judged(folder, text).findings.items()}


def test_a_run_that_kept_the_rule_supports_it(tmp_path: Path) -> None:
    """The trace is judged again by the rule of the goal that it is evidence of."""
    rules = write_registry(tmp_path)
    told = found(tmp_path, rules, f"sha256:{record(tmp_path, 5, 7)}")
    assert told == {"G": ("supported", ""), "E": ("supported", "CAP was asked 2×, violated 0×")}


def test_a_violation_that_was_stopped_does_not_count_against_the_rule(tmp_path: Path) -> None:
    """A call that the door blocked did not happen; one that was only observed did."""
    rules = write_registry(tmp_path)
    told = found(tmp_path, rules, record(tmp_path, 5, 700))
    assert told["E"] == ("supported", "CAP was asked 2×, violated 1×, of which 1 stopped at the door")
    rules = write_registry(tmp_path, "observe")
    (tmp_path / "run.mat.jsonl").unlink()
    told = found(tmp_path, rules, record(tmp_path, 5, 700))
    assert told["E"] == ("unsupported", "CAP was asked 2×, violated 1×, of which 0 stopped at the door")
    assert told["G"] == ("unsupported", "E is unsupported")


def test_a_rule_that_never_spoke_is_not_supported_by_silence(tmp_path: Path) -> None:
    """A trace in which nothing asked the rule says nothing about it."""
    rules = write_registry(tmp_path)
    assert found(tmp_path, rules, record(tmp_path))["E"] == ("inconclusive", "CAP never spoke in this trace")


def test_what_has_changed_is_stale(tmp_path: Path) -> None:
    """Another registry, another trace: each is told with the digest that it has now, and the goal is not fresh."""
    rules, trace = write_registry(tmp_path), record(tmp_path, 5)
    told = found(tmp_path, "a" * 64, trace)
    assert told["G"] == ("stale", f"the registry has changed: it is sha256:{rules} now")
    told = found(tmp_path, rules, "a" * 64)
    assert told["E"][0] == told["G"][0] == "stale"
    assert f"sha256:{trace} now" in told["E"][1]


def test_what_is_not_pinned_is_inconclusive(tmp_path: Path) -> None:
    """Without a digest nobody would notice a change; the one to write down is told."""
    rules, trace = write_registry(tmp_path), record(tmp_path, 5)
    text = CASE.replace(", digest: RULES", "").replace(", digest: TRACE", "")
    findings = judged(tmp_path, text).findings
    assert findings["G"].status == findings["E"].status == "inconclusive"
    assert f"digest: sha256:{rules}" in findings["G"].told
    assert f"digest: sha256:{trace}" in findings["E"].told


def test_a_trace_that_was_edited_supports_nothing(tmp_path: Path) -> None:
    """A changed byte is found, and the line is told."""
    rules, trace = write_registry(tmp_path), record(tmp_path, 5)
    file = tmp_path / "run.mat.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"cents":5', b'"cents":6'))
    told = found(tmp_path, rules, trace)
    assert told["E"][0] == "unsupported"
    assert "not the trace that was written" in told["E"][1]


def test_a_trace_that_was_cut_off_is_inconclusive(tmp_path: Path) -> None:
    """Without its last line the end may be missing, and with it a violation."""
    rules, trace = write_registry(tmp_path), record(tmp_path, 5)
    file = tmp_path / "run.mat.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    status, told = found(tmp_path, rules, trace)["E"]
    assert (status, told.split(";")[0]) == ("inconclusive", "the run was cut off: the end may be missing")


def test_a_trace_of_no_rule_is_taken_by_its_verdict(tmp_path: Path) -> None:
    """Evidence of a goal that names no rule is the verdict that the run ended with."""
    write_registry(tmp_path, "observe")
    text = "case: c\ngoals: {G: {says: x, by: [E]}}\nevidence: {E: {says: y, trace: {file: F, digest: D}}}\n"
    for amount, status in ((5, "supported"), (700, "unsupported")):
        trace = record(tmp_path, amount, name=str(amount))
        case = text.replace("F", f"'{amount}.mat.jsonl'").replace("D", trace)
        assert judged(tmp_path, case).status == status


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: CAP", "id: CAPP", "3: CAPP: shop.yaml has no rule of that name"),
        ("registry: shop.yaml", "registry: shopp.yaml", "3: shopp.yaml: no such registry"),
        ("file: run", "file: ran", "5: ran.mat.jsonl: no such trace"),
    ],
)
def test_what_is_not_there_is_a_mistake_of_the_case(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A rule, a registry or a file that does not exist is told with the line that names it."""
    write_registry(tmp_path)
    record(tmp_path, 5)
    text = CASE.replace(", digest: RULES", "").replace(", digest: TRACE", "").replace(old, new)
    with pytest.raises(CaseError) as error:
        judged(tmp_path, text)
    assert [f"{one.line}: {one.message}" for one in error.value.mistakes] == [said]


# --- figures and bounds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "target", "status"),
    [
        (counted(19, 20, ">= 15"), "", "supported"),
        (counted(14, 20, ">= 15"), "", "unsupported"),
        (counted(19, 20), "", "inconclusive"),
        (counted(19, 20), ">= 15", "supported"),
        (counted(19, 20), ">= 18", "inconclusive"),
        (counted(17, 20), ">= 18", "unsupported"),
        (Figure(20, "1"), "== 20", "supported"),
        (Figure(3, "ms", (2, 9)), "<= 5", "inconclusive"),
    ],
)
def test_a_figure_is_compared_with_its_bar(figure: Figure, target: str, status: str) -> None:
    """A suite's bar is met by the value; a bar of the case by the whole interval, or it is not decided."""
    result = Result("sums", "0" * 64, 1, {"correct": figure}, ())
    assert figure_finding({"result": "r", "name": "correct", "target": target}, result).status == status


BOUND = """\
case: rates
goals: {G: {says: Few fail, by: [E]}}
evidence:
  E: {says: Last winter, bound: {result: result.json, profile: {easy: 0.9, hard: 0.1}, at_most: MOST, digest: D}}
"""


def rows_of(easy: int, hard: int) -> list[dict[str, Any]]:
    """Give a hundred rows of each group of which so many failed, and some that do not count."""
    rows = [{"group": "easy", "condition": "us", "passed": at >= easy} for at in range(100)]
    rows += [{"group": "hard", "condition": "us", "passed": at >= hard} for at in range(100)]
    return [*rows, {"group": "other", "condition": "us", "passed": False}]


@pytest.mark.parametrize(("at_most", "status"), [(0.2, "supported"), (0.055, "inconclusive"), (0.01, "unsupported")])
def test_a_bound_is_compared_with_what_is_allowed(tmp_path: Path, at_most: float, status: str) -> None:
    """One hard task in two fails, and one task in ten is hard: that is 0.05 as observed, and more as bounded."""
    write_result(tmp_path, rows_of(0, 50))
    pin = digest((tmp_path / "result.json").read_bytes())
    finding = judged(tmp_path, BOUND.replace("MOST", str(at_most)).replace("D}", f"'{pin}'}}")).findings["E"]
    assert finding.status == status
    assert finding.facts["observed"] == pytest.approx(0.05)
    assert finding.facts["observed"] < finding.facts["bound"] < 0.12
    assert finding.facts["cells"]["hard"] == {"weight": 0.1, "failures": 50, "trials": 100}


def test_a_run_before_its_end_decides_nothing(tmp_path: Path) -> None:
    """What was scored of a run that was cut off is not conclusive, however good."""
    write_result(tmp_path, rows_of(0, 0))
    file = tmp_path / "result.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"manifest": {"unfinished": True}}))
    finding = judged(tmp_path, BOUND.replace("MOST", "0.5").replace("D}", f"'{digest(file.read_bytes())}'}}"))
    assert finding.findings["E"].status == "inconclusive"
    assert finding.findings["E"].told.startswith("the run has not come to its end")


def test_cells_that_could_not_be_measured_are_told(tmp_path: Path) -> None:
    """They are no failures, and evidence that lacks them is not conclusive."""
    write_result(tmp_path, [*rows_of(0, 0), {"group": "hard", "condition": "us", "infrastructure": "no server"}])
    pin = digest((tmp_path / "result.json").read_bytes())
    finding = judged(tmp_path, BOUND.replace("MOST", "0.5").replace("D}", f"'{pin}'}}")).findings["E"]
    assert finding.status == "inconclusive"
    assert finding.told.startswith("1 of 202 cells could not be measured; failure rate 0, at most 0.0")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hard: 0.1", "hart: 0.1", "no row of result.json is of the group 'hart'"),
        ("hard: 0.1", "hard: 0.2", "the weights of a profile add up to 1.1"),
        ("at_most", "passed: right, at_most", "a row says nothing true or false of right"),
        ("result: result.json", "result: nowhere", "cannot be read"),
    ],
)
def test_a_bound_on_what_is_not_there_is_a_mistake(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A cell without rows, weights that are none, rows that do not say, and a result that is nowhere are told."""
    write_result(tmp_path, rows_of(0, 0))
    text = BOUND.replace("MOST", "0.5").replace(", digest: D", "").replace(old, new)
    with pytest.raises(CaseError, match=said):
        judged(tmp_path, text)
