"""Registries on a disk: found by path or by the name of a shipped one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from harness.adapters.files import read_text, shipped_registries
from harness.errors import UsageError
from harness.registry.load import load
from harness.registry.registry import Registry, join
from harness.routing.graph import Graph

_FOLDER: Final = "registries"
_SUFFIX: Final = ".yaml"
_elsewhere: ContextVar[tuple[Path, ...]] = ContextVar("folders of registries", default=())


def load_registry(*names: str | Path) -> Registry:
    """Load one or more registries as one.

    A name is a path, or what follows ``registries/`` in the working directory or among the shipped registries, with or
    without ``.yaml``. UsageError for a name that is nowhere, RegistryError for what is wrong inside.
    """
    if not names:
        raise UsageError("no registry was named", cure=f"shipped registries: {', '.join(_shipped())}")
    return join([_load(Path(name)) for name in names])


def recorded_graph(names: Sequence[str], *folders: str) -> Graph | None:
    """Give the graph of the registries that a trace's header names, as they are now; None where they are not there."""
    if not names:
        return None
    with looking_in(*folders):
        try:
            return load_registry(*names).graph
        except UsageError:
            return None


@contextmanager
def looking_in(*folders: str | Path) -> Iterator[None]:
    """Look for registries in these folders too while this is open, if the working directory does not have them."""
    token = _elsewhere.set(tuple(Path(folder) for folder in folders if folder))
    try:
        yield
    finally:
        _elsewhere.reset(token)


def _load(name: Path) -> Registry:
    file = _find(name, [])

    def read(base: str) -> str:
        return _text(_find(Path(base), [file.parent]))

    return load(_text(file), str(file), read=read)


def _text(file: Path) -> str:
    return read_text(file).removeprefix("\ufeff")


def _find(name: Path, beside: list[Path]) -> Path:
    for place in _places(name, beside):
        if place.is_file():
            return place
    shipped = _shipped()
    close = get_close_matches(name.stem, shipped, 1)
    cure = f"did you mean {close[0]!r}?" if close else f"shipped registries: {', '.join(shipped)}"
    raise UsageError("no such registry", where=str(name), cure=cure)


def _places(name: Path, beside: list[Path]) -> Iterator[Path]:
    """Yield where a registry may be, nearest first."""
    within = Path(*name.parts[1:]) if name.parts[:1] == (_FOLDER,) else name
    for spelling in dict.fromkeys((name, name.with_name(f"{name.name}{_SUFFIX}"))):
        yield from (folder / spelling for folder in (*beside, Path(), *_elsewhere.get()))
    for folder in (Path(_FOLDER), shipped_registries()):
        yield folder / within
        yield folder / within.with_name(f"{within.name}{_SUFFIX}")


def _shipped() -> list[str]:
    folder = shipped_registries()
    return sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob(f"*{_SUFFIX}"))
