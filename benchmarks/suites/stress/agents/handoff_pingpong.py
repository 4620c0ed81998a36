"""Two agents hand a task to each other, because one cannot do it and the other knows nobody else.

Family: handoff loop
Planted: the triage hands over by the topic alone; the mended one does not hand a task to who has handed it back.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: helpline
version: 1.0.0
default: allow
unknown: allow
parameters:
  hops: {value: 3, unit: "1", source: "run book, loops"}
invariants:
  - id: FEW-HOPS
    title: A task is handed over a few times at most
    on: action
    tool: handoff
    require: count(action, call.tool == "handoff") < params.hops
    severity: high
    otherwise: observe
    says: The task was handed over {params.hops} times.
"""
APP = Harness(load(RULES, "helpline.yaml"))
HOPS = 6  # a call is hung up then
INVOICES = {"I-7": 1200}


def fresh() -> None:
    """Put the world back: nothing is kept."""


@APP.tool(effect="read")
def find_topic(text: str) -> str:
    """Say what a request is about."""
    return "billing" if "invoice" in text else "general"


@APP.tool(effect="read")
def find_invoice(number: str) -> int:
    """Look an invoice up."""
    return INVOICES[number]


@APP.tool(effect="write")
def call_back(text: str) -> str:
    """Have a person call the customer back."""
    return "noted"


class Helpline:
    """The agents of one call; ``memory`` says whether the triage knows who has handed back."""

    def __init__(self, *, memory: bool) -> None:
        self._memory, self._broken, self._hops = memory, False, 0
        self._handed_back: set[str] = set()

    def triage(self, text: str) -> str:
        """Hand a request to who knows about it, or to a person."""
        self._hops += 1
        topic = find_topic(text)
        if topic != "billing" or self._hops > HOPS // 2 or (self._memory and topic in self._handed_back):
            return call_back(text)
        with APP.session().handoff("billing", text):
            return self.billing(text)

    def billing(self, text: str) -> str:
        """Answer by the invoice; hand back where invoices cannot be had, which is tried once."""
        try:
            if not self._broken:
                return f"It is about {find_invoice(text.rsplit(maxsplit=1)[-1])} cents."
        except Exception:
            self._broken = True
        self._handed_back.add("billing")
        with APP.session().handoff("triage", text):
            return self.triage(text)


@APP.agent
def agent(text: str) -> str:
    """Serve a caller."""
    return Helpline(memory=False).triage(text)


@APP.agent
def mended(text: str) -> str:
    """Serve a caller, and know who has handed back."""
    return Helpline(memory=True).triage(text)


INPUT = {"text": "Please explain the invoice I-7"}
VARY = {"/text": ["Thank you!"]}
RULE = "FEW-HOPS"
WITNESS = {"inject": [{"fault": "timeout", "tool": "find_invoice", "nth": 1}]}
CAUSE = {"tool": "find_invoice", "nth": 1}
