"""The one shape of every measurement, for people and for programs.

::

    {"name", "version", "commit", "seed", "environment", "figures": {NAME: {"value", "unit", "interval", "target",
     "ok"}}, "rows": […]}
"""

from __future__ import annotations

import operator
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.errors import UsageError
from harness.statistics.interval import wilson

SEED: Final = 20_240_515

_RELATIONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}


class Figure(NamedTuple):
    """One reported number; ``target`` reads like ``<= 2`` and is empty where there is no bar.

    ``interval`` is what the unit says it is of: the smallest and largest sample of a time, the 95 % confidence interval
    of a count; None where nothing was sampled.
    """

    value: float
    unit: str
    interval: tuple[float, float] | None = None
    target: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the bar is met; None without a bar. UsageError for a target that does not read like one."""
        if not self.target:
            return None
        relation, _, bound = self.target.partition(" ")
        try:
            return _RELATIONS[relation](self.value, float(bound))
        except (KeyError, ValueError):
            raise UsageError(f"a target cannot be {self.target!r}", cure="write '<= 2', '>= 2', '== 2' …") from None


def counted(successes: int, trials: int, target: str = "") -> Figure:
    """Give the successes among sampled trials, with Wilson's 95 % interval of how many of as many others succeed.

    The trials are taken to be independent; ``measures.counted_by_task`` is for tasks that were done several times.
    """
    share = wilson(successes, trials)
    return Figure(successes, "1", (share.low * trials, share.high * trials), target)


def report_of(
    name: str,
    version: str,
    figures: Mapping[str, Figure],
    rows: Iterable[Mapping[str, Any]],
    *,
    seed: int = SEED,
    packages: Sequence[str] = (),
) -> dict[str, Any]:
    """Give the whole measurement as JSON, with the version of what is measured.

    ``packages`` are those whose versions matter, if they are installed.
    """
    return {
        "name": name,
        "version": version,
        "commit": _commit(),
        "seed": seed,
        "environment": _environment(packages),
        "figures": {key: {**figure._asdict(), "ok": figure.ok} for key, figure in figures.items()},
        "rows": list(rows),
    }


def installed(package: str) -> str | None:
    """Give the version of a distribution, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _environment(packages: Sequence[str]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "packages": {name: found for name in packages if (found := installed(name))},
    }


def _commit() -> str | None:
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None  # installed: a commit found above would be somebody else's
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or no commit yet
