"""An agent that falls back to a second model starts its task over, and does again what it had done.

Family: duplicate side effect after a fallback
Reported: https://github.com/openclaw/openclaw/issues/43482 -- where a model fails after some of its tool calls were
performed, the fallback gets the whole prompt anew, knows nothing of them, and may repeat messages and commands. This
reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: outreach
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: TOLD-ONCE
    title: A customer is told of a thing once
    on: action
    tool: send_message
    require: not happened(action, call.tool == "send_message" and call.args.to == now.call.args.to)
    severity: high
    otherwise: observe
    says: "{call.args.to} was told before."
"""
APP = Harness(load(RULES, "outreach.yaml"))
SENT: list[tuple[str, str]] = []
Messages = list[dict[str, Any]]


def fresh() -> None:
    """Put the world back."""
    SENT.clear()


@APP.tool(effect="read")
def next_step(model: str, done: list[str], customers: list[str]) -> dict[str, str]:
    """Say whom to tell next, as a model does that sees what it has done so far."""
    left = [customer for customer in customers if customer not in done]
    return {"tool": "send_message", "to": left[0]} if left else {"tool": "finish", "to": ""}


@APP.tool(effect="write")
def send_message(to: str, text: str) -> str:
    """Send a message to a customer."""
    SENT.append((to, text))
    return "sent"


def work(model: str, customers: list[str], done: list[str]) -> list[str]:
    """Do what a model says until it is finished; ``done`` grows with every message."""
    for _ in range(5):
        step = next_step(model, list(done), customers)
        if step["tool"] != "send_message" or step["to"] in done:
            break
        done.append(step["to"])
        send_message(step["to"], "Your order is late.")
    return done


@APP.agent
def agent(customers: list[str]) -> list[str]:
    """Tell customers of a delay, by the second model where the first one fails."""
    try:
        return work("large", customers, [])
    except Exception:  # whatever ails the first model, the second one is to have a try
        return work("small", customers, [])


@APP.agent
def mended(customers: list[str]) -> list[str]:
    """Go on with the second model from what the first one has done."""
    done: list[str] = []
    try:
        return work("large", customers, done)
    except Exception:  # the same holds here
        return work("small", customers, done)


INPUT = {"customers": ["ann", "bob"]}
RULE = "TOLD-ONCE"
WITNESS = {"inject": [{"fault": "error", "tool": "next_step", "nth": 2}]}
CAUSE = {"tool": "next_step", "nth": 2}
