"""The tool graph of a registry, as the router knows it."""

from __future__ import annotations

from harness.registry.graph.values import UNIT, Arc, Goal, Graph, Need, Policy, Source, exact, shown

__all__ = ["UNIT", "Arc", "Goal", "Graph", "Need", "Policy", "Source", "exact", "shown"]
