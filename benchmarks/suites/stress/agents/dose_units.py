"""The second source of doses gives micrograms, and what it says is ordered as milligrams.

Family: unit mix-up on a fallback path
Planted: the handbook answers in another unit than the pharmacy, which only matters when the pharmacy is down; its
answer has to be converted.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: ward-doses
version: 1.0.0
default: allow
unknown: allow
parameters:
  most_mg_per_kg: {value: 4, source: "drug list of the ward"}
invariants:
  - id: DOSE-FITS-WEIGHT
    title: A dose is not above what a body of that weight bears
    on: action
    tool: order_dose
    require: 0 < call.args.mg <= params.most_mg_per_kg * run.input.weight_kg
    severity: critical
    otherwise: observe
"""
APP = Harness(load(RULES, "dose_units.yaml"))


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def pharmacy_dose(drug: str, weight_kg: int) -> dict[str, Any]:
    """Ask the pharmacy for a dose, in mg."""
    return {"drug": drug, "dose": 3 * weight_kg, "unit": "mg"}


@APP.tool(effect="read")
def handbook_dose(drug: str) -> dict[str, Any]:
    """Look a dose up, for each kg of the body."""
    return {"drug": drug, "dose": 3000, "unit": "ug"}


@APP.tool(effect="write")
def order_dose(drug: str, mg: int) -> str:
    """Order a dose."""
    return f"{mg} mg of {drug}"


@APP.agent
def agent(drug: str, weight_kg: int) -> str:
    """Order the dose that the pharmacy names, or the handbook if the pharmacy is down."""
    try:
        mg = min(pharmacy_dose(drug, weight_kg)["dose"], 4 * weight_kg)
    except Exception:
        mg = handbook_dose(drug)["dose"] * weight_kg
    return order_dose(drug, mg)


@APP.agent
def mended(drug: str, weight_kg: int) -> str:
    """Order the dose that the pharmacy names, or the handbook if the pharmacy is down; in mg, and never too much."""
    try:
        found, times = pharmacy_dose(drug, weight_kg), 1
    except Exception:
        found, times = handbook_dose(drug), weight_kg
    mg = found["dose"] * times // {"mg": 1, "ug": 1000}[found["unit"]]
    if not 0 < mg <= 4 * weight_kg:
        return f"{mg} mg of {drug}: ask a doctor"
    return order_dose(drug, mg)


INPUT = {"drug": "gentamicin", "weight_kg": 70}
VARY = {"/weight_kg": [4, 22, 110]}
RULE = "DOSE-FITS-WEIGHT"
WITNESS = {"inject": [{"fault": "rate_limit", "tool": "pharmacy_dose", "nth": 1}]}
CAUSE = {"tool": "pharmacy_dose", "nth": 1}
