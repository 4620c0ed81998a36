"""What each part of a graph means, and what is wrong with a part by itself."""

from __future__ import annotations

import pytest

from harness.registry.graph.values import UNIT, Arc, Goal, Need, Policy
from tests.registry.graph.graphs import HEAD, graph_of, mistakes, registry

TOOLS = HEAD + "tools: {pay: {}, pack: {}}\n"


def test_the_forms_of_needs() -> None:
    """A fact, one of several, a quorum."""
    graph = graph_of(
        "  start: [a, b, c]\n  goals: {g: [x]}\n"
        "  tools: {t: {needs: [a, {any: [b, c]}, {least: 2, of: [a, b, c]}], gives: [x]}}\n"
    )
    assert graph.arcs == (Arc("t", (Need(("a",)), Need(("b", "c")), Need(("a", "b", "c"), 2)), ("x",)),)


def test_a_tool_has_as_many_arcs_as_ways() -> None:
    """Each with its own needs, gifts and cost; a path says which part of the result a fact is."""
    graph = graph_of(
        "  start: [a, b]\n  goals: {g: [x]}\n"
        "  tools: {t: [{needs: [a], gives: [x]}, {needs: [b], cost: 0.3,\n"
        """    gives: {x: 'o.items[0]["p q"]', y: , z: '[1]'}}]}\n"""
    )
    assert graph.arcs == (
        Arc("t", (Need(("a",)),), ("x",)),
        Arc("t", (Need(("b",)),), ("x", "y", "z"), 300_000, (), (("x", ("o", "items", 0, "p q")), ("z", (1,)))),
    )


