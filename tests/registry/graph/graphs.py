"""Short registries with a graph, and what loading them says."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.graph.values import Graph
from harness.registry.load import load
from harness.registry.registry import Registry

HEAD = "registry: shop\nversion: 1\ndefault: refuse\n"


def registry(graph: str, head: str = HEAD) -> Registry:
    """Load a registry with a graph; its parts are written as they stand below ``graph:``, indented by two."""
    return load(f"{head}graph:\n{graph}", "shop.yaml")


def graph_of(graph: str, head: str = HEAD) -> Graph:
    """Give the graph of such a registry."""
    found = registry(graph, head).graph
    assert found is not None
    return found


def mistakes(graph: str, head: str = HEAD) -> list[str]:
    """Give what is wrong with it: the characters pointed at, the message, the cure."""
    with pytest.raises(RegistryError) as caught:
        registry(graph, head)
    return told(caught.value)


def told(error: RegistryError) -> list[str]:
    """Give the mistakes of an error: the characters pointed at, the message, the cure."""
    return [
        f"{one.source[one.column - 1 : one.column - 1 + one.length]} | {one.message} | {one.cure}"
        for one in error.mistakes
    ]
