"""Every small agent by name, and what is promised of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
Promise = Literal["equal", "hash seed", "observed", "unpromised"]


class Case(NamedTuple):
    """One small agent: ``module.function``, where it is, what it is about, what is promised, and what it needs.

    ``equal``: every replay, under any hash seed, is the recorded run. ``hash seed``: the same under the recorded hash
    seed; under another one it is equal or a divergence that says so. ``observed``: as ``equal`` while the world outside
    stays as it was, the door (``door``) is named, and a strict app refuses it. ``unpromised``: the door is named and a
    strict app refuses it; a replay may be a divergence, never silently different. ``raises`` is the name of the error
    that the agent ends with, empty where it returns.
    """

    name: str
    entry: str
    about: str
    promise: Promise
    door: str
    raises: str
    needs: tuple[str, ...]

    @property
    def missing(self) -> str:
        """The first package it needs that is not installed; empty where none is."""
        return next((package for package in self.needs if find_spec(package) is None), "")


def needs(*packages: str) -> Callable[[F], F]:
    """Say which packages an agent cannot do without."""
    return _said(conformance_needs=packages)


def raises(error: str) -> Callable[[F], F]:
    """Say by its name with which error an agent ends."""
    return _said(conformance_raises=error)


def promised(promise: Promise, door: str = "") -> Callable[[F], F]:
    """Say what is promised of an agent, where that is not ``equal``."""
    return _said(conformance_promise=promise, conformance_door=door)


def cases() -> list[Case]:
    """Import every module of agents and give their entries in order."""
    from tests.conformance import agents

    found: list[Case] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(agents.__path__)):
        names = vars(importlib.import_module(f"{agents.__name__}.{module}"))
        found += [_case(module, value) for value in names.values() if _is_entry(value, f"{agents.__name__}.{module}")]
    return found


def _said(**facts: Any) -> Callable[[F], F]:
    def decorated(function: F) -> F:
        for name, value in facts.items():
            setattr(function, name, value)
        return function

    return decorated


def _is_entry(value: Any, module: str) -> bool:
    return hasattr(value, "__harness_app__") and getattr(value, "__module__", "") == module


def _case(module: str, entry: Any) -> Case:
    return Case(
        f"{module}.{entry.__name__}",
        f"{entry.__module__}:{entry.__name__}",
        (entry.__doc__ or "").partition("\n")[0].rstrip("."),
        getattr(entry, "conformance_promise", "equal"),
        getattr(entry, "conformance_door", ""),
        getattr(entry, "conformance_raises", ""),
        getattr(entry, "conformance_needs", ()),
    )
