"""Constraint sets of public origin, each in a version that can be met and one that cannot, as registries.

A file of ``textbook/`` is a list of sets: fields with their domains, parameters, rules that name both plainly, and up
to two versions. ``feasible`` has a point that meets the rules, ``infeasible`` the reason why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

_FOLDER: Final = Path(__file__).parent / "textbook"
_NAME: Final = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*(?![\w(])")


class Version(NamedTuple):
    """A set with some values of its parameters: a point that meets it, or none and why."""

    name: str
    source: str
    fields: Mapping[str, Any]
    parameters: Mapping[str, float]
    define: Mapping[str, str]
    rules: Mapping[str, str]
    point: Mapping[str, Any] | None
    because: str = ""


def versions() -> Iterator[Version]:
    """Give all versions of all sets, by file and place."""
    for path in sorted(_FOLDER.glob("*.yaml")):
        for one in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield from _versions(one)


def _versions(one: Mapping[str, Any]) -> Iterator[Version]:
    for kind in ("feasible", "infeasible"):
        if kind in one:
            told, stated = one[kind], one.get("parameters", {})
            if unknown := told.get("set", {}).keys() - stated.keys():
                raise ValueError(f"{one['name']}: {unknown} are no parameters")
            yield Version(
                f"{one['name']}.{kind}",
                one["source"],
                one["fields"],
                {**stated, **told.get("set", {})},
                one.get("define", {}),
                one["rules"],
                told.get("at"),
                told.get("because", ""),
            )


def registry_text(version: Version) -> str:
    """Write a version as a registry, names made into paths."""
    properties = {name: _schema(domain) for name, domain in version.fields.items()}
    document = {
        "registry": version.name.replace(".", "_"),
        "title": version.source,
        "version": "1.0.0",
        "default": "allow",
        "parameters": {name: {"value": value, "bind": "free"} for name, value in version.parameters.items()},
        "define": {name: _written(version, text) for name, text in version.define.items()},
        "artifacts": {
            "design": {"schema": {"type": "object", "required": [*properties], "properties": properties}},
        },
        "invariants": [
            {"id": name, "on": "artifact", "artifact": "design", "require": _written(version, text)}
            for name, text in version.rules.items()
        ],
    }
    return yaml.safe_dump({key: value for key, value in document.items() if value}, sort_keys=False)


def _schema(domain: Any) -> dict[str, Any]:
    """Give the schema of a domain: ``[low, high]``, ``[low, high, whole]``, ``bool`` or a list of texts."""
    if domain == "bool":
        return {"type": "boolean"}
    if isinstance(domain[0], str):
        return {"enum": list(domain)}
    return {"type": "integer" if len(domain) == 3 else "number", "minimum": domain[0], "maximum": domain[1]}


def _written(version: Version, text: str) -> str:
    def path(found: re.Match[str]) -> str:
        name = found[0]
        return (
            f"artifact.{name}" if name in version.fields else f"params.{name}" if name in version.parameters else name
        )

    return _NAME.sub(path, str(text))
