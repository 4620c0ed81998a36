"""A graph beside the rest of a registry: its tools, its rules, and the tools of code."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.errors import RegistryError
from harness.registry.graph.assemble import assemble
from harness.registry.graph.schema import GRAPH
from harness.registry.load import load
from harness.tool import ToolSpec
from tests.registry.graph.graphs import HEAD, graph_of, mistakes, registry, told

EDGES = "  goals: [Done]\n  edges: [[S, A, 0.1], [A, B, 0.3], [B, Done, 0.1]]\n"
RULE = (
    "invariants:\n- id: ONCE\n  on: action\n  tool: Done\n  require: count(action, call.tool == 'Done') == 0\n"
    "  otherwise: block\n  examples: {holds: [[{Done: {}}]], violated: [[{Done: {}}, {Done: {}}]]}\n"
)


def test_goals_are_tools_to_rules() -> None:
    """Rules and their examples speak of them, though other tools are declared."""
    head = HEAD + "tools: {A: {}, B: {}}\n" + RULE
    loaded = registry(EDGES, head)
    assert loaded.tools["Done"] == ToolSpec("Done", effect="write", idempotent=True)
    assert loaded.program.speaks_of("Done")
    assert loaded.to_yaml().count("Done: {}") == 3  # in the examples, and not among the tools
    again = load(loaded.to_yaml(), "again.yaml")
    assert again.digest == loaded.digest
    assert again.invariants[0].examples == loaded.invariants[0].examples
    with pytest.raises(RegistryError, match="no declared tool is called 'Don'"):
        registry(EDGES, head.replace("tool: Done", "tool: Don"))


@pytest.mark.parametrize(("part", "close"), [("policy: {retrys: 1}", "retries"), ("monitors: {bugdet: }", "budget")])
def test_a_misspelt_setting_is_told_where_rules_have_examples(part: str, close: str) -> None:
    """The examples rest on the graph, and one that cannot be assembled is no stage for them."""
    assert f"did you mean '{close}'?" in mistakes(f"{EDGES}  {part}\n", HEAD + RULE)[0]


def test_a_goal_writes_if_what_leads_to_it_may() -> None:
    """A tool that leads elsewhere does not count, a tool nobody declares may do anything."""
    tools = "tools: {look: {effect: read}, pay: {effect: write}}\n"
    graph = (
        "  start: [a]\n  goals: {seen: [x], paid: [y]}\n"
        "  tools: {look: {needs: [a], gives: [x]}, pay: {needs: [x], gives: [y]}}\n"
    )
    for head in (HEAD + tools, HEAD + tools.replace("pay: {effect: write}", "pay: {}")):
        loaded = registry(graph, head)
        assert (loaded.tools["seen"].effect, loaded.tools["paid"].effect) == ("read", "write")


def test_naming_a_tool_in_a_graph_declares_it_where_nothing_else_does() -> None:
    """A registry without tools leaves their declaration to code; one with tools declares them all."""
    loaded = registry(EDGES)
    assert set(loaded.tools) == {"A", "B", "Done"}
    assert loaded.program.speaks_of("A")
    assert mistakes(EDGES, HEAD + "tools: {A: {}, Bb: {}}\n") == [
        "B | no declared tool is called 'B' | did you mean 'Bb'?"
    ]
    assert mistakes(EDGES, HEAD + "tools: {A: {}, pay: {}}\n") == [
        "B | no declared tool is called 'B' | declare it: tools: {B: {…}}"
    ]


def test_tools_that_undo_and_probe_belong_to_the_graph() -> None:
    """With their declarations, though no arc is theirs."""
    head = HEAD + "tools: {A: {undo: C, probe: D}, B: {}, C: {}, D: {effect: read}, E: {}}\n"
    assert set(graph_of(EDGES, head).tools) == {"A", "B", "C", "D"}
    assert mistakes(EDGES, head.replace("A: {", "A: {effect: read, ")) == [
        "A | A only reads: there is nothing to undo | leave 'undo' out, or say effect: write"
    ]
    assert any("undo of A is the unknown tool 'C'" in one for one in mistakes(EDGES, head.replace("C: {}, ", "")))


def test_code_declares_what_the_graph_names() -> None:
    """The graph is assembled anew: effects, arguments, and what a tool says itself it gives."""
    code = [
        ToolSpec("A", "read", arguments={"type": "object", "properties": {"S": {}, "n": {}}, "required": ["S"]}),
        ToolSpec("B", "read", idempotent=True),
        ToolSpec("C", "read", needs=("A",), gives=("B",), cost=0.5),
    ]
    loaded = registry(EDGES)
    joined = loaded.with_tools(code)
    assert joined.graph is not None
    assert loaded.graph is not None
    assert (loaded.tools["Done"].effect, joined.tools["Done"].effect) == ("write", "read")
    assert [name for name, _ in joined.graph.arcs[0].args] == ["S"]
    assert [arc.cost for arc in joined.graph.arcs if arc.gives == ("B",)] == [300_000, 500_000]
    assert joined.graph.tools["B"] == code[1]
    assert joined.digest != loaded.digest
    assert joined.with_tools(()).digest == joined.digest


def test_code_that_does_not_fit_the_graph() -> None:
    """A required argument that nothing binds is told where the graph names the tool, like a goal that is a tool."""
    code = [ToolSpec("A", arguments={"type": "object", "properties": {"n": {}}, "required": ["n"]}), ToolSpec("Done")]
    with pytest.raises(RegistryError) as caught:
        registry(EDGES).with_tools(code)
    assert told(caught.value) == [
        "Done | the goal 'Done' is the name of a tool too | name the goal otherwise, such as Done_done: [Done]",
        (
            "[ | nothing is bound to the argument 'n' of A, which it requires | "
            "write A: {args: {n: FACT}} under 'tools:' of the graph; facts: S"
        ),
    ]


def test_arguments_of_a_tool_that_edges_lead_to() -> None:
    """An entry without needs and gifts says how the tool is called, whichever edge leads there."""
    graph = graph_of(EDGES + "  tools: {B: {args: {n: A.id}, clean: [E]}}\n")
    (arc,) = [arc for arc in graph.arcs if arc.tool == "B"]
    assert (arc.args[0][0], arc.args[0][1].fact, arc.cost) == ("n", "A", 300_000)
    assert graph.clean == {"B": ("E",)}


def test_what_a_goal_returns_is_there_when_it_is_reached() -> None:
    """One of its needs, its arguments, or what is always handed in."""
    graph = "  start: [s]\n  goals: {g: {needs: [x], returns: y}}\n  joins: {x: [y], y: [s]}\n"
    assert mistakes(graph) == ["y | g does not need 'y' | write one of: x, s"]
    assert graph_of(graph.replace("returns: y", "returns: s")).goals["g"].returns == "s"


def test_the_schema_of_a_goals_arguments_is_checked() -> None:
    """Shared schemas are followed, and what is no schema is told where it stands."""
    schema = "schemas: {order: {type: object, properties: {id: {type: string}}}}\n"
    graph = (
        "  goals: {g: {needs: [order], arguments: {type: object, properties: {order: {$ref: '#/schemas/order'}}}}}\n"
    )
    arguments = graph_of(graph, HEAD + schema).goals["g"].arguments
    assert arguments is not None
    assert arguments["properties"]["order"] == {"type": "object", "properties": {"id": {"type": "string"}}}
    (said,) = mistakes(graph.replace("type: object", "type: objekt"), HEAD + schema)
    assert said.startswith("objekt | not a JSON Schema")


def test_a_graph_that_cannot_be_read_makes_no_other_mistakes() -> None:
    """A rule on a goal is not blamed for the form of the graph."""
    assert mistakes("  goals: {Done: 5}\n", HEAD + "tools: {A: {}}\n" + RULE) == [
        "5 | Done: expected a list or an object, got 5 | "
    ]


def test_all_mistakes_are_told_at_once() -> None:
    """Those of the graph and those of the rules, in the order of their lines."""
    text = f"{HEAD}{RULE.replace('Done', 'Dne')}graph:\n{EDGES.replace('0.3', '0')}tools: {{A: {{}}, B: {{}}}}\n"
    with pytest.raises(RegistryError) as caught:
        load(text, "shop.yaml")
    assert [one.line for one in caught.value.mistakes] == [7, 8, 10, 10, 10, 13]


NAMES = st.sampled_from(["a", "b", "c", "d"])
SOME = st.lists(NAMES, max_size=3, unique=True) | st.lists(NAMES, max_size=2)
NEED = NAMES | st.fixed_dictionaries({"any": SOME}) | st.fixed_dictionaries({"least": st.integers(1, 3), "of": SOME})
NEEDS = st.lists(NAMES, min_size=1, max_size=3, unique=True) | st.lists(NEED, max_size=3)
COST = st.sampled_from([1, 0.25, 0.1, 2.5]) | st.sampled_from([0, -1, 1e-9])
TEXT = st.sampled_from(["a", "a.b", "b[0]", "a b", ""]) | NAMES
ARGS = st.dictionaries(NAMES, TEXT | st.booleans() | st.fixed_dictionaries({"is": TEXT}), max_size=2)
GIVES = st.lists(NAMES, min_size=1, max_size=2) | st.dictionaries(NAMES, TEXT | st.none(), min_size=1, max_size=2)
PARTS = {"needs": NEEDS, "gives": GIVES, "cost": COST, "args": ARGS, "clean": SOME}
SOUND = st.fixed_dictionaries(
    {"needs": st.lists(NAMES, max_size=2, unique=True), "gives": NAMES.map(lambda one: [one])}
)
WAY = SOUND | SOUND | st.fixed_dictionaries({}, optional=PARTS)
GOAL = NEEDS | st.fixed_dictionaries({"needs": NEEDS}, optional={"returns": NAMES})
GRAPHS = st.fixed_dictionaries(
    {
        "start": st.just(["a", "b", "c", "d"]) | SOME,
        "goals": st.dictionaries(st.sampled_from(["g", "h", "i"]), GOAL, min_size=1, max_size=2),
    },
    optional={
        "tools": st.dictionaries(NAMES, WAY | st.lists(WAY, min_size=1, max_size=2), max_size=2),
        "joins": st.dictionaries(NAMES, NEEDS | st.fixed_dictionaries({"needs": NEEDS, "cost": COST}), max_size=2),
        "edges": st.lists(st.tuples(NAMES, NAMES, COST).map(list), max_size=2),
        "policy": st.fixed_dictionaries({}, optional={"retries": st.integers(0, 3), "cost_cap": st.just(2.5)}),
    },
)


@given(GRAPHS)
@settings(deadline=None)
def test_a_graph_is_assembled_or_its_mistakes_are_told(data: dict[str, Any]) -> None:
    """Whatever is of the form; a graph without flaws loads, is written, and loads again to the same meaning."""
    flaws = assemble("shop", data, {}).flaws
    text = HEAD + yaml.safe_dump({"graph": data}, sort_keys=False)
    try:
        loaded = load(text, "shop.yaml")
    except RegistryError as error:
        assert flaws or not Draft202012Validator(GRAPH).is_valid(data), error
    else:
        assert not flaws
        assert load(loaded.to_yaml(), "again.yaml").graph == loaded.graph
