"""``harness registry effective REGISTRY…``: a registry as it works, everything it takes over written out."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.adapters.registries import load_registry
from harness.registry.override import Override
from harness.registry.publish import facts_of, publish


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries; several become one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, which is YAML too.")] = False,
) -> None:
    """Print a registry after ``extends`` and joining, as YAML that loads again to the same digest.

    What was changed of what it takes over stands above it, as comments.
    """
    registry = load_registry(*registries)
    if as_json:
        print(json.dumps(facts_of(registry), ensure_ascii=False))
    else:
        for change in registry.overrides:
            print(f"# {_told(change)}")
        print(publish(registry), end="")


def _told(change: Override) -> str:
    """Say in one line what was changed, where, and why."""
    done = "left out" if change.part == "dropped" else f"{change.part} changed"
    why = f": {' '.join(change.reason.split())}" if change.reason else ""
    return f"{done}  {change.name}   {change.before} -> {change.now}{why}"
