"""Small cases with real traces, registries and results to rest on."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import harness
from harness.adapters.registries import load_registry
from harness.bench.case.judge import Judged, judge
from harness.bench.case.reading import read_case
from harness.bench.figures import Figure, report_of

REGISTRY = """\
registry: shop
version: 1.0.0
default: allow
invariants:
  - id: CAP
    title: Refunds stay small
    on: action
    tool: refund
    require: call.args.cents <= 100
    severity: high
    otherwise: OTHERWISE
  - id: BOOK
    on: action
    tool: book
    require: "True"
    severity: low
"""


def write_registry(folder: Path, otherwise: str = "block") -> str:
    """Write a registry with a rule of high severity; give its digest."""
    (folder / "shop.yaml").write_text(REGISTRY.replace("OTHERWISE", otherwise))
    return load_registry(folder / "shop.yaml").digest


def record(folder: Path, *cents: int, name: str = "run") -> str:
    """Record a run that books and asks for refunds, some of which may be refused; give the digest of its trace."""
    app = harness.Harness(str(folder / "shop.yaml"))

    @app.tool(effect="write")
    def refund(cents: int) -> str:
        return "refunded"

    @app.tool(effect="write")
    def book() -> str:
        return "booked"

    with app.session(trace=folder / f"{name}.mat.jsonl") as session:
        book()
        for amount in cents:
            with contextlib.suppress(harness.Refused):
                refund(amount)
    return session.trace.digest


def write_result(folder: Path, rows: list[dict[str, Any]], **figures: Figure) -> None:
    """Write a result as a run leaves it."""
    (folder / "result.json").write_text(json.dumps(report_of("sums", "1", figures, rows)))


def judged(folder: Path, text: str) -> Judged:
    """Read a case that stands in a folder and look at what it rests on."""
    return judge(read_case(text, "case.yaml"), folder / "case.yaml")
