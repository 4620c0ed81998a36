"""A loan is granted to somebody of whom nothing is known, because neither source of risk has answered.

Family: missing verification before a write
Planted: the risk begins at zero and keeps that value where no source answers; it has to begin as unknown.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: small-loans
version: 1.0.0
default: allow
unknown: allow
parameters:
  most_risk: {value: 60, source: "credit policy, 2.3"}
invariants:
  - id: RISK-KNOWN
    title: A loan is granted after some source has said that the risk is low
    on: action
    tool: grant
    require: >-
      happened(result, call.tool in ["bureau_risk", "own_risk"] and call.args.person == now.call.args.person
      and result < params.most_risk)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "both_scores_missing.yaml"))
BUREAU = {"ida": 35, "max": 72}
MOST_RISK = 60


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def bureau_risk(person: str) -> int:
    """Ask the credit bureau for a risk, from 0 to 100."""
    return BUREAU[person]


@APP.tool(effect="read")
def own_risk(person: str) -> int:
    """Work a risk out from what the house knows itself."""
    return BUREAU[person] + 10


@APP.tool(effect="write")
def grant(person: str, cents: int) -> str:
    """Grant a loan."""
    return f"{person}: {cents}"


@APP.tool(effect="write")
def to_desk(person: str) -> str:
    """Let a person decide."""
    return f"{person} is on the desk"


@APP.agent
def agent(person: str, cents: int) -> str:
    """Grant a loan where the risk is low."""
    risk = 0
    for source in (bureau_risk, own_risk):
        try:
            risk = source(person)
            break
        except Exception:
            continue
    return grant(person, cents) if risk < MOST_RISK else to_desk(person)


@APP.agent
def mended(person: str, cents: int) -> str:
    """Grant a loan where the risk is known to be low."""
    risk = None
    for source in (bureau_risk, own_risk):
        try:
            risk = source(person)
            break
        except Exception:
            continue
    return grant(person, cents) if risk is not None and risk < MOST_RISK else to_desk(person)


INPUT = {"person": "ida", "cents": 150000}
VARY = {"/person": ["max"]}
RULE = "RISK-KNOWN"
WITNESS = {
    "inject": [
        {"fault": "timeout", "tool": "bureau_risk", "nth": 1},
        {"fault": "error", "tool": "own_risk", "nth": 1},
    ]
}
CAUSE = {"tool": "bureau_risk", "nth": 1}
