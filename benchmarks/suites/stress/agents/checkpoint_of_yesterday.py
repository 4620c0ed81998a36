"""An export that broke off goes on at a checkpoint that could not be renewed, and sends rows a second time.

Family: off by one in resume after failure
Planted: a checkpoint that is not stored is passed over, because the next row stores a later one; where that row fails,
the old one counts. A row has to be noted before it is sent.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: exports-to-the-tax-office
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ROW-SENT-ONCE
    title: A row is sent again only if it is known not to have come through
    on: action
    tool: send_row
    require: >-
      not happened(action, call.tool == "send_row" and call.args.row == now.call.args.row
      and not default(failed, False))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "checkpoint_of_yesterday.yaml"))
STORED = {"next": 0}


def fresh() -> None:
    """Begin at the first row."""
    STORED["next"] = 0


@APP.tool(effect="read")
def checkpoint() -> int:
    """Tell which row is next."""
    return STORED["next"]


@APP.tool(effect="write", idempotent=True)
def store_checkpoint(row: int) -> str:
    """Store which row is next."""
    STORED["next"] = row
    return "stored"


@APP.tool(effect="write")
def send_row(row: int, cents: int) -> str:
    """Send a row to the tax office."""
    return f"row {row}"


def export(rows: list[int]) -> None:
    """Send what is left to send."""
    for row in range(checkpoint(), len(rows)):
        send_row(row, rows[row])
        try:
            store_checkpoint(row + 1)
        except Exception:
            continue  # the next row stores a later one


@APP.agent
def agent(rows: list[int]) -> str:
    """Send all rows; where that breaks off, go on at the checkpoint."""
    for _ in range(2):
        try:
            export(rows)
            return "all rows are sent"
        except InDoubt:
            raise
        except Exception:
            continue
    return "rows are left"


@APP.agent
def mended(rows: list[int]) -> str:
    """Send all rows, each noted before it is sent; where that breaks off leave the rest to a person."""
    for row in range(checkpoint(), len(rows)):
        try:
            store_checkpoint(row + 1)
            send_row(row, rows[row])
        except Exception as error:
            return f"look at row {row}: {error}"
    return "all rows are sent"


INPUT = {"rows": [1999, 250, 74900]}
RULE = "ROW-SENT-ONCE"
WITNESS = {
    "inject": [
        {"fault": "reset", "tool": "store_checkpoint", "nth": 1},
        {"fault": "error", "tool": "send_row", "nth": 2},
    ]
}
CAUSE = {"tool": "store_checkpoint", "nth": 1}
