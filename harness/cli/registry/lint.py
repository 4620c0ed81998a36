"""``harness registry lint REGISTRY…``: what can be said against rules before they judge anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.adapters.sarif import sarif_of_lint, write_sarif
from harness.cli.output import counted, emit
from harness.cli.registry.loading import load_each, with_progress
from harness.registry.registry import Registry
from harness.review.lint.diagnostic import LEVELS, Diagnostic
from harness.review.lint.lint import lint


class Shown(Enum):
    """Name the least serious findings that are printed."""

    error = "error"
    warning = "warning"
    note = "note"


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries, or folders of them.")],
    level: Annotated[Shown, typer.Option(help="Print findings from this level on.")] = Shown.warning,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all findings there, as SARIF 2.1.0.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, with all findings.")] = False,
) -> None:
    """Look for rules that are dead, shadowed, in conflict, doubled, unsatisfiable, too costly or unfinished.

    Exit 1 where there is an error, 3 where there are warnings only, 0 where there is nothing above a note.
    """
    loaded = load_each(registries)
    found = list(dict.fromkeys(one for registry in with_progress(loaded, "linting") for one in lint(registry)))
    if sarif is not None:
        write_sarif(sarif, sarif_of_lint(found, __version__))
    counts = Counter(one.level for one in found)
    verdict = "errors" if counts["error"] else "warnings" if counts["warning"] else "ok"
    facts = {
        "verdict": verdict,
        "counts": {one: counts[one] for one in LEVELS},
        "registries": [{"registry": one.name, "file": one.file, "digest": one.digest} for one in loaded],
        "findings": [_facts(one) for one in found],
    }
    emit(facts, list(_lines(found, loaded, level.value)), as_json)
    raise typer.Exit({"errors": 1, "warnings": 3, "ok": 0}[verdict])


def _lines(found: list[Diagnostic], loaded: list[Registry], level: str) -> Iterator[str]:
    shown = LEVELS[: [*LEVELS].index(level) + 1]  # type: ignore[arg-type]
    for one in found:
        if one.level in shown:
            yield from (*str(one).split("\n"), "")
    rules = counted(sum(len(registry.invariants) for registry in loaded), "rule")
    counts = Counter(one.level for one in found)
    told = ", ".join(counted(counts[one], one) for one in LEVELS)
    hidden = sum(counts[one] for one in LEVELS if one not in shown)
    yield f"{rules}   {told}" + (f"   (--level note shows {counted(hidden, 'more finding')})" if hidden else "")


def _facts(one: Diagnostic) -> dict[str, Any]:
    at = one.mistake
    place = {"file": at.file, "line": at.line, "column": at.column, "end_column": at.column + at.length}
    return {"check": one.check, "level": one.level, "rule": one.rule, **place, "message": at.message, "cure": at.cure}
