"""Results as SARIF: the violations of their rows, at the lines of the traces where these are there, and missed bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from harness.adapters.sarif import BEFORE_EVENTS, LEVELS, sarif_log, uri_of
from harness.bench.report.outcome import key_of, rules_of
from harness.bench.report.stored import Stored
from harness.bench.report.timeline import Violation, timeline_of
from harness.bench.stored import RESULT
from harness.determinism.canonical import digest_of
from harness.errors import TraceError

_BAR: Final = "bench/bar"
_MEASURED: Final = "bench/measured"
_ABOUT: Final = {
    _BAR: "A figure of a measurement misses its bar.",
    _MEASURED: "A cell of a measurement could not be measured.",
}


def sarif_of(results: Sequence[Stored], version: str) -> dict[str, Any]:
    """Give one log; ``version`` is that of harness.

    A violation that only its row tells of stands at the result's file; what cannot be decided is of kind ``open``.
    """
    found = [one for result in results for one in (*_bars(result), *_rows(result))]
    return sarif_log({one["ruleId"]: _rule(one["ruleId"]) for one in found}, found, version)


def _rule(rule: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": _ABOUT.get(rule, f"{rule}, a rule of the registry of the run.")}}


def _bars(result: Stored) -> Iterator[dict[str, Any]]:
    for name, figure in result.figures.items():
        if figure.get("ok") is False:
            said = f"{name} is {figure['value']:g}, and has to be {figure['target']}."
            yield _at_result(result, _BAR, "error", said, [name])


def _rows(result: Stored) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(result.rows):
        key = key_of(row, number)
        if "infrastructure" in row:
            yield _at_result(result, _MEASURED, "warning", f"{key}: {row['infrastructure']}", [*key])
        told = set()
        for one in _violations(result, row):
            told.add(one.rule)
            yield _in_trace(result, row["trace"], str(key), one)
        for rule in dict.fromkeys(rules_of(row)):
            if rule not in told:
                yield _at_result(result, rule, "warning", f"{key} violates {rule}.", [rule, *key])


def _violations(result: Stored, row: Any) -> Sequence[Violation]:
    if not isinstance(row.get("trace"), str):
        return ()
    try:
        return timeline_of(result.folder / row["trace"]).violations
    except TraceError:  # its row still says what was violated
        return ()


def _in_trace(result: Stored, trace: str, who: str, one: Violation) -> dict[str, Any]:
    undecided = one.verdict == "unknown"
    place = {
        "artifactLocation": {"uri": uri_of(str(result.folder / trace))},
        "region": {"startLine": one.seq + BEFORE_EVENTS},
    }
    where = f"step {one.step}" if one.step >= 0 else "before any step"
    return {
        "ruleId": one.rule,
        "kind": "open" if undecided else "fail",
        "level": "none" if undecided else LEVELS.get(one.severity, "warning"),  # type: ignore[call-overload]
        "message": {"text": " ".join(part for part in (f"{who}: {one.verdict} at {where}.", one.says) if part)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"verdict/v1": digest_of([one.rule, who, one.seq])},
        "properties": {"call": one.call, "values": dict(one.values), "evidence": [seq for seq, _ in one.evidence]},
    }


def _at_result(result: Stored, rule: str, level: str, text: str, known: Sequence[Any]) -> dict[str, Any]:
    return {
        "ruleId": rule,
        "kind": "fail",
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri_of(str(result.folder / RESULT))}}}],
        "partialFingerprints": {"row/v1": digest_of([result.facts["name"], rule, *known])},
    }
