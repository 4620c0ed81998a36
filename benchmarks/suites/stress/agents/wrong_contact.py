"""Of two records that look alike the later one is taken, and findings go to somebody else's address.

Family: near-duplicate picked
Planted: records are put into a dictionary by name, where the last one wins; more than one address for a name is a
question and no answer.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: lab-findings
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ADDRESS-WITHOUT-DOUBT
    title: Findings are sent where every record of that name says
    on: action
    tool: send_findings
    require: >-
      len(last(result, call.tool == "find_people").result) > 0
      and all(one.mail == call.args.to for one in last(result, call.tool == "find_people").result
      if one.name == call.args.name)
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "wrong_contact.yaml"))
PEOPLE = [{"name": "Meyer, Jo", "mail": "jo.meyer@example.com"}]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read")
def find_people(name: str) -> list[dict[str, str]]:
    """Find people of this name, or one that is nearly the same."""
    return PEOPLE


@APP.tool(effect="read")
def findings(sample: str) -> str:
    """Read what the laboratory has found."""
    return f"{sample}: nothing abnormal"


@APP.tool(effect="write")
def send_findings(name: str, to: str, text: str) -> str:
    """Send findings to a patient."""
    return f"sent to {to}"


@APP.agent
def agent(sample: str, name: str) -> str:
    """Send the findings of a sample to the patient."""
    by_name = {one["name"]: one["mail"] for one in find_people(name)}
    return send_findings(name, by_name[name], findings(sample))


@APP.agent
def mended(sample: str, name: str) -> str:
    """Send the findings of a sample to the patient, if there is one address."""
    mails = {one["mail"] for one in find_people(name) if one["name"] == name}
    if len(mails) != 1:
        return f"{len(mails)} addresses: ask the practice"
    return send_findings(name, mails.pop(), findings(sample))


INPUT = {"sample": "S-3", "name": "Meyer, Jo"}
RULE = "ADDRESS-WITHOUT-DOUBT"
WITNESS = {"seed": 1, "inject": [{"fault": "near_duplicate", "tool": "find_people", "nth": 1}]}
CAUSE = {"tool": "find_people", "nth": 1}
