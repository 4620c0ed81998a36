"""A convergence loop in a session: what proposes is the agent's own code, every round is a line of the trace."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from harness.converge.ground import Ground
from harness.converge.loop import Convergence, Gone, Loop, Proposed, Silent
from harness.converge.loop.ask import Ask
from harness.door.awaiting import refuse_awaitable
from harness.errors import Refused

if TYPE_CHECKING:
    from harness.door.session import Session

Propose = Callable[[Ask], Any]


def converge(session: Session, artifact: str, propose: Propose, given: Mapping[str, Any], tries: int) -> Convergence:
    """Lead a loop to its end; see ``Session.converge``."""
    leading = _Leading(session, artifact, given, tries)
    turn = leading.begin()
    while isinstance(turn, Ask):
        try:
            value = propose(turn)
            said: Proposed | Silent | Gone = Proposed(value)
        except Exception as error:  # noqa: BLE001 - whatever a proposer raises costs it a try
            said = _silent(error)
        else:
            refuse_awaitable(value, "the proposer", "aconverge")
        turn = leading.hear(said)
    return turn


async def aconverge(
    session: Session, artifact: str, propose: Propose, given: Mapping[str, Any], tries: int
) -> Convergence:
    """Do what ``converge`` does with a proposer that may be awaited."""
    leading = _Leading(session, artifact, given, tries)
    turn = leading.begin()
    while isinstance(turn, Ask):
        try:
            value = propose(turn)
            said: Proposed | Silent | Gone = Proposed(await value if inspect.isawaitable(value) else value)
        except Exception as error:  # noqa: BLE001 - the same
            said = _silent(error)
        turn = leading.hear(said)
    return turn


class _Leading:
    """One loop, and the lines that it writes: how it begins, each round, how it ends; the artifact comes last."""

    def __init__(self, session: Session, artifact: str, given: Mapping[str, Any], tries: int) -> None:
        self.session, self.artifact = session, artifact
        self.loop = Loop(Ground(session.app.registry, artifact, dict(given)), tries)
        self.told = 0

    def begin(self) -> Ask | Convergence:
        turn, ground = self.loop.start(), self.loop.ground
        problem = {"problem": ground.problem.digest} if ground.problem is not None else {}
        problem |= {"unread": ground.unread} if ground.unread else {}
        said = {"registry": ground.registry.digest, "given": dict(ground.given), "tries": self.loop.tries}
        self._tell({"outlook": self.loop.outlook, **said, **problem})
        return self._ended(turn) if isinstance(turn, Convergence) else turn

    def hear(self, said: Proposed | Silent | Gone) -> Ask | Convergence:
        turn = self.loop.hear(said)
        for one in self.loop.rounds[self.told :]:
            self._tell(one.facts())
        self.told = len(self.loop.rounds)
        return self._ended(turn) if isinstance(turn, Convergence) else turn

    def _ended(self, how: Convergence) -> Convergence:
        self._tell(how.facts())
        if how.value is not None:
            self.session.artifact(self.artifact, how.value)
        return how

    def _tell(self, data: dict[str, Any]) -> None:
        self.session.state("converge", self.artifact, data)


def _silent(error: Exception) -> Silent | Gone:
    if isinstance(error, Refused):
        return Gone(str(error))
    return Silent(f"{type(error).__name__}: {error}")
