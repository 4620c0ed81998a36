"""A search that finds nothing because it is broken is taken for the proof that there is nothing.

Family: missing verification
Reported: https://github.com/anthropics/claude-code/issues/83452 -- where a check gives no output the agent takes that
for the proof that something is not there, and does not tell it from a search that went wrong. This reproduces the
mechanism, not the app's code.
"""

from __future__ import annotations

from harness import Harness, InDoubt
from harness.registry.load import load

RULES = """
registry: mail
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: LOOKED-BEFORE-AGAIN
    title: A mail is sent again only after a look at what was sent
    on: action
    tool: send_mail
    require: >-
      not happened(action, call.tool == "send_mail" and call.args.to == now.call.args.to)
      or happened(result, call.tool == "list_sent",
      since=last(action, call.tool == "send_mail" and call.args.to == now.call.args.to))
    severity: high
    otherwise: observe
    says: Nobody has looked whether the mail to {call.args.to} was sent.
"""
APP = Harness(load(RULES, "mail.yaml"))
OUTBOX: list[str] = []


def fresh() -> None:
    """Put the world back."""
    OUTBOX.clear()


@APP.tool(effect="write")
def send_mail(to: str) -> str:
    """Send the invitation to somebody."""
    OUTBOX.append(to)
    return "sent"


@APP.tool(effect="read")
def list_sent() -> list[str]:
    """List to whom an invitation was sent."""
    return list(OUTBOX)


def output(to: str) -> str:
    """Give what a search for somebody among the sent mails prints: nothing where there is none, or no search."""
    try:
        return "\n".join(str(line) for line in list_sent() if line == to)
    except Exception:
        return ""


def sent_before(to: str) -> bool:
    """Tell whether a mail was sent; raises what the look at it raises."""
    return to in list_sent()


@APP.agent
def agent(people: list[str]) -> None:
    """Invite people; where it is not clear whether a mail went out, look, and send it again if it did not."""
    for person in people:
        try:
            send_mail(person)
        except InDoubt:
            if not output(person):
                send_mail(person)


@APP.agent
def mended(people: list[str]) -> None:
    """Invite people as above; where nobody can look, nothing is sent again."""
    for person in people:
        try:
            send_mail(person)
        except InDoubt:
            if not sent_before(person):
                send_mail(person)


INPUT = {"people": ["ann", "bob", "cid"]}
RULE = "LOOKED-BEFORE-AGAIN"
WITNESS = {
    "inject": [
        {"fault": "commit_then_timeout", "tool": "send_mail", "nth": 2},
        {"fault": "error", "tool": "list_sent", "nth": 1},
    ]
}
CAUSE = {"tool": "send_mail", "nth": 2}
