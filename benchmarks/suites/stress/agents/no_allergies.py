"""A record of allergies that came empty is read as "no allergies", and penicillin is prescribed.

Family: empty result treated as no restriction
Planted: what is not in the answer counts as not there; a record says itself whether the patient was asked.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: prescriptions
version: 1.0.0
default: allow
unknown: allow
define:
  record: last(result, call.tool == "allergies" and call.args.patient == now.call.args.patient).result
invariants:
  - id: ALLERGIES-KNOWN
    title: A drug is prescribed only after the patient is known not to be allergic to it
    on: action
    tool: prescribe
    require: exists(record.asked) and exists(record.to) and call.args.drug not in record.to
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "no_allergies.yaml"))
PATIENTS = {"P-1": {"asked": "2026-03-01", "to": ["penicillin"]}, "P-2": {"asked": "2026-10-17", "to": []}}


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def allergies(patient: str) -> dict[str, Any]:
    """Tell when a patient was asked about allergies, and what they are."""
    return PATIENTS[patient]


@APP.tool(effect="write")
def prescribe(patient: str, drug: str) -> str:
    """Prescribe a drug."""
    return f"{drug} for {patient}"


@APP.agent
def agent(patients: list[str], drugs: list[str]) -> list[str]:
    """Prescribe for each patient the first drug that does no harm."""
    said = []
    for patient in patients:
        known = allergies(patient).get("to") or []
        drug = next(drug for drug in drugs if drug not in known)
        said.append(prescribe(patient, drug))
    return said


@APP.agent
def mended(patients: list[str], drugs: list[str]) -> list[str]:
    """Prescribe for each patient whose allergies are known the first drug that does no harm."""
    said = []
    for patient in patients:
        record = allergies(patient)
        if "asked" not in record or not isinstance(record.get("to"), list):
            said.append(f"{patient} has to be asked")
            continue
        drug = next(drug for drug in drugs if drug not in record["to"])
        said.append(prescribe(patient, drug))
    return said


INPUT = {"patients": ["P-2", "P-1"], "drugs": ["penicillin", "azithromycin"]}
VARY = {"/patients": [["P-1"], ["P-2"]]}
RULE = "ALLERGIES-KNOWN"
WITNESS = {"inject": [{"fault": "empty", "tool": "allergies", "nth": 2}]}
CAUSE = {"tool": "allergies", "nth": 2}
