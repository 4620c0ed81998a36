"""What a result depends on, by digest: the suite, harness, the interpreter, packages, registries, models, seeds.

How the cells were done (where, by how many, in which order) is not in it, because nothing depends on that.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from harness.adapters.registries import load_registry
from harness.bench.figures import installed
from harness.bench.suite import PREFIX, Suite
from harness.bench.task import Cell

_DISTRIBUTION: Final = "agent-assurance-harness"
_NO_PART: Final = ("test", "ray")  # extras that no measurement depends on
_REGISTRY: Final = re.compile(r"^registry:", re.MULTILINE)


def identity(suite: Suite, version: str) -> dict[str, Any]:
    """Give all that rows of this suite depend on, but for which of them there are; ``version`` is that of harness.

    Reads every file of the suite, and every file of harness.
    """
    return {
        "suite": {"name": suite.name, "version": suite.version, "digest": suite_digest(suite)},
        "code": {"version": version, "digest": code_digest()},
        "python": platform.python_version(),
        "packages": dict(_packages()),
        "registries": _registries(suite),
        **suite.pinned(),
    }


def manifest_of(stands: Mapping[str, Any], cells: Iterable[Cell]) -> dict[str, Any]:
    """Give the whole manifest: an identity, and the seeds, conditions and tasks of the cells there are."""
    there = list(cells)
    return {
        **stands,
        "models": stands.get("models", []),
        "seeds": sorted({cell.seed for cell in there}),
        "conditions": list(dict.fromkeys(cell.condition.name for cell in there)),
        "tasks": len({cell.task.name for cell in there}),
        "cells": len(there),
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the entries in which two identities differ."""
    return [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]


def suite_digest(suite: Suite) -> str:
    """Give the digest of every file of a suite, by name and content; empty where it has none of its own."""
    home = home_of(suite)
    return _digest(home) if home else ""


def home_of(suite: Suite) -> Path | None:
    """Give the file or folder that a suite is made of: the one it names, else that of the module of its ``run``."""
    if suite.home is not None:
        return suite.home
    name = getattr(suite.run, "__module__", "")
    top = name.partition(".")[0] if name.startswith(PREFIX) else name
    file = getattr(sys.modules.get(top), "__file__", None)
    if file is None:
        return None
    return Path(file).parent if Path(file).name == "__init__.py" else Path(file)


@lru_cache(1)
def code_digest() -> str:
    """Give the digest of harness itself, whatever version it says it is."""
    return _digest(Path(__file__).parents[1])


def _digest(home: Path) -> str:
    """Digest a file, or a folder with all in it that is neither hidden nor made by the interpreter."""
    whole = hashlib.sha256()
    for name, file in sorted((path.relative_to(home).as_posix(), path) for path in _files(home)):
        whole.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _files(home: Path) -> Iterable[Path]:
    if home.is_file():
        return [home]
    every = (path for path in home.rglob("*") if path.is_file())
    return [
        path
        for path in every
        if not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(home).parts)
    ]


def _registries(suite: Suite) -> dict[str, str]:
    """Give the registries that stand among the files of a suite, each with the digest of what it means."""
    home = home_of(suite)
    if home is None or not home.is_dir():
        return {}
    there = sorted(path for path in _files(home) if path.suffix in (".yaml", ".yml"))
    return {
        path.relative_to(home).as_posix(): load_registry(path).digest
        for path in there
        if _REGISTRY.search(path.read_text(encoding="utf-8"))
    }


def _packages() -> Iterable[tuple[str, str]]:
    """Yield what is installed of all that harness and its extras ask for."""
    for asked in sorted(metadata.requires(_DISTRIBUTION) or () if installed(_DISTRIBUTION) else ()):
        name = re.split(r"[^\w.-]", asked, maxsplit=1)[0]
        no_part = name == _DISTRIBUTION or any(re.search(rf"extra == ['\"]{extra}['\"]", asked) for extra in _NO_PART)
        if not no_part and (found := installed(name)):
            yield name, found