def test_tools_that_say_what_they_give_are_ways() -> None:
    """With their own needs and cost, unless the graph has another word on them; what it leaves out is theirs."""
    head = HEAD + (
        "tools: {pay: {needs: [order], gives: [paid], cost: 2.5}, pack: {needs: [paid], gives: [box]}, "
        "mail: {needs: [box], gives: [sent]}}\n"
    )
    graph = graph_of("  start: [order]\n  goals: {g: [sent, box]}\n  tools: {pack: {cost: 3}}\n", head)
    assert set(graph.arcs) == {
        Arc("pay", (Need(("order",)),), ("paid",), 5 * UNIT // 2),
        Arc("pack", (Need(("paid",)),), ("box",), 3 * UNIT),
        Arc("mail", (Need(("box",)),), ("sent",)),
    }


def test_edges_are_the_case_of_one_need_and_one_gift() -> None:
    """A node is a tool and its fact; one that is only left is handed in, and a goal is no tool."""
    graph = graph_of("  goals: [Done]\n  edges: [[S, A, 0.1], [S2, A, 1], [A, Done, 0]]\n")
    assert graph.start == ("S", "S2")
    assert graph.arcs == (
        Arc("A", (Need(("S",)),), ("A",), 100_000),
        Arc("A", (Need(("S2",)),), ("A",), UNIT),
        Arc(None, (Need(("A",)),), ("Done",), 0),
    )


def test_what_edges_begin_with_is_handed_in_only_where_nobody_else_gives_it() -> None:
    """A goal's argument, a gift of a tool and a stated start are no new facts; nor is a declared tool."""
    tools = "  tools: {t: {needs: [S], gives: [given]}}\n"
    goals = "  goals: {g: {needs: [A], arguments: {type: object, properties: {asked: {}}}}}\n"
    graph = graph_of(f"{goals}{tools}  edges: [[S, A, 1], [given, A, 1], [asked, A, 1]]\n")
    assert graph.start == ("S",)
    assert mistakes("  start: [S]\n  goals: {g: [A]}\n  edges: [[S, A, 1], [T, A, 1]]\n") == [
        "T | nobody gives the fact 'T', which A needs | hand it in, start: [T], or add a tool that gives it"
    ]
    (said,) = mistakes("  goals: {g: [pack]}\n  edges: [[pay, pack, 1], [S, pack, 1]]\n", TOOLS)
    assert said.startswith("pay | nobody gives the fact 'pay', which pack needs")


def test_joins_conclude() -> None:
    """They call nothing and cost nothing unless they say so."""
    graph = graph_of("  start: [a, b]\n  goals: {g: [j, k]}\n  joins: {j: [a, b], k: {needs: [a], cost: 0.5}}\n")
    assert graph.arcs == (
        Arc(None, (Need(("a",)), Need(("b",))), ("j",), 0),
        Arc(None, (Need(("a",)),), ("k",), 500_000),
    )


def test_goals_are_ordered_and_say_what_they_give_back() -> None:
    """The first of the needs if nothing is stated, and nothing if that is one of several."""
    schema = "{type: object, properties: {a: {type: string}}}"
    graph = graph_of(
        f"  start: [b]\n  goals: {{z: [b, a], y: {{needs: [b], arguments: {schema}, returns: a}}, "
        f"x: [{{any: [a, b]}}], w: {{needs: [b], arguments: {schema}}}}}\n  joins: {{a: [b]}}\n"
    )
    said = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert list(graph.goals.values()) == [
        Goal("z", (Need(("b",)), Need(("a",))), None, "b"),
        Goal("y", (Need(("b",)),), said, "a"),
        Goal("x", (Need(("a", "b")),), None, None),
        Goal("w", (Need(("b",)),), said, "b"),
    ]
    assert graph.goals["y"].arguments == said


def test_policy_and_clean_errors() -> None:
    """Costs of the policy are millionths too; errors are told for a tool, whichever way it was called."""
    graph = graph_of(
        "  start: [a, b]\n  goals: {g: [x]}\n"
        "  tools: {t: [{needs: [a], gives: [x], clean: [E, F]}, {needs: [b], gives: [x], clean: [F, G]}]}\n"
        "  policy: {retries: 0, cost_cap: 2.5, refusal: reroute, deadline_ms: 9}\n"
    )
    assert graph.policy == Policy(retries=0, cost_cap=2_500_000, refusal="reroute", deadline_ms=9)
    assert graph.clean == {"t": ("E", "F", "G")}


PARTS = {
    "goals: {}": "s | the graph has no goals | write goals: {NAME: [FACT]}",
    "goals: {g: [x, x]}": "g | 'x' stands here twice | leave one of them out",
    "goals: [b, b]": "goals | 'b' stands here twice | leave one of them out",
    "start: [a, a]": "start | 'a' stands here twice | leave one of them out",
    "tools: {t: {needs: [a], gives: [x, x]}}": "gives | 'x' stands here twice | leave one of them out",
    "tools: {t: {needs: [a], gives: [x], cost: 0}}": (
        "0 | a cost of 0: a call costs more than 0 | only joins are free; write 0.000001 or more"
    ),
    "tools: {t: {needs: [a], gives: [x], cost: -1.5}}": (
        "-1.5 | a cost of -1.5: a call costs more than 0 | only joins are free; write 0.000001 or more"
    ),
    "tools: {t: {needs: [a], gives: [x], cost: 0.0000001}}": (
        "0.0000001 | a cost of 1e-07 is finer than a millionth | round it to 6 places"
    ),
    "tools: {t: {needs: [a], gives: {x: a b}}}": (
        "a b | 'a b' is no path into a result | "
        "write the way into the result, such as receipt.id or items[0]; leave it empty for the whole"
    ),
    "tools: {t: {needs: [a]}}": "t | t gives nothing | write gives: [FACT]",
    "tools: {t: {cost: 2}}": "t | t gives nothing | write gives: [FACT]",
    "tools: {t: {args: {n: 1}}}": (
        "t | t gives nothing, and undoes nothing | write gives: [FACT], or undo: with its name"
    ),
    "tools: {t: {needs: [{any: [a], of: [a]}], gives: [x]}}": (
        "{ | not a need | write a fact, {any: [FACT, FACT]}, or {least: N, of: [FACT, FACT, FACT]}"
    ),
    "tools: {t: {needs: [{least: 3, of: [a, b]}], gives: [x]}}": (
        "{ | 3 of 2 facts cannot be met | ask for fewer, or list more facts"
    ),
    "tools: {t: {needs: [{any: [a, a]}], gives: [x]}}": "{ | 'a' stands here twice | leave one of them out",
    "tools: {t: [{needs: [a], gives: [x]}, {needs: [a], gives: [x], cost: 2}]}": (
        "{ | this stands twice: t: a → x | leave one of them out"
    ),
    "joins: {x: {needs: [a], cost: -1}}": "-1 | a cost of -1: costs are not below 0 | ",
    "edges: [[a, t, 0]]": "0 | a cost of 0: a call costs more than 0 | only joins are free; write 0.000001 or more",
    "edges: [[a, g, -1]]": "-1 | a cost of -1: costs are not below 0 | ",
    "edges: [[a, t, 1], [a, t, 2]]": "[ | the edge from a to t stands twice | leave one of them out",
    "edges: [[a, t]]": "[ | edges: expected 3 items, got 2 | ",
    "edges: [[a, t, 1, 2]]": "[ | edges: expected 3 items, got 4 | ",
    "policy: {cost_cap: 0.0000001}": "0.0000001 | a cost of 1e-07 is finer than a millionth | round it to 6 places",
    "polcy: {}": "polcy | unknown key 'polcy' | did you mean 'policy'?",
    "policy: {refusal: go}": "go | refusal: expected stop or reroute, got 'go' | ",
}


@pytest.mark.parametrize("part", PARTS)
def test_what_is_wrong_with_a_part(part: str) -> None:
    """Each mistake is told at its place, with the cure."""
    whole = {"start": "start: [a, b]", "goals": "goals: {g: [a]}"} | {part.partition(":")[0]: part}
    assert PARTS[part] in mistakes("".join(f"  {line}\n" for line in whole.values()))


def test_a_tool_that_costs_nothing_is_told_where_it_is_declared() -> None:
    """The arc is nowhere in the graph."""
    head = HEAD + "tools: {pay: {needs: [a], gives: [x], cost: 0}}\n"
    (said,) = mistakes("  start: [a]\n  goals: {g: [x]}\n", head)
    assert said.startswith("pay | a cost of 0: a call costs more than 0")


def test_a_registry_of_a_graph_alone_is_no_empty_one() -> None:
    """It loads, and is written and loaded again to the same digest."""
    loaded = registry("  goals: [Done]\n  edges: [[S, A, 0.1], [A, Done, 0]]\n")
    assert loaded.invariants == ()
