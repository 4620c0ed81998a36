"""A weekly report that lacks a day is written as if it were whole.

Family: partial result taken for whole
Planted: days that could not be read are left out without a word; the report has to say that something is missing.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: river-reports
version: 1.0.0
default: allow
unknown: allow
artifacts:
  weekly:
    schema:
      type: object
      required: [levels, whole]
      properties: {levels: {type: array, items: {type: integer}}, whole: {type: boolean}, highest: {type: integer}}
invariants:
  - id: WHOLE-IS-A-WEEK
    title: A report that calls itself whole has seven levels
    on: artifact
    artifact: weekly
    require: not artifact.whole or len(artifact.levels) == 7
    severity: medium
    otherwise: observe
"""
APP = Harness(load(RULES, "week_with_gaps.yaml"))
LEVELS = [212, 215, 231, 288, 341, 330, 297]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def level(day: int) -> int:
    """Read the level of the river on a day of the week, in cm."""
    return LEVELS[day]


@APP.tool(effect="write")
def publish(text: str) -> str:
    """Publish a report."""
    return "published"


def levels_of_week() -> list[int]:
    """Read the levels of a week, as far as they can be read."""
    found = []
    for day in range(7):
        try:
            found.append(level(day))
        except Exception:
            continue
    return [one for one in found if isinstance(one, int)]


@APP.agent
def agent() -> str:
    """Report a week."""
    levels = levels_of_week()
    report: dict[str, Any] = {"levels": levels, "whole": True, "highest": max(levels)}
    APP.session().artifact("weekly", report)
    return publish(f"highest level: {report['highest']} cm")


@APP.agent
def mended() -> str:
    """Report a week, or what is known of it."""
    levels = levels_of_week()
    report: dict[str, Any] = {"levels": levels, "whole": len(levels) == 7, "highest": max(levels)}
    APP.session().artifact("weekly", report)
    return publish(f"highest level: {report['highest']} cm{'' if report['whole'] else ', days are missing'}")


INPUT: dict[str, Any] = {}
RULE = "WHOLE-IS-A-WEEK"
WITNESS = {"inject": [{"fault": "error", "tool": "level", "nth": 5}]}
CAUSE = {"tool": "level", "nth": 5}
