"""A file that cannot be deleted with the user's rights is deleted with those of the administrator.

Family: fallback tool with weaker checks
Planted: after the session was renewed once, any further failure is taken for missing rights; more rights need a yes.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: file-share
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ADMIN-AFTER-YES
    title: Rights of an administrator are used only after somebody has agreed
    on: action
    tool: delete_file
    when: call.args.rights == "admin"
    require: happened(result, call.tool == "ask_owner" and call.args.path == now.call.args.path and result == "yes")
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "admin_on_retry.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def find_drafts(folder: str) -> list[str]:
    """List the drafts in a folder."""
    return [f"{folder}/old.txt", f"{folder}/older.txt"]


@APP.tool(effect="write", idempotent=True)
def renew_session(user: str) -> str:
    """Log in again."""
    return f"session of {user}"


@APP.tool(effect="write", idempotent=True)
def delete_file(path: str, rights: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


@APP.tool(effect="write")
def ask_owner(path: str) -> str:
    """Ask the owner of a file whether it may be deleted by force."""
    return "yes"


@APP.agent
def agent(folder: str, user: str) -> list[str]:
    """Delete the drafts in a folder."""
    said, renewed = [], False
    for path in find_drafts(folder):
        try:
            said.append(delete_file(path, "user"))
        except InDoubt:
            raise
        except Exception:
            if renewed:
                said.append(delete_file(path, "admin"))
                continue
            renew_session(user)
            renewed = True
            said.append(delete_file(path, "user"))
    return said


@APP.agent
def mended(folder: str, user: str) -> list[str]:
    """Delete the drafts in a folder, by force only where the owner agrees."""
    said, renewed = [], False
    for path in find_drafts(folder):
        try:
            said.append(delete_file(path, "user"))
        except InDoubt:
            raise
        except Exception:
            if renewed:
                if ask_owner(path) == "yes":
                    said.append(delete_file(path, "admin"))
                continue
            renew_session(user)
            renewed = True
            said.append(delete_file(path, "user"))
    return said


INPUT = {"folder": "drafts", "user": "ole"}
RULE = "ADMIN-AFTER-YES"
WITNESS = {
    "inject": [
        {"name": "session has ended", "fault": "error", "tool": "delete_file", "nth": 1, "strength": {"status": 401}},
        {"name": "busy", "fault": "error", "tool": "delete_file", "nth": 3, "strength": {"status": 503}},
    ]
}
CAUSE = {"tool": "delete_file", "nth": 1}
