"""A backup that failed is reported as made, because the helper that runs steps swallows what goes wrong.

Family: swallowed error reported as success
Planted: the step's exception becomes a line of the log, and the report is written from the list of steps; it has to be
written from what came of them.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Harness
from harness.registry.load import load

RULES = """
registry: nightly-jobs
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: REPORTED-WAS-DONE
    title: A report names as done only what has come back
    on: action
    tool: report
    require: >-
      all(happened(result, call.tool == "back_up" and call.args.database == one) for one in call.args.done)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "failure_told_as_done.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write")
def back_up(database: str) -> str:
    """Copy a database to the other site."""
    return f"{database}: 1 file"


@APP.tool(effect="write")
def report(done: list[str], missing: list[str]) -> str:
    """Tell the people in the morning."""
    return f"{len(done)} done, {len(missing)} missing"


def quietly(step: Callable[[str], str], name: str) -> str:
    """Do a step of the night; nothing may stop the night."""
    try:
        return step(name)
    except Exception as error:
        return f"{name}: {error}"


@APP.agent
def agent(databases: list[str]) -> str:
    """Back all databases up and report."""
    log = [quietly(back_up, database) for database in databases]
    return report(databases, []) if log else "nothing to do"


@APP.agent
def mended(databases: list[str]) -> str:
    """Back all databases up and report what came of it."""
    done, missing = [], []
    for database in databases:
        try:
            back_up(database)
            done.append(database)
        except Exception:
            missing.append(database)
    return report(done, missing)


INPUT = {"databases": ["orders", "people", "stock"]}
RULE = "REPORTED-WAS-DONE"
WITNESS = {"inject": [{"fault": "reset", "tool": "back_up", "nth": 2}]}
CAUSE = {"tool": "back_up", "nth": 2}
