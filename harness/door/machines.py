"""What harness does for an agent inside a session: goals led there, artifacts converged on, votes held, plans pursued.

Each is a machine that runs as the agent's own code: what it calls passes the door, and on replay it runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from harness.converge.ask import Ask
    from harness.converge.loop import Convergence
    from harness.door.routes import Routed
    from harness.door.session import Session


class Machines:
    """The part of a session that leads machines; each is imported with its first use, because few agents need it."""

    @property
    def _session(self) -> Session:
        return cast("Session", self)

    def route(self, goal: str, **facts: Any) -> Routed:
        """Lead a goal of the tool graph to its value, from these facts.

        The tools that serve are called one by one through the door. A failed one is gone around without asking a model;
        what cannot be gone around is taken back and raised as NoRoute. UsageError for a goal or a fact that the graph
        does not know.
        """
        from harness.door.routes import route

        return route(self._session, goal, facts)

    async def aroute(self, goal: str, **facts: Any) -> Routed:
        """Do what ``route`` does for asynchronous tools, with independent calls at once."""
        from harness.door.routes import aroute

        return await aroute(self._session, goal, facts)

    def converge(
        self,
        artifact: str,
        propose: Callable[[Ask], Any],
        *,
        given: Mapping[str, Any] | None = None,
        tries: int = 8,
    ) -> Convergence:
        """Ask for an artifact until it meets every rule of the registry, none can, or the tries are used up.

        ``propose`` is given an ``Ask`` and returns JSON data; what it raises costs a try, but for Refused, which ends
        the loop. ``given`` fields are constants. The artifact that converged is recorded last, and judged as any other;
        Refused where a rule on it that asks about the past blocks it. UsageError for an artifact that no rule is on.
        """
        from harness.door.converging import converge

        return converge(self._session, artifact, propose, given or {}, tries)

    async def aconverge(
        self,
        artifact: str,
        propose: Callable[[Ask], Any],
        *,
        given: Mapping[str, Any] | None = None,
        tries: int = 8,
    ) -> Convergence:
        """Do what ``converge`` does with a proposer whose answer may be awaited."""
        from harness.door.converging import aconverge

        return await aconverge(self._session, artifact, propose, given or {}, tries)
