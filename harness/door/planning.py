"""A plan in a session: every worker is the agent's own code, acts under its node's name, and sees its node's view.

Workers run in the context that the plan was pursued in, each in a copy of its own: what one of them sets there, no
other finds. The board runs as the agent's own code too, so that a replay computes it again.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from harness.adapters.files import found_in, read_text
from harness.converge.plan.board import Board, Standing
from harness.converge.plan.change import Change
from harness.converge.plan.file import document_of, plan_in
from harness.converge.plan.plan import Plan
from harness.converge.plan.view import View
from harness.converge.routine.file import is_routine, routine_in
from harness.converge.routine.routine import Routine
from harness.door.awaiting import asynchronous, refuse_awaitable
from harness.door.firewall import walled
from harness.door.routines import planned, tools_of
from harness.errors import Refused, UsageError
from harness.registry.complaint import nearest
from harness.trace.value import with_fields
from harness.trace.verdict import Move

if TYPE_CHECKING:
    from harness.door.session import Session

Worker = Callable[[View], Any]
Workers = Mapping[str, Worker] | Worker
Revise = Callable[[Standing], Change | Awaitable[Change | None] | None]
Pursued = Plan | Board | Routine | str | Path

MACHINE: Final = "plan"


class Pursuit(NamedTuple):
    """What came of a plan.

    ``results`` are the values it was pursued for, those that are there. ``left`` says of each node that is not finished
    why; it is empty where the ``end`` is done. ``board`` is what can be pursued further.
    """

    end: Literal["done", "stuck"]
    results: dict[str, Any]
    left: dict[str, str]
    board: Board


def pursue(
    session: Session,
    plan: Pursued,
    workers: Workers | None,
    given: Mapping[str, Any],
    revise: Revise | None = None,
) -> Pursuit:
    """Pursue a plan, one node after the other; see ``Session.pursue``."""
    pursuing = _Pursuing(session, plan, workers, given, revise)
    pursuing.check_synchronous()
    pursuing.begin()
    while ready := pursuing.board.ready():
        ended = pursuing.context.copy().run(pursuing.attempt, ready[0])
        if ended and revise is not None:
            pursuing.revised(revise(pursuing.board.standing()))
    return pursuing.ended()


async def apursue(
    session: Session,
    plan: Pursued,
    workers: Workers | None,
    given: Mapping[str, Any],
    revise: Revise | None = None,
) -> Pursuit:
    """Do what ``pursue`` does with all nodes at once that are ready; a worker's answer may be awaited."""
    pursuing = _AsyncPursuing(session, plan, workers, given, revise)
    pursuing.begin()
    try:
        async with asyncio.TaskGroup() as pursuing.group:
            pursuing.spread()
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return pursuing.ended()


