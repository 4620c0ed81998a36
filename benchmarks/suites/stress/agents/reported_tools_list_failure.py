"""The list of tools cannot be had, is taken for empty, and the model tells what it never looked up.

Family: missing verification
Reported: https://github.com/activeagents/activeagent/issues/425 -- where tools/list of every server failed, the
dispatcher gave an empty list and a warning in the log; the agent ran without tools, succeeded, and narrated look-ups
that were never made. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: clinic
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: READ-BEFORE-REPORT
    title: A report is filed only by who has read the records
    on: action
    tool: file_report
    require: happened(result, call.tool == "read_records")
    severity: critical
    otherwise: observe
    says: Read the records first.
"""
APP = Harness(load(RULES, "clinic.yaml"))
RECORDS = ["pain management", "flu shots"]
FILED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    FILED.clear()


@APP.tool(effect="read")
def list_tools(server: str) -> list[str]:
    """List the tools of a server."""
    return ["read_records"] if server == "records" else ["read_calendar"]


@APP.tool(effect="read")
def read_records(ward: str) -> list[str]:
    """Read the records of a ward."""
    return RECORDS


@APP.tool(effect="read")
def answer(tools: list[str], found: list[str]) -> dict[str, str]:
    """Answer as a model does: call a tool where there is one, and talk where there is none."""
    if found or "read_records" not in tools:
        return {"say": f"The tool returned: {', '.join(found) or 'diabetes treatment'}."}
    return {"call": "read_records"}


@APP.tool(effect="write")
def file_report(text: str) -> str:
    """File a report."""
    FILED.append(text)
    return "filed"


def offered(server: str) -> list[str]:
    """List the tools of a server, none where it cannot be reached."""
    try:
        return list(list_tools(server))
    except Exception:  # a server that is down must not stop the agent
        return []


def report(tools: list[str]) -> str:
    """Let the model look things up until it has an answer, and file that."""
    found: list[str] = []
    for _ in range(3):
        said = answer(tools, found)
        if "say" in said:
            return file_report(said["say"])
        found = read_records("3 north")
    return "no answer"


@APP.agent
def agent() -> str:
    """Report on a ward, with the tools that there are."""
    return report([*offered("records"), *offered("calendar")])


@APP.agent
def mended() -> str:
    """Report on a ward, and on nothing where the records cannot be read."""
    tools = [*offered("records"), *offered("calendar")]
    return report(tools) if "read_records" in tools else "The records cannot be read today."


INPUT: dict[str, object] = {}
RULE = "READ-BEFORE-REPORT"
WITNESS = {"inject": [{"fault": "error", "tool": "list_tools", "nth": 1}]}
CAUSE = {"tool": "list_tools", "nth": 1}
