"""A tool graph declared in Python, as a registry's ``graph:`` declares it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.registry.graph.assemble import assemble
from harness.registry.graph.schema import GRAPH
from harness.routing.graph import Graph
from harness.tool import ToolSpec


def graph_of_tools(
    specs: Iterable[ToolSpec],
    *,
    goals: Mapping[str, Any] | Sequence[str],
    start: Sequence[str] | None = None,
    name: str = "graph",
    **parts: Any,
) -> Graph:
    """Give the graph of some tools, which say themselves what they need, give and cost.

    ``goals``, ``start`` and what else a registry states under ``graph:`` (``tools``, ``joins``, ``edges``, ``policy``)
    are plain data of the same form, lists and dicts. UsageError tells everything that is wrong with it at once.
    """
    data = {"goals": goals, **({} if start is None else {"start": start}), **parts}
    found = [_told(path, message, cure) for path, message, cure in _mistakes(data)]
    if not found:
        whole = assemble(name, data, {spec.name: spec for spec in specs})
        if not whole.flaws:
            return whole.graph
        found = [_told(flaw.path, flaw.message, flaw.cure) for flaw in whole.flaws]
    raise UsageError("\n".join(found), where=f"graph {name!r}")


def _mistakes(data: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str, str]]:
    from jsonschema import Draft202012Validator  # imported here: 80 ms that only declaring a graph needs

    for error in Draft202012Validator(GRAPH).iter_errors(data):
        yield ("graph", *error.absolute_path), error.message, ""


def _told(path: tuple[str | int, ...], message: str, cure: str) -> str:
    return f"{'.'.join(map(str, path))}: {message}{f' ({cure})' if cure else ''}"
