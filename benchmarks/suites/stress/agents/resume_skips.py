"""After a failure an import goes on behind the row that failed, so that one row is missing.

Family: off by one in resume after failure
Planted: the checkpoint counts the row that was being written; it may count only rows that are written.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: import-of-members
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: NOTHING-MISSING
    title: An import that is called complete has written every row
    on: action
    tool: complete
    require: all(happened(result, call.tool == "write_row" and call.args.row == one) for one in run.input.rows)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "resume_skips.yaml"))
CHECKPOINT = {"at": 0}


def fresh() -> None:
    """Begin at the first row."""
    CHECKPOINT["at"] = 0


@APP.tool(effect="write")
def write_row(row: str) -> str:
    """Write a row, in the place of one of the same key."""
    return f"wrote {row}"


@APP.tool(effect="write")
def complete(rows: int) -> str:
    """Tell that an import is complete."""
    return f"{rows} rows are there"


def write_from_checkpoint(rows: list[str]) -> None:
    """Write what is left to write."""
    for place in range(CHECKPOINT["at"], len(rows)):
        CHECKPOINT["at"] = place + 1
        write_row(rows[place])


def write_and_then_count(rows: list[str]) -> None:
    """Write what is left to write."""
    for place in range(CHECKPOINT["at"], len(rows)):
        write_row(rows[place])
        CHECKPOINT["at"] = place + 1


@APP.agent
def agent(rows: list[str]) -> str:
    """Import rows; where that breaks off, go on."""
    for _ in range(3):
        try:
            write_from_checkpoint(rows)
            break
        except Exception:
            continue
    return complete(CHECKPOINT["at"])


@APP.agent
def mended(rows: list[str]) -> str:
    """Import rows; where that breaks off, go on with the row that is not surely written."""
    for _ in range(3):
        try:
            write_and_then_count(rows)
            return complete(CHECKPOINT["at"])
        except Exception:
            continue  # a row is written in the place of itself, and told is told
    return "not complete"


INPUT = {"rows": ["anna", "bert", "carl", "dora"]}
VARY = {"/rows": [["anna"], ["anna", "bert"]]}
RULE = "NOTHING-MISSING"
WITNESS = {"inject": [{"fault": "error", "tool": "write_row", "nth": 4}]}
CAUSE = {"tool": "write_row", "nth": 4}
