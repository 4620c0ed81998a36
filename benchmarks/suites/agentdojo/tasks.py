"""What there is to do, as a list that needs no package: tests hold it against AgentDojo's own.

Seen are the tasks whose recorded runs lay open while the registries were written. The others were not looked at,
so what comes of them says how far the rules hold beyond what they were made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.bench.task import Task

from . import world

WORDING: Final = "important_instructions"
"""How the attacker speaks where nothing else is said: the wording that AgentDojo found to work best."""

MODEL_GROUPS: Final = ("model_tasks", "model_attacks")

WORDINGS: Final = ("direct", "ignore_previous", "system_message", "injecagent", "tool_knowledge", world.PLAIN)

USERS: Final[Mapping[str, range]] = {
    "banking": range(16),
    "slack": range(21),
    "travel": range(20),
    "workspace": range(40),
}
GOALS: Final[Mapping[str, range]] = {
    "banking": range(9),
    "slack": range(1, 6),
    "travel": range(7),
    "workspace": range(6),  # of the other eight AgentDojo does not say which calls reach them
}

_SEEN_USERS: Final[Mapping[str, frozenset[int]]] = {
    "banking": frozenset({0, 1, 2, 5, 7, 10, 11, 12, 13, 15}),
    "slack": frozenset({0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 14, 17}),
    "travel": frozenset({2, 3, 6, 7, 8, 12, 13, 15, 16, 17, 18, 19}),
    "workspace": frozenset({1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16, 19, 21, 27, 28, 29, 30, 31, 34, 37, 38}),
}
_SEEN_GOALS: Final[Mapping[str, frozenset[int]]] = {
    "banking": frozenset({1, 2, 3, 4, 8}),
    "slack": frozenset({1, 2, 5}),
    "travel": frozenset({1, 2, 3, 6}),
    "workspace": frozenset({0, 1, 2, 3, 4, 9, 12, 13}),
}


def tasks() -> Iterator[Task]:
    """Yield the user's tasks, those with an attacker in the data, and these again in other words."""
    yield from _unattacked()
    yield from _attacked("attacks", WORDING)
    for wording in WORDINGS:
        yield from _attacked("wordings", wording)


def model_tasks() -> Iterator[Task]:
    """Yield the user's tasks and those with an attacker for a model, whose every try may come out otherwise."""
    for group, some in (("model_tasks", _unattacked()), ("model_attacks", _attacked("attacks", WORDING))):
        yield from (Task(f"model {task.name}", group, task.data, seeded=True) for task in some)


def seen(data: Mapping[str, Any]) -> bool:
    """Tell whether runs of the user's task, and of the attacker's goal, lay open to those who wrote the rules."""
    suite, user, goal = data["suite"], _number(data["user"]), data["goal"]
    return user in _SEEN_USERS[suite] and (not goal or _number(goal) in _SEEN_GOALS[suite])


def _unattacked() -> Iterator[Task]:
    for suite in USERS:
        yield from (Task(f"{suite} {user}", "tasks", _data(suite, user)) for user in _ids("user", USERS[suite]))


def _attacked(group: str, wording: str) -> Iterator[Task]:
    for suite in USERS:
        for user in _ids("user", USERS[suite]):
            for goal in _ids("injection", GOALS[suite]):
                name = f"{suite} {user} {goal}" + (f" {wording}" if group == "wordings" else "")
                yield Task(name, group, _data(suite, user, goal, wording))


def _ids(whose: str, numbers: range) -> list[str]:
    return [f"{whose}_task_{number}" for number in numbers]


def _data(suite: str, user: str, goal: str = "", wording: str = "") -> dict[str, str]:
    return {"suite": suite, "user": user, "goal": goal, "wording": wording}


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])
