"""What a graph declares under ``monitors:``, made: the monitors of one run, and the limits of the store of all runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from harness.routing.graph import Graph
from harness.routing.health.monitors import (
    Budget,
    Instability,
    Intent,
    Loops,
    Monitor,
    Panel,
    Progress,
    Rate,
    Risk,
    Tools,
)
from harness.routing.health.monitors.risk import THRESHOLD
from harness.routing.health.store import Limits
from harness.routing.health.vitals import Quota

_MS: Final = 1_000_000
_MAKERS: Final[Mapping[str, Callable[[Any, Graph], list[Monitor]]]] = {
    "tools": lambda said, _: [Tools(**said)],
    "budget": lambda said, graph: [_budget(graph, **one) for one in said],
    "rate": lambda said, _: [Rate(_quotas(said))],
    "risk": lambda said, _: [_risk(**one) for one in said],
    "progress": lambda said, _: [Progress(**said)],
    "loops": lambda said, _: [Loops(**said)],
    "intent": lambda _, graph: [Intent(graph.goals, graph.tools)],
    "instability": lambda said, _: [Instability(**said)],
}
"""How a monitor is made of its settings; of those whose priorities are equal, the one that stands first wins."""


def panel_of(graph: Graph | None) -> Panel | None:
    """Make the monitors that a graph declares, afresh for one run; None where it declares none."""
    if graph is None or not _MAKERS.keys() & graph.monitors.keys():
        return None
    declared = graph.monitors
    return Panel([one for name, make in _MAKERS.items() if name in declared for one in make(declared[name], graph)])


def limits_of(graph: Graph | None) -> Limits:
    """Give the limits by which the store judges health: the quotas and latencies that a graph declares."""
    declared = {} if graph is None else graph.monitors
    expected = {tool: said["expected_ms"] for tool, said in declared.get("latency", {}).items()}
    return Limits(expected_ms=expected, quotas=_quotas(declared.get("rate", {})))


def _quotas(said: Mapping[str, Any]) -> dict[str, Quota]:
    return {tool: Quota(one["calls"], one["within_ms"] * _MS) for tool, one in said.items()}


def _budget(graph: Graph, of: str, limit: float, tools: list[str] | None = None) -> Budget:
    return Budget(of, _exact(limit), tools, graph.goals.keys())


def _risk(*, above: float = THRESHOLD, **watched: Any) -> Risk:
    return Risk(above=_exact(above), **watched)


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
