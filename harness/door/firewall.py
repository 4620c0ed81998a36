"""The wall around a node of a plan, at the door: calls are heard before they are made.

What a node may not know is kept from it by what it is handed. But a worker is code, and may come by it otherwise:
through a shared history of messages, a variable, a file, another tool. Where a call that is made as a node holds the
value of a key that the node has not declared, the trace gets an artifact ``context_leak``; rules on it decide what
becomes of the call (registry ``common/firewall``), and where there are none it is refused, unless the app only tells
what it would do. ``converge.leaks`` says what is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from harness.converge.plan.board import Board
from harness.converge.plan.leaks import Leak
from harness.errors import Refused
from harness.run.drive import hearers
from harness.run.inputs import Call

if TYPE_CHECKING:
    from harness.door.session import Session

ARTIFACT: Final = "context_leak"
RULE: Final = "CONTEXT-FIREWALL"


@contextmanager
def walled(session: Session, board: Board, node: str) -> Iterator[None]:
    """Let the code inside, and the tasks it creates, act as a node of a board, and hear what it says."""
    token = hearers.set((*hearers.get(), partial(_hear, session, board, node)))
    try:
        with session.acting(node):
            yield
    finally:
        hearers.reset(token)


def _hear(session: Session, board: Board, node: str, wanted: Call) -> None:
    """Raise Refused for a call that tells what its node may not know, as far as rules and mode want that."""
    leaks = board.leaks(node, wanted.args)
    if not leaks:
        return
    places = [{"key": leak.key, "at": leak.at} for leak in leaks]
    session.artifact(ARTIFACT, {"node": node, "tool": wanted.tool, "leaks": places})
    app = session.app
    if app.mode == "enforce" and all(rule.artifact != ARTIFACT for rule in app.registry.invariants):
        raise _refused(node, wanted.tool, leaks)


def _refused(node: str, tool: str, leaks: tuple[Leak, ...]) -> Refused:
    keys = ", ".join(dict.fromkeys(leak.key for leak in leaks))
    reason = f"{node} does not read {keys}, and its value stands at {leaks[0].at or '/'}"
    return Refused(RULE, reason, call=tool, alternative="Declare the key among what the node reads.")
