"""``harness registry effective REGISTRY…``: a registry as it works, everything it takes over written out."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.adapters.registries import load_registry
from harness.registry.publish import facts_of, publish


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries; several become one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, which is YAML too.")] = False,
) -> None:
    """Print a registry after ``extends`` and joining, as YAML that loads again to the same digest."""
    registry = load_registry(*registries)
    if as_json:
        print(json.dumps(facts_of(registry), ensure_ascii=False))
    else:
        print(publish(registry), end="")
