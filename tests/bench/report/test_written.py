"""Markdown, JUnit XML and SARIF say what the result says, in words that their readers take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.sarif import LEVELS
from harness.bench.report.junit import junit_of
from harness.bench.report.markdown import markdown_of
from harness.bench.report.sarif import sarif_of
from tests.bench.report.made import ROWS, TRACES, stored

NASTY = st.text(st.characters(codec="utf-8"), max_size=12)


def cases(xml: str) -> dict[str, str]:
    """Give what JUnit says of each test: the tag of its child, or that it passed."""
    root = ElementTree.fromstring(xml)
    told = {}
    for case in root.iter("testcase"):
        told[f"{case.get('classname')} {case.get('name')}"] = case[0].tag if len(case) else "passed"
    return told


def test_junit_has_a_test_for_each_row_and_each_bar() -> None:
    """A failed task and a missed bar are failures; a broken measurement is an error, not a failure."""
    assert cases(junit_of([stored()])) == {
        "shop.figures correct": "passed",
        "shop.figures seconds": "failure",
        "shop.guarded.desk refund [1]": "passed",
        "shop.bare.desk refund [1]": "failure",
        "shop.guarded.desk cancel [1]": "passed",
        "shop.bare.desk cancel [1]": "failure",
        "shop.guarded.post weigh [1]": "skipped",
        "shop.bare.post weigh [1]": "error",
    }


def test_junit_counts_what_it_lists() -> None:
    """The totals of a suite, and of all suites, are those of their tests."""
    root = ElementTree.fromstring(junit_of([stored(), stored(name="desk")]))
    expected = {"tests": "8", "failures": "3", "errors": "1", "skipped": "1"}
    assert [{name: suite.get(name) for name in expected} for suite in root] == [expected, expected]
    assert {name: root.get(name) for name in expected} == {name: str(2 * int(n)) for name, n in expected.items()}


@given(NASTY, NASTY)
def test_junit_is_xml_whatever_rows_say(task: str, why: str) -> None:
    """Characters that XML cannot hold are replaced; the others come through."""
    root = ElementTree.fromstring(junit_of([stored([{"task": task, "passed": False, "why": why}], {})]))
    (case,) = root.iter("testcase")
    legal = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", task)
    assert case.get("name") == legal
    assert case[0].tag == "failure"


def test_markdown_tells_figures_failures_and_flips() -> None:
    """Bars that are missed are named, failed rows listed with their reasons, and flips where there are two results."""
    after = stored([ROWS[0], {**ROWS[1], "passed": True}, {**ROWS[2], "correct": False}, *ROWS[3:]], name="later")
    text = markdown_of([stored(), after])
    assert "| `seconds` | 2.5 s | 2.25 … 3 | \\<= 2 | **missed** |" in text
    assert "- refund · bare, seed 1: paid twice" in text
    assert "- weigh · bare, seed 1: OSError: no scale\n" in text
    assert "1 worse, 1 better, 4 as before." in text
    assert "- cancel · guarded, seed 1: passed → failed" in text


@given(NASTY, NASTY)
def test_a_row_stays_in_its_line_of_markdown(task: str, why: str) -> None:
    """No text of the data adds a line, a cell or markup to the page."""
    plain = markdown_of([stored([{"task": "t", "passed": False, "why": "w"}])])
    text = markdown_of([stored([{"task": f"t{task}", "passed": False, "why": f"w{why}"}])])
    assert len(text.split("\n")) == len(plain.split("\n"))
    (line,) = [line for line in text.split("\n") if line.startswith("- t")]
    assert not re.search(r"(?<!\\)(\\\\)*[<`|\[]", line)


def test_a_row_stays_in_its_cell_of_a_table() -> None:
    """A name with a backtick and a bar in it is one cell, as every other."""
    text = markdown_of([stored([{"task": "t", "condition": "a`|b", "passed": True}])])
    assert "| a\\`\\|b | 1/1 |" in text


@pytest.mark.parametrize("manifest", [None, [], {"suite": None}, {"suite": "shop"}])
def test_a_manifest_of_another_form_is_left_out(manifest: Any) -> None:
    """What others have written is reported as far as it can be read."""
    one = stored()
    assert markdown_of([one._replace(facts={**one.facts, "manifest": manifest})]) == markdown_of([one])


def results_of(log: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Check what SARIF 2.1.0 requires of a log, and yield its results."""
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"] for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert (result["kind"] == "fail") == (result["level"] != "none")
        (location,) = result["locations"]
        assert " " not in location["physicalLocation"]["artifactLocation"]["uri"]
        yield result


def test_sarif_has_missed_bars_broken_cells_and_violations() -> None:
    """What only the row tells stands at the result's file."""
    found = [(one["ruleId"], one["level"], one["message"]["text"]) for one in results_of(sarif_of([stored()], "1"))]
    assert found == [
        ("bench/bar", "error", "seconds is 2.5, and has to be <= 2."),
        ("CAP", "warning", "cancel · bare violates CAP."),
        ("bench/measured", "warning", "weigh · bare: OSError: no scale\nat all"),
    ]


@pytest.mark.parametrize("name", ["bank", "team"])
def test_sarif_points_at_the_line_of_the_trace(name: str) -> None:
    """A violation of a trace stands where its verdict does, at the level of its severity."""
    (trace,) = [path for path in TRACES if path.name.startswith(f"{name}.")]
    row = {"task": "t", "passed": False, "trace": trace.name, "violations": ["ONLY-SAID"]}
    found = list(results_of(sarif_of([stored([row], {}, folder=trace.parent)], "1")))
    lines = trace.read_text(encoding="utf-8").splitlines()
    *traced, said = found
    assert said["ruleId"] == "ONLY-SAID"
    assert len(traced) == sum('"kind":"verdict"' in line for line in lines)
    for one in traced:
        place = one["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == trace.as_uri()
        line = lines[place["region"]["startLine"] - 1]
        assert f'"rule":"{one["ruleId"]}"' in line
        assert any(f'"severity":"{key}"' in line for key, level in LEVELS.items() if level == one["level"])


def test_sarif_of_a_trace_that_is_gone_keeps_what_the_row_says(tmp_path: Path) -> None:
    """A report can be made where only the result is."""
    row = {"task": "t", "passed": False, "trace": "gone.mat.jsonl", "violations": ["CAP"]}
    assert [one["ruleId"] for one in results_of(sarif_of([stored([row], {}, folder=tmp_path)], "1"))] == ["CAP"]
