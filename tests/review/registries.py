"""Short registries and traces for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from harness.adapters.registries import load_registry
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.review.lint.diagnostic import Diagnostic
from harness.review.lint.lint import lint
from harness.review.stories import events_of
from harness.trace.event import Event

SHIPPED = sorted((Path(__file__).parents[2] / "registries").rglob("*.yaml"))


@cache
def linted(name: str) -> tuple[Diagnostic, ...]:
    """Give the findings on a shipped registry, which takes up to four seconds, once for all tests."""
    (file,) = [one for one in SHIPPED if one.stem == name]
    return tuple(lint(load_registry(file)))


def registry(rules: str, head: str = "", file: str = "r.yaml") -> Registry:
    """Load rules: lines of YAML, the first at line 5."""
    return load(f"registry: r\nversion: 1\ndefault: allow\n{head}invariants:\n{rules}", file)


def events(*lines: dict[str, Any]) -> Iterator[Event]:
    """Give the events of a run, written as the lines of an example."""
    return events_of(lines)
