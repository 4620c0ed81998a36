"""Putting an agent's world back to how it was, before each run."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable

from harness.door.agents import entry_name
from harness.errors import HarnessError


def put_world_back(before: Callable[[], object]) -> None:
    """Call what puts the world back; HarnessError for what it raises, and where it gives what nobody would await."""
    try:
        given = before()
    except HarnessError:
        raise
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{entry_name(before)} has to put the agent's world back, and raises {type(error).__name__}: {error}"
        raise HarnessError(f"{line.filename}:{line.lineno}: {said}") from error
    if inspect.iscoroutine(given):
        given.close()
        raise HarnessError(
            f"{entry_name(before)} has to put the agent's world back, and is async, which nobody awaits\n"
            "    cure  name a plain function; asyncio.run in it calls the other one"
        )
