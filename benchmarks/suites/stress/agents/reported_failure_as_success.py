"""A tool answers that it has failed, nothing raises, and the task is called done.

Family: missing verification
Reported: https://github.com/crewAIInc/crewAI/pull/6712 -- a service that answers with an error inside a good response
counts as a tool that worked: five messages to a channel that does not exist were all shown as completed, and the run
as a success. This reproduces the mechanism, not the framework's code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import Harness
from harness.registry.load import load

RULES = """
registry: notices
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: DONE-MEANS-POSTED
    title: A notice is closed only after it was posted
    on: action
    tool: close_task
    require: happened(result, call.tool == "post" and call.args.notice == now.call.args.notice and result.ok)
    severity: high
    otherwise: observe
    says: "{call.args.notice} was not posted."
"""
APP = Harness(load(RULES, "notices.yaml"))
POSTED: list[str] = []


def fresh() -> None:
    """Put the world back."""
    POSTED.clear()


@APP.tool(effect="write")
def post(channel: str, notice: str) -> dict[str, Any]:
    """Post a notice to a channel."""
    POSTED.append(notice)
    return {"ok": True}


@APP.tool(effect="write")
def close_task(notice: str) -> str:
    """Close the task of a notice."""
    return "closed"


def used(channel: str, notice: str) -> Any:
    """Give what came of posting, in words where it has failed."""
    try:
        return post(channel, notice)
    except Exception as error:  # the model is to read it
        return f"API request failed: {error}"


def announce(notices: list[str], good: Callable[[Any], bool]) -> list[str]:
    """Post notices, and close the tasks of those whose result is ``good``; give the others."""
    left = []
    for notice in notices:
        if good(used("news", notice)):
            close_task(notice)
        else:
            left.append(notice)
    return left


@APP.agent
def agent(notices: list[str]) -> list[str]:
    """Post notices; what has come back without an exception has worked."""
    return announce(notices, bool)


@APP.agent
def mended(notices: list[str]) -> list[str]:
    """Post notices; what says that it has worked has worked."""
    return announce(notices, lambda said: isinstance(said, dict) and said.get("ok") is True)


INPUT = {"notices": ["moving day", "new menu"]}
RULE = "DONE-MEANS-POSTED"
WITNESS = {"inject": [{"fault": "error", "tool": "post", "nth": 1}]}
CAUSE = {"tool": "post", "nth": 1}
