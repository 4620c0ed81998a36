"""Certificates to be spoilt, and what other parts of them are taken from."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from harness.registry.solve.problem import Problem


class Proved(NamedTuple):
    """A problem that no point meets, a certificate of it, and a problem of the same form that some point meets."""

    name: str
    problem: Problem
    certificate: dict[str, Any]
    twin: Problem | None


class Stock(NamedTuple):
    """A certificate to be spoilt, and others that parts can be taken from."""

    proved: Proved
    others: list[Proved]

    def tree(self) -> Any:
        """Give a tree to change."""
        return copy.deepcopy(self.proved.certificate["tree"])

    def certificate(self, tree: Any) -> dict[str, Any]:
        """Give a certificate of this problem with another tree."""
        return {**self.proved.certificate, "tree": tree}


def nodes(tree: Any) -> Iterator[list[Any]]:
    """Give all nodes of a tree. O(size)."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if node[0] == "split":
            waiting += node[3:]
