"""Results as JUnit XML, which build servers show: one test for each row, and one for each figure that has a bar."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.bench.report.outcome import key_of, outcome_of, rules_of, why_of
from harness.bench.report.stored import WALL_S, Stored

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def junit_of(results: Sequence[Stored]) -> str:
    """Give one test suite for each result.

    What could not be measured is an error, a row whose task was not done right a failure, a row that says neither is
    skipped. A missed bar is a failure.
    """
    root = Element("testsuites")
    for result in results:
        cases = [*_bars(result), *_rows(result)]
        suite = SubElement(root, "testsuite", _attributes(name=result.label, **_counts(cases)))
        _properties(suite, result)
        suite.extend(cases)
    _set_totals(root)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _bars(result: Stored) -> Iterator[Element]:
    for name, figure in result.figures.items():
        if not figure.get("target"):
            continue
        case = Element("testcase", _attributes(classname=f"{result.facts['name']}.figures", name=name))
        if figure.get("ok") is not True:
            said = f"{figure['value']:g} is not {figure['target']}"
            SubElement(case, "failure", _attributes(message=said, type="bar"))
        yield case


def _rows(result: Stored) -> Iterator[Element]:
    for number, row in enumerate(result.rows):
        key, outcome, why = key_of(row, number), outcome_of(row), why_of(row)
        classname = ".".join(part for part in (result.facts["name"], key.condition, row.get("group")) if part)
        name = key.task if key.seed is None else f"{key.task} [{key.seed}]"
        took = {"time": row[WALL_S]} if WALL_S in row else {}
        case = Element("testcase", _attributes(classname=classname, name=name, **took))
        if outcome == "unmeasured":
            SubElement(case, "error", _attributes(message=why.splitlines()[0] if why else "", type="infrastructure"))
        elif outcome == "failed":
            failure = SubElement(case, "failure", _attributes(message=why or "not done right", type="task"))
            failure.text = _text("\n".join(_evidence(row)))
        elif outcome == "unjudged":
            SubElement(case, "skipped", _attributes(message="the row does not say whether its task was done right"))
        yield case


def _evidence(row: Any) -> Iterator[str]:
    for rule in dict.fromkeys(rules_of(row)):
        yield f"violates {rule}"
    if isinstance(row.get("trace"), str):
        yield f"harness show {row['trace']}"


def _properties(suite: Element, result: Stored) -> None:
    properties = SubElement(suite, "properties")
    for key in ("version", "commit", "seed"):
        if result.facts.get(key) is not None:
            SubElement(properties, "property", _attributes(name=key, value=result.facts[key]))
    for name, figure in result.figures.items():
        SubElement(properties, "property", _attributes(name=f"figure {name}", value=f"{figure['value']:g}"))


def _counts(cases: Sequence[Element]) -> dict[str, int]:
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": len(cases)} | {name: _having(cases, tag) for name, tag in kinds.items()}


def _having(cases: Iterable[Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _set_totals(root: Element) -> None:
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))


def _attributes(**values: Any) -> dict[str, str]:
    return {name: _text(str(value)) for name, value in values.items()}


def _text(text: str) -> str:
    """Leave out the characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
