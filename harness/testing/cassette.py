"""What a test's marker says, and which trace file belongs to it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from harness.adapters.files import SUFFIX

_SAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST: Final = 100


class Marked(NamedTuple):
    """What ``@pytest.mark.harness(…)`` says, that of a class or module joined with the test's own.

    ``trace`` and ``path`` (a folder to import the entry from) are relative to the test's file; ``registry`` names one
    or several registries. ``violated`` are the rules that are expected to be violated, each of them.
    """

    trace: str | Path | None = None
    registry: Any = None
    entry: Any = None
    path: str | Path | None = None
    tolerate: Sequence[str] = ()
    violated: Sequence[str] = ()


def marked(item: pytest.Item) -> Marked:
    """Read the markers of a test; pytest.UsageError names a field that there is not."""
    said: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("harness"))):
        unknown = [repr(value) for value in marker.args] + [key for key in marker.kwargs if key not in Marked._fields]
        if unknown:
            known = ", ".join(f"{name}=…" for name in Marked._fields)
            raise pytest.UsageError(f"{item.nodeid}: the marker harness has no field {unknown[0]}; it takes {known}")
        said |= marker.kwargs
    several = {name: [said[name]] for name in ("tolerate", "violated") if isinstance(said.get(name), str)}
    return Marked(**said | several)


def trace_of(item: pytest.Item) -> Path:
    """Give the trace file of a test: the marked one, or one named after the test beside the test's file."""
    said = marked(item).trace
    if said is not None:
        return beside(item, said)
    name = item.nodeid.partition("::")[2].replace("::", ".")
    safe = _SAFE.sub("-", name).strip("-")
    if len(safe) > _LONGEST or _SAFE.search(name.replace("[", "").replace("]", "")):
        safe = f"{safe[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    folder = Path(item.config.getini("harness_traces"))
    return item.path.parent / folder / item.path.stem / f"{safe}{SUFFIX}"


def beside(item: pytest.Item, path: str | Path) -> Path:
    """Read a path as relative to the file of the test."""
    return Path(os.path.normpath(item.path.parent / path))


def registries_of(item: pytest.Item, said: Any) -> list[Any]:
    """Find registries beside the test's file, in the root of the tests, or among those that are shipped."""
    names = [said] if isinstance(said, str | Path) else list(said)
    places = [(item.path.parent / name, item.config.rootpath / name, name) for name in names]
    return [next((one for one in some[:2] if one.is_file()), some[2]) for some in places]


def refuse_shared_traces(items: Iterable[pytest.Item]) -> None:
    """See that no two tests record into one file; pytest.UsageError names both."""
    owners: dict[Path, pytest.Item] = {}
    for item in items:
        path = trace_of(item)
        owner = owners.setdefault(path, item)
        if owner is not item:
            raise pytest.UsageError(
                f"{owner.nodeid} and {item.nodeid} would record the same trace, {path}: give each its own trace=…, "
                "or leave it out"
            )


def shown(item: pytest.Item, path: Path) -> str:
    """Write a path as a reader of pytest's output can use it: relative to where pytest was started."""
    try:
        return str(path.relative_to(item.config.invocation_params.dir))
    except ValueError:
        return str(path)


def command_for(item: pytest.Item, mode: str) -> str:
    """Give the command that runs one test alone."""
    name = f"{shown(item, item.path)}::{item.nodeid.partition('::')[2]}"
    return f"pytest {shlex.quote(name)} --harness-record={mode}"
