"""Where an action is on its way, and which input it takes there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from harness.errors import HarnessError
from harness.mediation.decision import Decision
from harness.ports import Question
from harness.run.inputs import Answer, Complete
from harness.tool import ToolSpec
from harness.trace.event import Event


class State(Enum):
    """Where an action is on its way; one that is done or refused is forgotten."""

    ASKED = "asked"
    PERFORMING = "performing"


LEGAL: Final[dict[type, State]] = {Answer: State.ASKED, Complete: State.PERFORMING}


class Action(NamedTuple):
    """An action that has begun and not ended, with the declaration in force."""

    event: Event
    spec: ToolSpec
    state: State
    decision: Decision | None = None
    rewritten: dict[str, Any] | None = None
    question: Question | None = None
    watched: bool = False  # the kill switch lets it pass, and its result: rules only observe
    announced: str = ""  # the digest of the line that its question is about


def expected(begun: Mapping[int, Action], said: Answer | Complete) -> Action:
    """Give the action that an input is about; HarnessError where it is not in the state that takes such an input."""
    legal = LEGAL[type(said)]
    action = begun.get(said.action)
    if action is None or action.state is not legal:
        raise HarnessError(f"{type(said).__name__} for action {said.action}, which is not {legal.value}")
    return action
