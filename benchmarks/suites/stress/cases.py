"""The corpus as values: agents with one documented bug each, the same agents mended, and how the bug comes to light.

A case is a module of ``agents``. Its docstring says what is wrong, its names are those of ``Case``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.door.agents import load_entry
from harness.door.app import Harness
from harness.stress.schedule import Schedule, schedule_of

FOLDER: Final = Path(__file__).parent
"""What has to be on the path for an entry to be found."""

_SAID: Final = re.compile(
    r"\A(?P<title>.+?)\n\nFamily: (?P<family>.+?)\n(?P<how>Planted|Reported): (?P<source>.+?)\Z", re.DOTALL
)


class Cause(NamedTuple):
    """The call that tips a run over: of which tool, and which of its calls, from 1."""

    tool: str
    nth: int


class Case(NamedTuple):
    """One agent with a bug.

    ``agent`` violates ``rule`` of ``app`` when it is given ``input`` and struck by ``witness``; ``mended`` does not.
    ``entry`` and ``mended_entry`` are their names, found with ``FOLDER`` on the path. ``fresh`` puts the agent's world
    back and has to be called before each run. ``vary`` are other values that its input may have, by pointer. ``cause``
    is the earliest call without whose fault nothing would have gone wrong; where only turns do harm, the call that a
    turn brings forward or puts off. ``source`` says what is wrong, or where that was ``reported``.
    """

    name: str
    family: str
    title: str
    source: str
    reported: bool
    app: Harness
    agent: Callable[..., Any]
    mended: Callable[..., Any]
    fresh: Callable[[], None]
    input: Mapping[str, Any]
    vary: Mapping[str, Sequence[Any]]
    rule: str
    witness: Schedule
    cause: Cause

    @property
    def entry(self) -> str:
        """The name of the agent with the bug."""
        return f"stress_agents.{self.name}:agent"

    @property
    def mended_entry(self) -> str:
        """The name of the agent without it."""
        return f"stress_agents.{self.name}:mended"


def case_names() -> list[str]:
    """Give the names of all cases, in order."""
    return sorted(path.stem for path in (FOLDER / "agents").glob("[a-z]*.py"))


def case_of(name: str) -> Case:
    """Give one case; ValueError where its docstring does not say what a case has to say."""
    agent = load_entry(f"stress_agents.{name}:agent", str(FOLDER))
    module: Any = sys.modules[agent.__module__]
    said = _SAID.match((module.__doc__ or "").strip())
    if said is None:
        raise ValueError(
            f"agents/{name}.py: the docstring has to be a title, 'Family: …', and 'Planted: …' or 'Reported: …'"
        )
    return Case(
        name=name,
        family=_line(said["family"]),
        title=_line(said["title"]),
        source=_line(said["source"]),
        reported=said["how"] == "Reported",
        app=module.APP,
        agent=agent,
        mended=module.mended,
        fresh=module.fresh,
        input=module.INPUT,
        vary=getattr(module, "VARY", {}),
        rule=module.RULE,
        witness=schedule_of(module.WITNESS),
        cause=Cause(**module.CAUSE),
    )


def cases() -> list[Case]:
    """Give all cases, in the order of their names."""
    return [case_of(name) for name in case_names()]


def _line(text: str) -> str:
    return " ".join(text.split())
