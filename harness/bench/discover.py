"""Find the suites that others have written: by a path, or among installed packages.

A suite of one's own is a Python file that defines ``SUITE``, a package that does, or a directory with a ``suite.yaml``.
A package offers one under the entry point group ``harness.suites``: its ``SUITE``, or the package whose folder holds
the ``suite.yaml``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from harness.bench.declared import FILE
from harness.bench.suite import PREFIX, Suite, load_module, suites_folder
from harness.determinism.canonical import digest_of
from harness.errors import HarnessError, UsageError

GROUP: Final = "harness.suites"
"""The entry point group of suites."""

_loaded: dict[str, Suite] = {}


def is_path(name: str) -> bool:
    """Tell whether a name is one of a file or a folder, and not that of a suite."""
    return name.endswith(".py") or "/" in name or os.sep in name or name.startswith(".")


def installed_suites() -> dict[str, EntryPoint]:
    """Give the suites that installed packages offer, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def suite_of_package(point: EntryPoint) -> Suite:
    """Load a suite that a package offers; UsageError where what it names is none."""
    try:
        found = point.load()
    except Exception as error:
        raise _unimportable(f"entry point {point.name} = {point.value}", error) from error
    if isinstance(found, ModuleType):
        folder = Path(found.__file__ or "").parent
        found = getattr(found, "SUITE", None) or (suite_at(folder) if (folder / FILE).is_file() else None)
    if not isinstance(found, Suite):
        cure = f"name a SUITE, or a package with a {FILE}"
        raise UsageError("is no suite", where=f"entry point {point.name} = {point.value}", cure=cure)
    return found


def suite_at(path: Path) -> Suite:
    """Load the suite at a path, once in a process; UsageError where there is none, or says what is wrong with it."""
    whole = path.resolve()
    if str(whole) not in _loaded:
        _loaded[str(whole)] = _suite_at(path, whole)
    return _loaded[str(whole)]


def _suite_at(path: Path, whole: Path) -> Suite:
    if (whole / FILE).is_file():
        return _declared()(whole if path.is_absolute() else path)
    file = whole / "__init__.py" if whole.is_dir() else whole
    if not file.is_file() or file.suffix != ".py":
        missing = f"holds neither {FILE} nor __init__.py" if whole.is_dir() else "there is no such file"
        what = "is no Python file" if file.is_file() else missing
        raise UsageError(what, where=str(path), cure=f"harness bench new {path.stem} writes a suite to begin with")
    suite = getattr(_imported(file), "SUITE", None)
    if not isinstance(suite, Suite):
        raise UsageError("defines no SUITE", where=str(path), cure="SUITE = Suite(…), from harness.bench.suite")
    return suite


def _declared() -> Callable[[Path], Suite]:
    """Give what makes a suite of a directory: it opens sessions, so it stands with the suites, above the door."""
    module = load_module(f"{PREFIX}declared", suites_folder() / "declared.py")
    made: Callable[[Path], Suite] = module.suite_of
    return made


def _imported(file: Path) -> ModuleType:
    """Import a file of the user's; like a script, it may import what stands beside it."""
    folder, package = file.parent, file.name == "__init__.py"
    if not package and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    name = f"{PREFIX}{digest_of(str(file))[:12]}_{folder.name if package else file.stem}"
    try:
        return load_module(name, file)
    except HarnessError:
        raise
    except Exception as error:
        raise _unimportable(str(file), error) from error


def _unimportable(what: str, error: Exception) -> UsageError:
    if isinstance(error, SyntaxError):
        where = f"{error.filename}:{error.lineno}"
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}:{last.lineno}"
    return UsageError(f"{what} cannot be imported: {type(error).__name__}: {error}", where=where)
