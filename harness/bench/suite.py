"""A suite: tasks, the conditions they are done under, and how figures come from what was found.

A suite that comes with harness is a folder ``NAME`` under ``benchmarks/suites``, which travels with it: a package that
defines ``SUITE``, or a directory with a ``suite.yaml``. Others are found by their path, or offered by a package
(``harness.bench.discover``).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

from harness.bench.figures import SEED, Figure
from harness.bench.task import Cell, Condition, Row, Task
from harness.errors import UsageError

PREFIX: Final = "harness_suite_"
"""What the module of a suite is called while it runs: this and the suite's name."""

DATA: Final = "HARNESS_DATA"
"""The variable of the environment that names the folder of data where no option does."""


@dataclass(frozen=True)
class Suite:
    """A measurement that can be made again.

    ``run`` does one cell in an empty folder of its own and gives what it found as JSON; the same cell always finds the
    same. ``figures`` makes the reported numbers of all rows. An exception out of ``run`` says that the measurement
    failed, not that what is measured did. What it gives may hold ``trace``, the path of one in its folder, which is
    then kept.

    ``measured`` names the figures, and the entries of rows, that are times and memory, never the same twice. ``needs``
    says what has to be there, in words. ``pinned`` gives more for the manifest, as JSON: models, prompts, data by their
    digests. ``home`` is the file or folder that the suite is made of; by default that of the module of ``run``.
    ``ready`` is called once before anything is done: UsageError where something the suite needs is not there.
    ``given`` makes of a folder of recorded data the suite whose tasks are in it: UsageError where none are.
    """

    name: str
    version: str
    title: str
    tasks: tuple[Task, ...]
    conditions: tuple[Condition, ...]
    run: Callable[[Cell, Path], Mapping[str, Any]]
    figures: Callable[[Sequence[Row]], Mapping[str, Figure]]
    measured: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    pinned: Callable[[], Mapping[str, Any]] = dict
    home: Path | None = None
    ready: Callable[[], object] = dict
    given: Callable[[Path], Suite] | None = None

    def __post_init__(self) -> None:
        if "/" in self.name or self.name.startswith(".") or not self.name:
            cure = "a suite has the name of a folder, that of its results: letters, digits and '-'"
            raise UsageError(f"{self.name!r} cannot name a suite", cure=cure)
        [(name, times)] = Counter(task.name for task in self.tasks).most_common(1) or [("", 0)]
        if times > 1:
            raise UsageError(f"{times} tasks are named {name!r}", where=f"suite {self.name}", cure="one name for each")

    def cells(self, seeds: int = 1, first: int = SEED) -> Iterator[Cell]:
        """Yield the cells in the suite's own order; seeded tasks with ``seeds`` seeds that follow one another."""
        if seeds < 1:
            raise UsageError(f"{seeds} seeds measure nothing", cure="--seeds 1 or more")
        for task in self.tasks:
            for condition in self.conditions:
                if condition.takes(task):
                    drawn = range(first, first + (seeds if task.seeded else 1))
                    for seed in drawn if task.trials is None else task.trials.get(condition.name, ()):
                        yield Cell(task, condition, seed)


def with_data(suite: Suite, folder: Path | None) -> Suite:
    """Give a suite with the tasks of a folder of data, which may be named by the environment; else as it is.

    UsageError for a suite that takes no data, for one that has no tasks without, and for a folder that is none.
    """
    if suite.given is None:
        if folder is not None:
            raise UsageError(f"suite {suite.name} takes no data", where="--data", cure="leave it out")
        return suite
    named = folder or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if named is None:
        if not suite.tasks:
            cure = f"--data DIR, or set {DATA}"
            raise UsageError(f"needs {', '.join(suite.needs)}", where=f"suite {suite.name}", cure=cure)
        return suite
    if not named.is_dir():
        cure = "name the folder that holds the recorded data"
        raise UsageError("there is no such folder", where=str(named), cure=cure)
    return suite.given(named.resolve())


def suite_names() -> list[str]:
    """Give the names of the suites that come with harness, and of those that installed packages offer."""
    from harness.bench.discover import installed_suites  # reads suites itself

    return sorted({*_shipped(), *installed_suites()})


def load_suite(name: str) -> Suite:
    """Load a suite by its name or its path; UsageError where there is none, or says what is wrong with it."""
    from harness.bench.discover import installed_suites, is_path, suite_at, suite_of_package  # the same

    if is_path(name):
        return suite_at(Path(name))
    shipped, installed = _shipped(), installed_suites()
    if name not in shipped:
        if name in installed:
            return suite_of_package(installed[name])
        raise UsageError("no such suite", where=name, cure=_nearest(name, sorted({*shipped, *installed})))
    folder = shipped[name]
    if not (folder / "__init__.py").is_file():
        return suite_at(folder)
    suite = getattr(load_module(PREFIX + name, folder / "__init__.py"), "SUITE", None)
    if not isinstance(suite, Suite):
        raise UsageError(f"suite {name} defines no SUITE", cure="SUITE = Suite(…) in its __init__.py")
    return suite


def suites_folder() -> Path:
    """Give the folder of the suites that come with harness, installed or in a checkout."""
    package = Path(cast("os.PathLike[str]", files("harness")))
    shipped = package / "_shipped" / "suites"
    return shipped if shipped.is_dir() else package.parent / "benchmarks" / "suites"


def load_module(name: str, file: Path) -> ModuleType:
    """Import a Python file, or the package whose ``__init__.py`` it is, under a name of its own, wherever it is."""
    if name in sys.modules:
        return sys.modules[name]
    inside = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _shipped() -> dict[str, Path]:
    """Give the folders of the suites that come with harness, by name."""
    found = (path.parent for path in suites_folder().glob("*/*") if path.name in ("__init__.py", "suite.yaml"))
    return {folder.name.replace("_", "-"): folder for folder in sorted(found)}


def _nearest(name: str, known: Sequence[str]) -> str:
    if Path(name).exists():
        return f"harness bench run ./{name}"
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"suites: {', '.join(known)}"
