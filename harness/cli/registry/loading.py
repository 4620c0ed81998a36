"""Registries named on the command line: files, names of shipped ones, or folders of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from harness.adapters.registries import load_registry
from harness.errors import Mistake, RegistryError, UsageError
from harness.registry.registry import Registry

Item = TypeVar("Item")


def load_each(names: list[str]) -> list[Registry]:
    """Load registries one by one, those of a folder in the order of their names.

    RegistryError lists the mistakes of all of them, UsageError tells of a name that is nowhere or an empty folder.
    """
    loaded: list[Registry] = []
    mistakes: dict[Mistake, None] = {}
    for file in dict.fromkeys(file for name in names for file in _files(name)):
        try:
            loaded.append(load_registry(file))
        except RegistryError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise RegistryError(tuple(mistakes))
    return loaded


def with_progress(items: Sequence[Item], doing: str) -> Iterable[Item]:
    """Show how far a long loop has come, if a terminal is there to show it on."""
    stderr = Console(stderr=True)
    return track(items, doing, console=stderr, transient=True, disable=len(items) < 2 or not stderr.is_terminal)


def _files(name: str) -> list[str]:
    folder = Path(name)
    if not folder.is_dir():
        return [name]
    found = sorted(map(str, folder.rglob("*.yaml")))
    if not found:
        raise UsageError("no *.yaml here", where=name, cure="name a registry, or a folder of registries")
    return found
