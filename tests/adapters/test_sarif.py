"""SARIF logs: what the standard requires, and places that are the right ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.adapters.sarif import sarif_of_check, sarif_of_lint, write_sarif
from harness.assertion.report import check
from harness.errors import UsageError
from harness.registry.load import load
from harness.review.lint.lint import lint
from harness.review.summary import Judged
from tests.review.registries import SHIPPED, events, linted

RULES = """\
registry: shop
version: 1
default: refuse
tools:
  pay: {arguments: {type: object, required: [n], properties: {n: {type: integer, maximum: 9}, m: {type: boolean}}}}
invariants:
  - id: NEVER
    title: Never
    on: action
    tool: pay
    require: >-
      step >= 0 and
      call.args.n > 9
    severity: high
    otherwise: block
  - {id: ONCE, on: action, tool: pay, severity: low,
     require: 'count(action, call.args.n != now.call.args.n) < 1 or call.args.m'}
"""


def required(log: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Check what SARIF 2.1.0 requires of a log, and yield its results."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert set(run) <= {"tool", "columnKind", "results"}
    assert run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["semanticVersion"]) == ("harness", "1.2.3")
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule.get("defaultConfiguration", {"level": "error"})["level"] in ("error", "warning", "note")
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert (result.get("kind", "fail") == "fail") == (result["level"] != "none")  # 3.27.10 of the standard
        assert all(type(value) is str for value in result["partialFingerprints"].values())
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            place = location["physicalLocation"]
            assert " " not in place["artifactLocation"]["uri"]
            region = place.get("region", {"startLine": 1})
            assert region["startLine"] >= 1
            assert region.get("endColumn", 2) > region.get("startColumn", 1) >= 1
        yield result


def test_lint_points_at_the_text() -> None:
    """The region of a finding holds the expression, in the line and column where it stands in the YAML."""
    lines = RULES.split("\n")
    results = list(required(sarif_of_lint(lint(load(RULES, "my shop/r.yaml")), "1.2.3")))
    shown = {}
    for result in results:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "my%20shop/r.yaml"
        region = place["region"]
        line = lines[region["startLine"] - 1]
        assert region["snippet"]["text"] == line.rstrip()
        shown[result["ruleId"], result["properties"]["rule"]] = line[
            region["startColumn"] - 1 : region["endColumn"] - 1
        ]
    assert shown["unbounded-cost", "ONCE"] == "call.args.n != now.call.args.n"
    assert shown["no-says", "NEVER"] == "NEVER"
    assert shown["never-satisfiable", "NEVER"].strip() == "step >= 0 and"
    levels = {result["ruleId"]: result["level"] for result in results}
    assert (levels["never-satisfiable"], levels["unbounded-cost"], levels["no-source"]) == ("error", "warning", "note")


def test_a_finding_is_the_same_one_after_lines_were_added() -> None:
    """Fingerprints do not depend on the line, and differ between findings."""

    def prints(text: str) -> list[str]:
        found = required(sarif_of_lint(lint(load(text, "r.yaml")), "1.2.3"))
        return [result["partialFingerprints"]["finding/v1"] for result in found]

    assert prints(RULES) == prints("# a line\n\n" + RULES)
    assert len(set(prints(RULES))) == len(prints(RULES))


def test_verdicts_point_at_the_event_and_the_rule() -> None:
    """The line of the event behind the header, the rule's own line beside it; unknown is open and has no level."""
    registry = load(RULES, "r.yaml")
    told = list(events({"user": "hello"}, {"pay": {"n": 1}}, {"pay": {"n": 2}}, {"other": {}}))
    judged = Judged("runs/a.mat.jsonl", check(told, registry), sealed=True)
    results = list(required(sarif_of_check([judged], registry, "1.2.3")))
    said = [(one["ruleId"], one["kind"], one["level"]) for one in results]
    assert said == [
        ("NEVER", "fail", "error"),
        ("NEVER", "fail", "error"),
        ("ONCE", "open", "none"),
        ("DEFAULT-REFUSE", "fail", "error"),
    ]
    lines = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results]
    assert lines == [judged.report.findings[at].seq + 2 for at in range(4)]
    (rule,) = results[0]["relatedLocations"]
    region = rule["physicalLocation"]["region"]
    line = RULES.split("\n")[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "NEVER"
    assert "relatedLocations" not in results[3]
    assert "violated at step 0" in results[0]["message"]["text"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_logs_of_shipped_registries_are_well_formed(file: Path) -> None:
    """What the standard requires holds for every finding there is."""
    log = sarif_of_lint(linted(file.stem), "1.2.3")
    assert json.loads(json.dumps(log)) == log
    assert len(list(required(log))) == len(log["runs"][0]["results"])


def test_writing_a_log(tmp_path: Path) -> None:
    """UTF-8 JSON in a file; a place that cannot be written to is named."""
    log = sarif_of_lint(lint(load(RULES, str(tmp_path / "é.yaml"))), "1.2.3")
    write_sarif(tmp_path / "out.sarif", log)
    assert json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8")) == log
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith(
        "file:///"
    )
    with pytest.raises(UsageError, match="cannot be written"):
        write_sarif(tmp_path / "none" / "out.sarif", log)
