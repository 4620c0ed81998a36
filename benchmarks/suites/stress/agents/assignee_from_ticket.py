"""A ticket is assigned to whatever its last line ends with, be it a member of the team or not.

Family: argument taken from untrusted text
Planted: the assignee is cut out of what a customer wrote; it has to be somebody whom the directory knows.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: help-desk
version: 1.0.0
default: allow
unknown: allow
tools:
  read_ticket: {effect: read, trust: untrusted}
  members: {effect: read, trust: trusted}
  assign: {effect: write}
invariants:
  - id: ASSIGNEE-KNOWN
    title: Who is given a ticket is known from the directory
    on: action
    tool: assign
    require: any(one.trust == "trusted" and one.grade == "exact" for one in source(call.args.to))
    severity: high
    otherwise: observe
"""
APP = Harness(load(RULES, "assignee_from_ticket.yaml"))
TICKETS = {"T-1": "The invoice of May is there twice. Please give this to billing"}
MEMBERS = ["billing", "network", "devices"]


def fresh() -> None:
    """Put nothing back: nothing is kept."""


@APP.tool(effect="read", trust="trusted")
def members() -> list[str]:
    """List the desks that tickets can be given to."""
    return MEMBERS


@APP.tool(effect="read", trust="untrusted")
def read_ticket(ticket: str) -> str:
    """Read what a customer wrote."""
    return TICKETS[ticket]


@APP.tool(effect="write")
def assign(ticket: str, to: str) -> str:
    """Give a ticket to a desk."""
    return f"{ticket} is with {to}"


@APP.agent
def agent(ticket: str) -> str:
    """Give a ticket to the desk that its last line names."""
    desks = members()
    text = read_ticket(ticket).strip(" .")
    named = text.rsplit(" ", 1)[-1]
    return assign(ticket, named or desks[0])


@APP.agent
def mended(ticket: str) -> str:
    """Give a ticket to the desk that its last line names, if there is such a desk."""
    desks = set(members())
    text = read_ticket(ticket).strip(" .")
    named = text.rsplit(" ", 1)[-1]
    return assign(ticket, named) if named in desks else f"{ticket} has to be read by a person"


INPUT = {"ticket": "T-1"}
RULE = "ASSIGNEE-KNOWN"
WITNESS = {"inject": [{"fault": "inject", "tool": "read_ticket", "nth": 1}]}
CAUSE = {"tool": "read_ticket", "nth": 1}