class _Pursuing:
    """One plan on its way: its board, its workers, and the lines it writes."""

    def __init__(
        self, session: Session, plan: Pursued, workers: Workers | None, given: Mapping[str, Any], revise: Revise | None
    ) -> None:
        self.session, self.revise = session, revise
        self.registry = session.app.registry
        plan, own = self._read(plan)
        if isinstance(plan, Board) and given:
            raise UsageError("a board holds what was given", cure="leave 'given' out")
        self.board = plan if isinstance(plan, Board) else Board(plan, given, self.registry)
        self.workers = workers if callable(workers) else {**own, **(workers or {})}
        self._check_workers(self.board.plan)

    def _read(self, plan: Pursued) -> tuple[Plan | Board, Mapping[str, Worker]]:
        """Give what is to be pursued, with the workers it brings along."""
        if isinstance(plan, str | Path):
            document = document_of(read_text(found_in(plan, self.session.app.places)), str(plan))
            routine = is_routine(document)
            plan = routine_in(document, tools_of(self.session.app)) if routine else plan_in(document, self.registry)
        return planned(self.session.app, plan) if isinstance(plan, Routine) else (plan, {})

    def begin(self) -> None:
        """Write what is pursued; whoever pursues it has spoken then, and its workers speak from below it."""
        self._tell(self.board.plan.name, {"does": "begin", **self.board.facts()})
        self.context = contextvars.copy_context()

    def worker(self, name: str) -> Worker:
        return self.workers if callable(self.workers) else self.workers[name]

    def check_synchronous(self) -> None:
        """Raise UsageError where a worker is a coroutine function, before anything is done."""
        workers = {f"the worker of {name}": self.worker(name) for name in self.board.plan.by_name}
        for what, function in {**workers, "revise": self.revise}.items():
            if inspect.iscoroutinefunction(function):
                raise asynchronous(what, "apursue")

    def attempt(self, name: str) -> bool:
        """Call the worker of a node once; tell whether the node has ended, finished or exhausted."""
        view = self.board.begin(name)
        with walled(self.session, self.board, name):
            try:
                written = self.worker(name)(view)
                refuse_awaitable(written, f"the worker of {name}", "apursue")
                kept = self.judged(name, written)
            except Exception as error:  # noqa: BLE001 - whatever a worker raises costs it a try
                return self.failed(name, error)
            return self.finished(name, kept)

    def judged(self, name: str, written: Any) -> dict[str, Any]:
        """Give what a worker has written, if it is what the node declares and no rule blocks it."""
        if isinstance(written, Mapping):
            written = {key: with_fields(value) for key, value in written.items()}
        kept = self.board.accept(name, with_fields(written))
        for key, value in kept.items():
            if key in self.registry.artifacts:
                self.session.artifact(key, value)
        return kept

    def finished(self, name: str, kept: dict[str, Any]) -> bool:
        self._tell(name, {"does": "finish", "written": self.board.finish(name, kept)})
        return True

    def failed(self, name: str, error: BaseException) -> bool:
        why = _told(error)
        again = self.board.fail(name, why)
        lost = {} if again else {"unreachable": [one for one, state in self._states() if state == "unreachable"]}
        self._tell(name, {"does": "fail", "why": why, "again": again, **lost})
        return not again

    def revised(self, change: Any) -> None:
        """Make a change of the plan, or write why it is not made; UsageError for what is no change."""
        if change is None:
            return
        refuse_awaitable(change, "revise", "apursue")
        if not isinstance(change, Change):
            raise UsageError(f"revise gave a {type(change).__name__}", cure="give a Change, or None for none")
        why = ""
        try:
            self._check_workers(Plan(self.board.plan.name, (*change.add, *change.replace)))
            self.board.change(change)
        except UsageError as error:
            why = str(error)
        done = {"does": "refuse", "why": why} if why else {"does": "change"}
        self._tell(self.board.plan.name, {**done, "change": change.facts()})

    def ended(self) -> Pursuit:
        board = self.board
        return Pursuit("done" if board.done else "stuck", board.results, board.left(), board)

    def _states(self) -> list[tuple[str, str]]:
        return [*self.board.states().items()]

    def _check_workers(self, plan: Plan) -> None:
        if callable(self.workers):
            return
        for name in plan.by_name:
            if name not in self.workers:
                cure = nearest(name, self.workers) or "give one worker for each node, or a function for all of them"
                raise UsageError(f"the node {name} of {plan.name} has no worker", cure=cure)

    def _tell(self, name: str, data: dict[str, Any]) -> None:
        self.session.state(MACHINE, name, data)


class _AsyncPursuing(_Pursuing):
    """Every try of a node is a task, begun from the context of the plan and never from that of another node."""

    group: asyncio.TaskGroup

    def spread(self) -> None:
        """Begin all that is ready."""
        for name in self.board.ready():
            view = self.board.begin(name)
            self.group.create_task(self._aattempt(name, view), context=self.context.copy())

    async def _aattempt(self, name: str, view: View) -> None:
        with walled(self.session, self.board, name):
            ended = await self._acall(name, view)
        if ended and self.revise is not None:
            change = self.revise(self.board.standing())
            self.revised(await change if inspect.isawaitable(change) else change)
        self.spread()

    async def _acall(self, name: str, view: View) -> bool:
        try:
            written = self.worker(name)(view)
            kept = self.judged(name, await written if inspect.isawaitable(written) else written)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self.failed(name, error)  # something else was cancelled that the worker has waited for
        except Exception as error:  # noqa: BLE001 - whatever a worker raises costs it a try
            return self.failed(name, error)
        return self.finished(name, kept)


def _told(error: BaseException) -> str:
    """Say why a try failed; of a rule's refusal also how far away the nearest right values are."""
    if isinstance(error, Refused):
        moves = [str(Move(**{**move, "one_of": tuple(move.get("one_of", ()))})) for move in error.gradient]
        return "; ".join([str(error), *moves])
    return f"{type(error).__name__}: {error}"
