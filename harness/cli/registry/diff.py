"""``harness registry diff OLD NEW``: what two versions of a registry mean differently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from harness.adapters.registries import load_registry
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.review.difference import Difference, differences

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="One registry.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another, or a later version of it.")],
    as_json: AsJson = False,
) -> None:
    """Compare what two registries mean; titles, sources, examples and layout do not count.

    Exit 1 where they differ.
    """
    before, after = load_registry(old), load_registry(new)
    found = list(differences(before, after))
    facts = {
        "equal": not found,
        "digests": [before.digest, after.digest],
        "differences": [difference._asdict() for difference in found],
    }
    lines = [line for difference in found for line in _lines(difference)]
    emit(facts, lines or [f"equal: sha256:{after.digest}"], as_json)
    raise typer.Exit(1 if found else 0)


def _lines(one: Difference) -> Iterator[str]:
    field = f"  {one.field}" if one.field else ""
    yield f"{_SIGNS[one.what]} {one.part} {one.name}{field}   {one.place}"
    if one.before:
        yield f"      - {one.before}"
    if one.after:
        yield f"      + {one.after}"
