"""The verdict of the door, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.assertion.interface import Checker
from harness.assertion.report import Report
from harness.assertion.report import check as check_events
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.value import encode_value
from harness.trace.verdict import Judgement


def check_artifact(name: str, value: Any, *, registry: str | Path | Registry | Sequence[str | Path]) -> Judgement:
    """Judge one artifact by the rules on artifacts of its name, outside of any run.

    Not verified: that it fits the schema under which it is declared, and rules on anything else. UsageError where no
    rule speaks of such an artifact, which would hold of everything.
    """
    rules = _registry(registry)
    known = sorted({rule.artifact for rule in rules.invariants if rule.artifact is not None})
    if name not in known:
        cure = nearest(name, known) or f"artifacts that rules speak of: {', '.join(known) or 'none'}"
        raise UsageError(f"no rule speaks of an artifact {name!r}", where=rules.file, cure=cure)
    event = Event(0, "note", "main", "0", (), 0, {"artifact": name, "data": encode_value(value)})
    return Checker(rules).judge(event)


def check(trace: str | Path, *, registry: str | Path | Registry | Sequence[str | Path]) -> Report:
    """Judge a stored trace by a registry, as the door would have; user code is never imported.

    Reads the trace once, line by line. TraceError and RegistryError name the place of what cannot be read.
    """
    with open_trace(trace) as reader:
        return check_events(reader, _registry(registry), reader.header.run)


def _registry(named: str | Path | Registry | Sequence[str | Path]) -> Registry:
    if isinstance(named, Registry):
        return named
    return load_registry(*([named] if isinstance(named, str | Path) else named))
