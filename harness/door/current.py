"""Which session the calling code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from harness.run.drive import Run

if TYPE_CHECKING:
    from harness.door.session import Session

session_var: ContextVar[Session | None] = ContextVar("harness_session", default=None)


def current_run() -> Run | None:
    """Give the run of the session around the caller, started if this is its first call; None outside a session."""
    session = session_var.get()
    return None if session is None else session.live or session.started()
