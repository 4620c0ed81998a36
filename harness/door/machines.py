"""What harness does for an agent inside a session: goals led there, artifacts converged on, votes held, plans pursued.

Each is a machine that runs as the agent's own code: what it calls passes the door, and on replay it runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack, cast

if TYPE_CHECKING:
    from harness.converge.loop import Convergence
    from harness.converge.loop.ask import Ask
    from harness.converge.vote.race import Voted
    from harness.door.planning import Pursued, Pursuit, Revise, Workers
    from harness.door.routes import Routed
    from harness.door.session import Session
    from harness.door.voting import Ballot, How


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

    def vote(self, artifact: str, ask: Callable[[Ballot], Any], **how: Unpack[How]) -> Voted:
        """Ask for an artifact until one answer is ``lead`` votes (3) ahead of every other, or ``most`` (50) were asked.

        ``ask`` is given a ``Ballot`` and returns JSON data, or a ``Reply`` that also says how many tokens it took.
        Ballots take the ``variants`` of the prompt in turn. A reply is discarded where the registry's rules on the
        artifact speak against it, where it takes more than ``longest`` tokens (750), and where ``ask`` raises; what
        harness raises, such as Refused, ends the vote. With ``accuracies``, measured ones by variant, votes are
        weighted, and ``error`` says, in place of ``lead``, how probable a wrong answer may be. A ``controller`` ends
        the vote as soon as one more is not worth asking for. What was decided is recorded as the artifact, and judged.
        """
        from harness.door.voting import terms_of, vote

        return vote(self._session, artifact, ask, terms_of(**how))

    async def avote(self, artifact: str, ask: Callable[[Ballot], Any], **how: Unpack[How]) -> Voted:
        """Do what ``vote`` does with all ballots at once that it takes in any case; an answer may be awaited."""
        from harness.door.voting import avote, terms_of

        return await avote(self._session, artifact, ask, terms_of(**how))

    def pursue(
        self,
        plan: Pursued,
        workers: Workers | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        revise: Revise | None = None,
    ) -> Pursuit:
        """Pursue a plan node by node, or a routine step by step, each behind a wall of its own.

        ``plan`` is one, or its file, or a board that is to be pursued further. A worker is called with the view of its
        node and returns the keys that the node writes; ``workers`` are given by node, or one for all, and those of a
        routine call its tools. What a worker raises, what does not fit and what a rule blocks cost a try.
        ``revise`` is shown where things stand after each node, and may change what is left of the plan. What is not
        finished is told, never skipped in silence. PlanError lists all that is wrong with a plan.
        """
        from harness.door.planning import pursue

        return pursue(self._session, plan, workers, given or {}, revise)

    async def apursue(
        self,
        plan: Pursued,
        workers: Workers | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        revise: Revise | None = None,
    ) -> Pursuit:
        """Do what ``pursue`` does with all nodes at once that are ready; what a worker returns may be awaited."""
        from harness.door.planning import apursue

        return await apursue(self._session, plan, workers, given or {}, revise)
