"""A session without an app, for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.door.app import Harness
from harness.door.session import Session


def session(
    *, registry: str | Path | Sequence[str | Path] | None = None, trace: str | Path | None = None, **labels: Any
) -> Session:
    """Open one session of an app made for it; inside another session, join that one."""
    return Harness(registry).session(trace=trace, **labels)
