"""One cell: one set of recorded conversations, judged by its registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.adapters.registries import load_registry
from harness.bench.task import Cell

from . import counts
from .data import DATA, Data, folder
from .writes import judged

_NAMED: Final = {data.name: data for data in DATA}


def run(cell: Cell, _: Path) -> Mapping[str, Any]:
    """Judge the conversations of a cell and count what came of it."""
    return found_in(_NAMED[cell.task.name], folder())


def found_in(data: Data, where: Path) -> dict[str, Any]:
    """Judge one set of conversations: what the writes were, the shares, a row for each rule and each annotated step."""
    registry = load_registry(data.registry)
    runs = judged(data.conversations(where), registry)
    failures = list(counts.failure_rows(data.name, registry, runs))
    return {
        "conversations": len(runs),
        "writes": counts.truths_of(runs),
        "shares": counts.shares_of(runs),
        "failure_shares": counts.failure_shares(failures),
        "rules": list(counts.rows_of(data.name, registry, runs)),
        "failures": failures,
    }
