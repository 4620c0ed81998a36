"""Monitors and limits as a graph declares them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.routing.graph import Graph
from harness.routing.health import Limits, Quota
from harness.routing.health.declared import limits_of, panel_of
from harness.routing.health.monitors import Signal
from tests.registry.graph.graphs import graph_of
from tests.routing.health.monitors.course import Course

PLAIN = "  start: [s]\n  goals: {g: [a, b]}\n  tools: {pay: {needs: [s], gives: [a]}, look: {needs: [s], gives: [b]}}\n"


def watched(monitors: str) -> Graph:
    """Give a graph with monitors."""
    return graph_of(f"{PLAIN}  monitors: {{{monitors}}}\n")


def said(monitors: str, course: Course) -> list[Signal]:
    """Give all that the monitors of a graph say of a run, in their order."""
    panel = panel_of(watched(monitors))
    assert panel is not None
    return [signal for event in course.events for signal in panel.signals(event)]


def test_nothing_declared_nothing_watched() -> None:
    """Neither without a graph, nor without monitors, nor where only the store is told something."""
    assert panel_of(None) is None
    assert panel_of(graph_of(PLAIN)) is None
    assert panel_of(watched("latency: {pay: {expected_ms: 5}}")) is None
    assert limits_of(None) == limits_of(graph_of(PLAIN)) == Limits()


def test_every_monitor_is_made_of_its_settings() -> None:
    """Each says what it would say if it was made by hand with the same values."""
    course = Course()
    for number in range(3):
        course.failed("pay", cents=0.1, land="XX", odd=number == 2)
    course.call("g")
    found: dict[str, Any] = {
        "tools: {failures: 3}": ["pay is down: 3 calls in a row failed"],
        "rate: {pay: {calls: 3, within_ms: 1}}": ["pay has made 3 of the 3 calls of its quota"],
        "budget: {of: calls, limit: 4k}": [f"{n} of 4000 calls are spent" for n in (1, 2, 3)],
        "budget: {of: cents, limit: 0.3, tools: [pay]}": [f"0.{n} of 0.3 cents of pay are spent" for n in (1, 2, 3)],
        "risk: {amount: cents, above: 0.05}": ["pay: cents is 0.1, more than 0.05"] * 3,
        "risk: {amount: cents, above: 0.1}": ["pay: nothing that is watched stands out"] * 3,
        "risk: {flags: {land: [XX]}}": ["pay: land is 'XX', which is flagged"] * 3,
        "risk: {flags: {land: [XX]}, tools: [look]}": [],
        "loops: {window: 1}": ["the last 1 calls were made before and came back alike"],
        "intent: {}": ["g is a goal of the graph"],
        "instability: {above: 2}": [],
    }
    assert {monitors: [signal.says for signal in said(monitors, course)] for monitors in found} == found


def test_a_run_that_stands_still_is_noticed_after_its_window() -> None:
    """Whose length is the declared one."""
    course = Course()
    course.route("plan", path=["pay"])
    for _ in range(4):
        course.failed("pay")
    assert len(said("progress: {window: 3}", course)) == 1
    assert said("progress: ", course) == []


def test_several_budgets_stand_side_by_side() -> None:
    """And of signals that matter as much the one whose monitor comes first is heard, however they are written."""
    course = Course()
    course.call("look")
    course.call("pay")
    panel = panel_of(watched("risk: {flags: {x: [1]}}, budget: [{of: calls, limit: 2}, {of: calls, limit: 1}]"))
    assert panel is not None
    heard = [panel.news(event) for event in course.events]
    assert [signal and signal.says for signal in heard] == ["1 of 1 calls are spent", None]
    assert [signal.says for signal in panel.against] == ["2 of 2 calls are spent", "2 of 1 calls are spent"]


def test_each_run_is_watched_by_itself() -> None:
    """What one has spent another has not."""
    graph = watched("budget: {of: calls, limit: 1}")
    first, second = panel_of(graph), panel_of(graph)
    assert first is not None
    assert second is not None
    course = Course()
    course.call("pay")
    first.step(course.events[0])
    assert (len(first.against), len(second.against)) == (1, 0)


def test_the_store_is_told_of_quotas_and_latencies() -> None:
    """In its own units."""
    graph = watched("rate: {pay: {calls: 3, within_ms: 2}}, latency: {look: {expected_ms: 40}}")
    limits = limits_of(graph)
    assert limits.quotas == {"pay": Quota(3, 2_000_000)}
    assert limits.expected_ms == {"look": 40}
    assert limits.calls == Limits().calls


def test_amounts_are_exact() -> None:
    """A limit of a tenth is a tenth: ten calls of a hundredth use it up, and nine do not."""
    course = Course()
    for _ in range(10):
        course.call("pay", cents=0.01)
    shares = [signal.priority for signal in said("budget: {of: cents, limit: 0.1}", course)]
    assert shares == [float(Decimal(n) / 10) for n in range(1, 11)]
