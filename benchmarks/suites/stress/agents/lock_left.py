"""A migration that breaks off leaves the database locked.

Family: cleanup on the error path missing
Planted: the lock is released at the end of the good path; it has to be released on every path.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: migrations
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LOCK-GIVEN-BACK
    title: Whoever has got the lock tries to give it back
    on: result
    tool: lock
    when: not failed
    require: must_follow(action, call.tool == "unlock" and call.args.database == now.call.args.database)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "lock_left.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="write", undo="unlock")
def lock(database: str) -> str:
    """Keep everybody else out of a database."""
    return f"{database} is locked"


@APP.tool(effect="write", idempotent=True)
def unlock(database: str) -> str:
    """Let everybody in again."""
    return f"{database} is open"


@APP.tool(effect="read")
def pending(database: str) -> list[str]:
    """List the migrations that were not applied yet."""
    return ["0041_add_index", "0042_rename"]


@APP.tool(effect="write")
def apply(database: str, migration: str) -> str:
    """Apply a migration."""
    return f"applied {migration}"


@APP.agent
def agent(database: str) -> list[str]:
    """Apply what is pending, alone."""
    lock(database)
    applied = [apply(database, migration) for migration in pending(database)]
    unlock(database)
    return applied


@APP.agent
def mended(database: str) -> list[str]:
    """Apply what is pending, alone, and let everybody in again whatever comes."""
    try:
        lock(database)
    except InDoubt:
        unlock(database)
        raise
    try:
        return [apply(database, migration) for migration in pending(database)]
    finally:
        unlock(database)


INPUT = {"database": "orders"}
RULE = "LOCK-GIVEN-BACK"
WITNESS = {"inject": [{"fault": "error", "tool": "apply", "nth": 2}]}
CAUSE = {"tool": "apply", "nth": 2}
