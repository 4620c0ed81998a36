"""Graphs that are declared in Python."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.registry.load import load
from harness.routing.declare import graph_of_tools
from harness.tool import ToolSpec

SPECS = (
    ToolSpec("pay", needs=("order",), gives=("paid",), cost=2.5, undo="refund"),
    ToolSpec("refund"),
    ToolSpec("pack", needs=("paid",), gives=("box",), arguments={"type": "object", "properties": {"paid": {}}}),
)
TEXT = """registry: shop
version: 1
default: allow
tools:
  pay: {needs: [order], gives: [paid], cost: 2.5, undo: refund}
  refund: {}
  pack: {needs: [paid], gives: [box], arguments: {type: object, properties: {paid: {}}}}
graph:
  start: [order]
  goals: {shipped: [box]}
  policy: {retries: 0, cost_cap: 9.5}
"""


def test_python_and_yaml_mean_the_same() -> None:
    """Tools say what they need, give and cost; the rest is data of the same form."""
    policy = {"retries": 0, "cost_cap": 9.5}
    graph = graph_of_tools(SPECS, start=["order"], goals={"shipped": ["box"]}, policy=policy, name="shop")
    assert graph == load(TEXT, "shop.yaml").graph
    assert [name for name, _ in graph.arcs[1].args] == ["paid"]


def test_edges_need_no_tools() -> None:
    """A node nobody declares is a tool that may do anything."""
    graph = graph_of_tools((), goals=["Done"], edges=[["S", "A", 0.1], ["A", "Done", 0]])
    assert graph.tools == {"A": ToolSpec("A")}
    assert graph.start == ("S",)


def test_a_cost_that_is_no_number_is_told() -> None:
    """It is told apart from one that is too fine."""
    for cost, said in (("cheap", "is no number"), (float("inf"), "is no number"), (1e-7, "is finer than a millionth")):
        with pytest.raises(UsageError, match=f"tools.look.cost: a cost of {cost} {said}"):
            graph_of_tools([ToolSpec("look", gives=("seen",), cost=cost)], goals=["seen"])  # type: ignore[arg-type]


def test_everything_wrong_is_told_at_once() -> None:
    """What is not of the form, or else what does not fit, with its path."""
    with pytest.raises(UsageError) as form:
        graph_of_tools(SPECS, goals={"shipped": "box"}, policy={"retries": -1}, name="shop")
    assert str(form.value).startswith("graph 'shop': ")
    assert "graph.goals.shipped: 'box' is not of type" in str(form.value)
    assert "graph.policy.retries: -1 is less than" in str(form.value)
    with pytest.raises(UsageError) as fit:
        graph_of_tools(SPECS, start=["ordr"], goals={"shipped": ["bx"]})
    assert "tools.pay.needs.0: nobody gives the fact 'order', which pay needs (did you mean 'ordr'?)" in str(fit.value)
    assert "graph.goals.shipped.0: nobody gives the fact 'bx', which shipped needs (did you" in str(fit.value)
