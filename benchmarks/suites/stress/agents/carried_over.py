"""What was collected for one patient stands in the letter of the next, after a letter could not be sent.

Family: state accumulated across items
Planted: the list of findings is emptied after a letter was sent, and not where sending fails; each letter needs a list
of its own.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: clinic-letters
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: OWN-FINDINGS-ONLY
    title: A letter holds findings of its own patient only
    on: action
    tool: send_letter
    require: >-
      all(line in last(result, call.tool == "findings_of" and call.args.patient == now.call.args.patient).result
      for line in call.args.lines)
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "carried_over.yaml"))
FINDINGS = {"P-1": ["P-1: HbA1c 6.1 %"], "P-2": ["P-2: no findings"], "P-3": ["P-3: Hb 11.9 g/dl", "P-3: ferritin low"]}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def findings_of(patient: str) -> list[str]:
    """List what was found of a patient."""
    return FINDINGS[patient]


@APP.tool(effect="write")
def send_letter(patient: str, lines: list[str]) -> str:
    """Send a letter to a patient."""
    return f"{patient}: {len(lines)}"


@APP.agent
def agent(patients: list[str]) -> list[str]:
    """Write to patients what was found; what cannot be sent is told."""
    said: list[str] = []
    lines: list[str] = []
    for patient in patients:
        try:
            lines.extend(findings_of(patient))
            said.append(send_letter(patient, lines))
            lines = []
        except Exception as error:
            said.append(f"{patient}: {error}")
    return said


@APP.agent
def mended(patients: list[str]) -> list[str]:
    """Write to patients what was found of each; what cannot be sent is told."""
    said: list[str] = []
    for patient in patients:
        try:
            said.append(send_letter(patient, list(findings_of(patient))))
        except Exception as error:
            said.append(f"{patient}: {error}")
    return said


INPUT = {"patients": ["P-1", "P-2", "P-3"]}
VARY = {"/patients": [["P-2"], ["P-3", "P-1"]]}
RULE = "OWN-FINDINGS-ONLY"
WITNESS = {"inject": [{"fault": "drop", "tool": "send_letter", "nth": 2}]}
CAUSE = {"tool": "send_letter", "nth": 2}
