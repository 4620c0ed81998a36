"""Graphs of several registries, as one."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry, join
from tests.registry.graph.graphs import told

HEAD = "version: 1\ndefault: allow\n"
BASE = f"registry: base\n{HEAD}graph:\n  goals: [Done]\n  edges: [[S, A, 1], [A, Done, 1]]\n  policy: {{retries: 0}}\n"
TEXTS = {
    "base": BASE,
    "left": f"registry: left\n{HEAD}extends: [base]\n",
    "right": f"registry: right\n{HEAD}extends: [base]\n",
    "tools": f"registry: tools\n{HEAD}graph:\n  tools: {{C: {{needs: [A], gives: [c]}}}}\n",
    "other": BASE.replace("base", "other").replace("retries: 0", "retries: 1").replace("[Done]", "{Done: [A]}"),
}
MORE = (
    "graph:\n  goals: {sent: {needs: [c, b]}}\n  tools: {B: {needs: [A], gives: [b]}}\n"
    "  edges: [[S, A, 1], [S, A2, 2]]\n  policy: {wait_ms: 0}\n"
)


def extended(text: str, bases: str) -> Registry:
    """Load a registry that extends others."""
    return load(f"registry: shop\n{HEAD}extends: [{bases}]\n{text}", "shop.yaml", read=TEXTS.__getitem__)


def mistakes(text: str, bases: str) -> list[str]:
    """Give the mistakes of such a registry."""
    with pytest.raises(RegistryError) as caught:
        extended(text, bases)
    return told(caught.value)


def test_a_graph_is_taken_over_and_added_to() -> None:
    """Goals in their order, ways, edges once, and the policy; the base need not be whole by itself."""
    graph = extended(MORE, "left, tools, right").graph
    assert graph is not None
    assert list(graph.goals) == ["Done", "sent"]
    assert [(arc.tool, arc.gives, arc.cost) for arc in graph.arcs] == [
        ("C", ("c",), 1_000_000),
        ("B", ("b",), 1_000_000),
        ("A", ("A",), 1_000_000),
        (None, ("Done",), 1_000_000),
        ("A2", ("A2",), 2_000_000),
    ]
    assert (graph.policy.retries, graph.policy.wait_ms) == (0, 0)


def test_what_is_taken_over_is_written_out() -> None:
    """As YAML that loads again to the same digest."""
    registry = extended(MORE, "base, tools")
    assert load(registry.to_yaml(), "again.yaml").digest == registry.digest


def test_a_name_is_stated_once() -> None:
    """A goal, a way, a join or a policy of the same name is a mistake, an edge of another cost too."""
    text = (
        "graph:\n  goals: {Done: [A]}\n  tools: {C: {needs: [A], gives: [cc]}}\n"
        "  edges: [[S, A, 2]]\n  policy: {retries: 0}\n"
    )
    assert mistakes(text, "base, tools") == [
        "Done | goals: 'Done' is stated in base:5 too | state it once",
        "C | tools: 'C' is stated in tools:5 too | state it once",
        "[ | the edge from S to A stands twice | leave one of them out",
        "retries | policy: 'retries' is stated in base:7 too | state it once",
    ]


def test_two_bases_may_say_the_same() -> None:
    """And nothing different under one name."""
    assert extended("", "left, right").graph == extended("", "base").graph
    assert mistakes("", "base, other") == [
        "Done | goals: 'Done' is stated in base:5 too | state it once",
        "retries | policy: 'retries' is stated in base:7 too | state it once",
    ]


def test_registries_that_are_joined_have_one_graph() -> None:
    """Goals stay tools, and what both state differently is a mistake."""
    base = load(BASE, "base")
    more = load(TEXTS["other"].replace("Done", "also").replace("retries: 1", "wait_ms: 5"), "more")
    both = join([base, more])
    assert both.graph is not None
    assert list(both.graph.goals) == ["Done", "also"]
    assert both.tools["also"].idempotent
    assert both.graph.policy.wait_ms == 5
    assert len(both.graph.arcs) == 3
    assert load(both.to_yaml(), "again").digest == both.digest
    with pytest.raises(RegistryError, match="'Done' is stated in base:5 too"):
        join([base, load(TEXTS["other"], "other")])


def test_joining_asks_whether_the_whole_is_right() -> None:
    """A goal of one registry may be the tool of another."""
    tool = load("registry: t\nversion: 1\ndefault: allow\ntools: {Done: {}}\nagents: {a: {may: [Done]}}\n", "t")
    for pair in ([load(BASE, "base"), tool], [tool, load(BASE, "base")]):
        with pytest.raises(RegistryError, match="'Done' is the name of a tool too"):
            join(pair)
