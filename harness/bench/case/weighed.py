"""A bound on the failures to be expected, from the rows of a result and a profile of what will be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.bench.case.argument import Finding
from harness.bench.case.results import Result
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.statistics.profile import Tried, failure_bound

_DONE_RIGHT: Final = ("passed", "correct")  # what rows say where the task was done right


def bound_finding(link: Mapping[str, Any], result: Result) -> Finding:
    """Bound the failure rate under the profile of a link, and compare it with what it may be ``at_most``.

    Cells are the result's groups, or its tasks. More than ``at_most`` as observed is a failure, more as bounded only
    is inconclusive: more trials may show it. UsageError for a cell that the result has not, rows that do not say
    whether they passed, and what is no profile. arXiv 2112.00646.
    """
    cells = _cells(link, result)
    try:
        found = failure_bound(cells, result.seed, link.get("confidence", 0.95))
    except UsageError as error:
        raise UsageError(error.what, where=f"profile: {error.where}", cure=error.cure) from None
    at_most = link["at_most"]
    facts = {
        **found._asdict(),
        "at_most": at_most,
        "cells": {name: cell._asdict() for name, cell in cells.items()},
    }
    told = f"failure rate {found.observed:.4g}, at most {found.bound:.4g} with {found.confidence:.4g}"
    if found.bound <= at_most:
        return Finding("supported", f"{told}; {at_most:g} is allowed", facts)
    if found.observed > at_most:
        return Finding("unsupported", f"{told}; only {at_most:g} is allowed", facts)
    return Finding("inconclusive", f"{told}: more trials have to show that it is {at_most:g} or less", facts)


def _cells(link: Mapping[str, Any], result: Result) -> dict[str, Tried]:
    axis = link.get("by", "group")
    tries: dict[str, list[bool]] = {}
    for cell, passed in _tries(link, result, axis):
        tries.setdefault(cell, []).append(passed)
    for name in link["profile"]:
        if name not in tries:
            cure = nearest(name, tries) or f"known: {', '.join(sorted(tries)) or 'none'}"
            raise UsageError(f"no row of {link['result']} is of the {axis} {name!r}", where="profile: ", cure=cure)
    return {
        name: Tried(float(weight), tries[name].count(False), len(tries[name]))
        for name, weight in link["profile"].items()
    }


def _tries(link: Mapping[str, Any], result: Result, axis: str) -> Iterator[tuple[str, bool]]:
    """Yield the cell of each row that was measured, and whether the task was done right there."""
    keys = (link["passed"],) if "passed" in link else _DONE_RIGHT
    for row in result.rows:
        if "infrastructure" in row or link.get("condition", row.get("condition")) != row.get("condition"):
            continue
        if row.get(axis) not in link["profile"]:
            continue
        passed = next((row[key] for key in keys if isinstance(row.get(key), bool)), None)
        if passed is None:
            cure = "name the field that does under 'passed:'"
            raise UsageError(f"a row says nothing true or false of {' or '.join(keys)}", where="profile: ", cure=cure)
        yield str(row[axis]), passed
