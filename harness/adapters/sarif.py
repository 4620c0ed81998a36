"""Findings as SARIF 2.1.0 (OASIS), the format that code hosts and editors show beside the lines.

Pure but for ``write_sarif``. Columns count characters from 1, as in our own messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from harness.assertion.report import Finding
from harness.determinism.canonical import digest_of
from harness.errors import Mistake, UsageError
from harness.registry.document import Written
from harness.registry.registry import Registry
from harness.review.lint.diagnostic import CHECKS, Diagnostic
from harness.review.summary import Judged
from harness.trace.verdict import Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS: Final[Mapping[Severity, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
BEFORE_EVENTS: Final = 2
"""The first event of a trace stands in line 2, behind the header."""


def sarif_of_lint(findings: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """Give the findings on registries as one SARIF log; its rules are lint's checks, its places lines of the YAML.

    ``version`` is that of harness.
    """
    listed = list(findings)
    rules = {
        check: {
            "id": check,
            "shortDescription": {"text": CHECKS[check].says},
            "defaultConfiguration": {"level": CHECKS[check].level},
        }
        for check in sorted({finding.check for finding in listed})
    }
    return sarif_log(rules, [_lint_result(finding) for finding in listed], version)


def sarif_of_check(judged: Sequence[Judged], registry: Registry, version: str) -> dict[str, Any]:
    """Give the verdicts on traces as one SARIF log.

    Its rules are the registry's; a result stands at the line of its event, and points to the rule's line in the YAML.
    What cannot be decided is a result of kind ``open``.
    """
    found = [(one.trace, finding) for one in judged for finding in one.report.findings]
    ids = dict.fromkeys([rule.id for rule in registry.invariants] + [finding.verdict.rule for _, finding in found])
    rules = {rule: _rule(rule, registry) for rule in ids}
    return sarif_log(rules, [_check_result(trace, finding, registry) for trace, finding in found], version)


def sarif_log(rules: Mapping[str, dict[str, Any]], results: list[dict[str, Any]], version: str) -> dict[str, Any]:
    """Give a log of results, each of which names one of the rules; ``version`` is that of harness."""
    places = {rule: index for index, rule in enumerate(rules)}
    driver = {"name": "harness", "semanticVersion": version, "rules": list(rules.values())}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [{**result, "ruleIndex": places[result["ruleId"]]} for result in results],
            }
        ],
    }


def write_sarif(path: Path, log: Mapping[str, Any]) -> None:
    """Write a log to a file; UsageError names what stands in the way."""
    try:
        path.write_text(json.dumps(log, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from None


def _lint_result(finding: Diagnostic) -> dict[str, Any]:
    at = finding.mistake
    cure = f" Cure: {at.cure}." if at.cure else ""
    # without the line number, so that a finding is the same one after lines were put before it
    known = digest_of([finding.check, finding.rule, at.file, at.message, at.source.strip()])
    return {
        "ruleId": finding.check,
        "level": finding.level,
        "message": {"text": f"{at.message}.{cure}"},
        "locations": [_at_mistake(at)],
        "partialFingerprints": {"finding/v1": known},
        "properties": {"rule": finding.rule},
    }


def _rule(rule: str, registry: Registry) -> dict[str, Any]:
    stated = registry.invariant(rule)
    if stated is None:  # the registry's default
        return {"id": rule, "shortDescription": {"text": "A tool that the registry speaks of nowhere."}}
    return {
        "id": rule,
        "shortDescription": {"text": stated.title or rule},
        "defaultConfiguration": {"level": LEVELS[stated.severity]},
        "properties": {"severity": stated.severity, "otherwise": stated.otherwise, "source": stated.source},
    }


def _check_result(trace: str, finding: Finding, registry: Registry) -> dict[str, Any]:
    verdict, rule = finding.verdict, registry.invariant(finding.verdict.rule)
    open_question = verdict.truth == "unknown"
    values = "; ".join(f"{text} = {json.dumps(value, ensure_ascii=False)}" for text, value in verdict.values.items())
    told = " ".join(part for part in (_said(verdict.truth, finding), verdict.reason, verdict.says) if part)
    result: dict[str, Any] = {
        "ruleId": verdict.rule,
        "kind": "open" if open_question else "fail",
        "level": "none" if open_question else LEVELS[verdict.severity],
        "message": {"text": told},
        "locations": [_at_event(trace, finding)],
        "partialFingerprints": {"verdict/v1": digest_of([verdict.rule, Path(trace).name, finding.seq])},
        "properties": {"verdict": verdict.truth, "values": values, "evidence": list(verdict.evidence)},
    }
    if rule is not None:
        result["relatedLocations"] = [_at_rule(rule.at.find(["id"]), verdict.rule)]
    return result


def _said(truth: str, finding: Finding) -> str:
    where = f"step {finding.step}" if finding.step >= 0 else "before any step"
    return f"{truth} at {where}{f', agent {finding.agent}' if finding.agent else ''}."


def _at_mistake(at: Mistake) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": at.line, "startColumn": at.column, "endColumn": at.column + at.length}
    if at.source:
        region["snippet"] = {"text": at.source}
    return {"physicalLocation": {"artifactLocation": {"uri": uri_of(at.file)}, "region": region}}


def _at_rule(at: Written, rule: str) -> dict[str, Any]:
    return {"id": 0, "message": {"text": f"the rule {rule}"}, **_at_mistake(at.mistake(""))}


def _at_event(trace: str, finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": uri_of(trace)}}
    if finding.seq >= 0:
        place["region"] = {"startLine": finding.seq + BEFORE_EVENTS}
    names = [{"fullyQualifiedName": f"seq:{finding.seq}", "kind": "event"}]
    return {"physicalLocation": place, "logicalLocations": names}


def uri_of(file: str) -> str:
    """Give a file's name as SARIF has it."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
