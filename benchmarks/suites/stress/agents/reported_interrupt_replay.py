"""A step that was interrupted for a person's answer begins anew with every answer, and repeats what it did before.

Family: duplicate side effect after a resume
Reported: https://github.com/langchain-ai/langgraph/issues/7780 -- with an interrupt in a loop each resume executes the
node from its beginning: what happens before the last interrupt, calls of services and writes, happens again every
time. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: reviews
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: COMMENTED-ONCE
    title: A round of a review is commented on once
    on: action
    tool: post_comment
    require: not happened(action, call.tool == "post_comment" and call.args.round == now.call.args.round)
    severity: medium
    otherwise: observe
    says: Round {call.args.round} was commented on before.
"""
APP = Harness(load(RULES, "reviews.yaml"))
COMMENTS: list[int] = []


def fresh() -> None:
    """Put the world back."""
    COMMENTS.clear()


@APP.tool(effect="read")
def ask_reviewer(draft: str, round: int) -> dict[str, bool]:  # noqa: A002 -- a field of the review
    """Ask a person what is to become of a draft; nobody asks for a second change."""
    return {"approved": round > 1 or "price" in draft}


@APP.tool(effect="write")
def post_comment(round: int, text: str) -> str:  # noqa: A002 -- as above
    """Write down why a draft is changed."""
    COMMENTS.append(round)
    return "posted"


@APP.tool(effect="write")
def publish(draft: str) -> str:
    """Publish a draft."""
    return "published"


class Interrupt(Exception):
    """Stop a step until somebody has answered."""


Comment = Callable[[int], None]


def review(draft: str, answers: list[Any], comment: Comment) -> str:
    """Publish a draft when it is approved; every push-back is commented on. Raises Interrupt where an answer lacks."""
    for number in range(1, 4):
        if number > len(answers):
            raise Interrupt(number)
        if answers[number - 1].get("approved") is True:
            return publish(draft)
        comment(number)
    return "not published"


def resumed(draft: str, comment: Comment) -> str:
    """Run the step until it ends, from its beginning whenever an answer has come."""
    answers: list[Any] = []
    while True:
        try:
            return review(draft, answers, comment)
        except Interrupt:
            answers.append(ask_reviewer(draft, len(answers) + 1))


@APP.agent
def agent(draft: str) -> str:
    """Have a draft reviewed."""

    def comment(number: int) -> None:
        post_comment(number, "Changed as asked.")

    return resumed(draft, comment)


@APP.agent
def mended(draft: str) -> str:
    """Have a draft reviewed; what a step has done is kept, and not done again."""
    done: set[int] = set()

    def once(number: int) -> None:
        if number not in done:
            done.add(number)
            post_comment(number, "Changed as asked.")

    return resumed(draft, once)


INPUT = {"draft": "The price is 5."}
VARY = {"/draft": ["It is cheap."]}
RULE = "COMMENTED-ONCE"
WITNESS = {"changes": [["/draft", "It is cheap."]]}
CAUSE = {"tool": "ask_reviewer", "nth": 1}
