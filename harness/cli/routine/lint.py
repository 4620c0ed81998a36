"""``harness routine lint FILE``: what can be said against a routine before anything is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from harness.adapters.files import read_text
from harness.adapters.registries import load_registry
from harness.cli.options import AsJson
from harness.cli.output import counted, emit
from harness.converge.plan.file import document_of
from harness.converge.plan.flaw import Flaw
from harness.converge.routine.file import lint_routine
from harness.converge.routine.routine import Routine


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A routine, as YAML or JSON.")],
    registry: Annotated[
        list[str] | None, typer.Option(help="A registry that declares the tools; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for steps, arguments and references that are not there, types that do not fit, and writes made twice.

    Without a registry tools and their arguments are not looked at. Exit 1 where there is an error, 3 where there are
    warnings only.
    """
    tools = load_registry(*registry).tools if registry else None
    routine, flaws = lint_routine(document_of(read_text(file), file), tools)
    found = sorted(dict.fromkeys(flaws), key=lambda one: (one.mistake.line, one.mistake.column))
    levels = [one.level for one in found]
    verdict = "errors" if "error" in levels else "warnings" if levels else "ok"
    facts = {
        "verdict": verdict,
        "counts": {level: levels.count(level) for level in ("error", "warning")},
        "routine": routine.name if routine is not None else None,
        "tools_known": tools is not None,
        "findings": [_facts(one) for one in found],
    }
    emit(facts, list(_lines(routine, found, tools_known=tools is not None)), as_json)
    raise typer.Exit({"errors": 1, "warnings": 3, "ok": 0}[verdict])


def _lines(routine: Routine | None, found: Sequence[Flaw], *, tools_known: bool) -> Iterator[str]:
    for one in found:
        yield from (*str(one).split("\n"), "")
    levels = [one.level for one in found]
    steps = "unread" if routine is None else counted(len(routine.steps), "step")
    yield f"{steps}   {counted(levels.count('error'), 'error')}, {counted(levels.count('warning'), 'warning')}"
    if not tools_known:
        yield "tools and their arguments were not looked at: name a registry with --registry"


def _facts(one: Flaw) -> dict[str, Any]:
    at = one.mistake
    place = {"file": at.file, "line": at.line, "column": at.column, "end_column": at.column + at.length}
    return {"level": one.level, **place, "message": at.message, "cure": at.cure}
