"""What can be reached in a graph, against slower ways of asking."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.graph.reach import reached, relevant
from harness.registry.graph.values import Arc, Need
from tests.registry.graph.graphs import mistakes

FACTS = st.sampled_from("abcdefgh")


@st.composite
def needs(draw: st.DrawFn) -> Need:
    """Give a need of up to four facts."""
    of = draw(st.lists(FACTS, min_size=1, max_size=4, unique=True))
    return Need(tuple(of), draw(st.integers(1, len(of))))


ARCS = st.lists(
    st.builds(
        Arc,
        st.none(),
        st.lists(needs(), max_size=3).map(tuple),
        st.lists(FACTS, min_size=1, max_size=2, unique=True).map(tuple),
    ),
    max_size=10,
)


def naive(arcs: list[Arc], held: set[str]) -> set[str]:
    """Run every arc that can run until nothing is new."""
    facts = set(held)
    while True:
        able = [arc for arc in arcs if all(sum(fact in facts for fact in need.of) >= need.least for need in arc.needs)]
        more = facts.union(*(arc.gives for arc in able))
        if more == facts:
            return facts
        facts = more


@given(ARCS, st.sets(FACTS, max_size=3))
def test_what_is_reached_is_a_fixed_point(arcs: list[Arc], held: set[str]) -> None:
    """The same as running all arcs again and again, for joins, alternatives and quorums."""
    assert reached(arcs, held) == naive(arcs, held)


@given(ARCS, st.lists(needs(), max_size=2))
def test_what_is_relevant_is_what_lies_before(arcs: list[Arc], wanted: list[Need]) -> None:
    """The arcs from which the goal can be reached in the graph of arcs and facts, and no others."""
    graph = nx.DiGraph()
    graph.add_node("goal")
    for index, arc in enumerate(arcs):
        graph.add_edges_from((fact, index) for need in arc.needs for fact in need.of)
        graph.add_edges_from((index, fact) for fact in arc.gives)
    graph.add_edges_from((fact, "goal") for need in wanted for fact in need.of)
    before = nx.ancestors(graph, "goal")
    assert relevant(arcs, wanted) == [index for index in range(len(arcs)) if index in before]


def test_facts_that_nobody_gives() -> None:
    """Pointed at where they are needed, with the nearest name; a goal says that it is out of reach for want of them."""
    graph = "  start: [order]\n  goals: {g: [label]}\n  tools: {pack: {needs: [ordr], gives: [label]}}\n"
    assert mistakes(graph) == [
        "g | the goal 'g' is out of reach, for want of ordr | add what is missing to 'start:', or a tool that gives it",
        "ordr | nobody gives the fact 'ordr', which pack needs | did you mean 'order'?",
    ]
    cure = "hand it in, start: [odd], or add a tool that gives it"
    for need in ("{any: [odd, order]}", "{least: 2, of: [odd, order, odd2]}"):
        said = mistakes(f"  start: [order, odd2]\n  goals: {{g: [order, {need}]}}\n")
        assert said == ["odd | nobody gives the fact 'odd', which g needs | did you mean 'odd2'?"]
    assert mistakes("  start: [order]\n  goals: {g: [order, odd]}\n") == [
        f"odd | nobody gives the fact 'odd', which g needs | {cure}"
    ]


def test_a_goal_has_its_own_arguments_only() -> None:
    """What another goal is called with is not there."""
    arguments = "arguments: {type: object, properties: {order: {}}}"
    graph = f"  goals: {{a: {{needs: [x], {arguments}}}, b: [x]}}\n  tools: {{t: {{needs: [order], gives: [x]}}}}\n"
    assert mistakes(graph) == [
        (
            "b | the goal 'b' is out of reach, for want of order | "
            "order is an argument of another goal only: add it to the arguments of b"
        )
    ]


def test_facts_that_wait_for_each_other() -> None:
    """A circle that cannot begin is told once, and one that can be entered is none."""
    tools = "s: {needs: [z], gives: [x]}, t: {needs: [x], gives: [y]}, u: {needs: [y], gives: [z]}"
    graph = f"  start: [a]\n  goals: {{g: [z]}}\n  tools: {{{tools}}}\n"
    assert mistakes(graph) == [
        "g | the goal 'g' is out of reach | add what is missing to 'start:', or a tool that gives it",
        (
            "s | these facts wait for each other, and none can be the first: x → y → z → x | "
            "one of them has to come from elsewhere: from a caller, or from a tool that needs none of them"
        ),
    ]
    entered = f"  start: [a]\n  goals: {{g: [z]}}\n  tools: {{{tools}, v: {{needs: [b], gives: [y]}}}}\n"
    assert all("wait for each other" not in one for one in mistakes(entered))
