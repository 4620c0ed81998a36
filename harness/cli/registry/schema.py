"""``harness registry schema``: the format of registry files, for editors."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from harness.registry.schema import SCHEMA


def command(
    as_json: Annotated[bool, typer.Option("--json", help="On one line.")] = False,
) -> None:
    """Print the JSON Schema of registry files, as it stands in registries/registry.schema.json."""
    print(json.dumps(SCHEMA, ensure_ascii=False, indent=None if as_json else 2))
