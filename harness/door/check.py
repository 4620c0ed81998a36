"""The verdict of the door, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.report import Report
from harness.assertion.report import check as check_events
from harness.registry.registry import Registry


def check(trace: str | Path, *, registry: str | Path | Registry | Sequence[str | Path]) -> Report:
    """Judge a stored trace by a registry, as the door would have; user code is never imported.

    Reads the trace once, line by line. TraceError and RegistryError name the place of what cannot be read.
    """
    if not isinstance(registry, Registry):
        registry = load_registry(*([registry] if isinstance(registry, str | Path) else registry))
    with open_trace(trace) as reader:
        return check_events(reader, registry, reader.header.run)
