"""Questions of a user are answered side by side, and a quick answer overtakes the one before it.

Family: out-of-order completion
Planted: an answer is sent when it is there; the mended agent sends answers in the order of the questions.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: chat
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: IN-ORDER
    title: Answers are sent in the order of the questions
    on: action
    tool: send
    require: not happened(action, call.tool == "send" and call.args.content.number > now.call.args.content.number)
    severity: medium
    otherwise: observe
    says: A later question was answered before.
"""
APP = Harness(load(RULES, "chat.yaml"))
ANSWERS = {"When do you open?": "At nine.", "And on Sundays?": "At ten."}


def fresh() -> None:
    """Put the world back: nothing is kept."""


@APP.tool(effect="read")
async def think(question: str) -> str:
    """Think about the answer to a question."""
    await asyncio.sleep(2)
    return ANSWERS[question]


def tell(number: int, text: Any) -> None:
    """Send the answer to a question."""
    APP.session().send("user", {"number": number, "text": text})


@APP.agent
async def agent(questions: list[str]) -> None:
    """Answer questions."""

    async def one(number: int, question: str) -> None:
        tell(number, await think(question))

    await asyncio.gather(*(one(*asked) for asked in enumerate(questions)), return_exceptions=True)


@APP.agent
async def mended(questions: list[str]) -> None:
    """Answer questions, one after the other as far as the user can see."""
    thinking = [asyncio.ensure_future(think(question)) for question in questions]
    await asyncio.wait(thinking)
    for number, one in enumerate(thinking):
        if not one.exception():
            tell(number, one.result())


INPUT = {"questions": list(ANSWERS)}
RULE = "IN-ORDER"
WITNESS = {"turns": [[0, 1]]}
CAUSE = {"tool": "think", "nth": 2}
