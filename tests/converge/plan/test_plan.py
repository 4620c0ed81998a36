"""Plans: what they mean, and all that can be wrong with them."""

from __future__ import annotations

import json
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.plan.file import load_plan
from harness.converge.plan.flaws import flaws_of_plan
from harness.converge.plan.plan import Node, Plan
from harness.errors import NotRecordable, PlanError, UsageError
from harness.registry.load import load
from harness.registry.registry import Registry
from tests.converge.plan.plans import plans

REGISTRY = """
registry: trips
version: 1
default: allow
artifacts:
  booking: {schema: {type: object, properties: {price: {type: number, unit: EUR}}}}
invariants:
  - {id: CHEAP, on: artifact, artifact: booking, require: artifact.price < 100}
"""


def registry() -> Registry:
    """Give a registry with one artifact."""
    return load(REGISTRY, "trips.yaml")


def told(plan: Plan, rules: Registry | None = None, level: str = "error") -> list[str]:
    """Give what is wrong with a plan."""
    return [one.mistake.message for one in flaws_of_plan(plan, rules) if one.level == level]


def test_a_sound_plan_has_no_flaws() -> None:
    """A diamond, and its order: topological, ties by name."""
    nodes = [
        Node("d", reads=["b", "c"], writes=["d"]),
        Node("c", reads=["a"], writes=["c"]),
        Node("b", reads=["a"], writes=["b"]),
        Node("a", reads=["x"], writes=["a"]),
    ]
    plan = Plan("diamond", nodes, ["x"])
    assert list(flaws_of_plan(plan)) == []
    assert plan.order == ("a", "b", "c", "d")
    assert plan.wanted == ("d",)


@given(plans())
def test_the_order_is_the_least_that_keeps_every_edge(plan: Plan) -> None:
    """At each place stands the first name of those whose predecessors stand before it; a plan drawn whole is whole."""
    assert told(plan) == []
    edges = nx.DiGraph()
    edges.add_nodes_from(plan.by_name)
    edges.add_edges_from(
        (one.name, other.name)
        for one in plan.nodes
        for other in plan.nodes
        if set(one.outputs) & set(other.inputs) or one.name in other.after
    )
    assert {*plan.graph().edges} == {*edges.edges}
    done: list[str] = []
    while len(done) < len(plan.nodes):
        done.append(min(name for name in edges if name not in done and {*edges.predecessors(name)} <= {*done}))
    assert plan.order == tuple(done)


@given(plans())
def test_a_plan_is_read_back_from_its_data(plan: Plan) -> None:
    """``facts`` is the form of a file: what is written so means the same, as data and as text."""
    assert Plan.of(json.loads(json.dumps(plan.facts()))) == Plan.of(plan.facts())
    assert load_plan(json.dumps(plan.facts(), indent=2), "plan.json") == Plan.of(plan.facts())
    assert {node.name: node for node in Plan.of(plan.facts()).nodes} == plan.by_name


@given(plans(), st.data())
def test_one_edge_back_is_a_cycle_that_is_named_whole(plan: Plan, data: st.DataObject) -> None:
    """Where the first of two nodes waits for the second too, the cycle that is told is one of the graph."""
    pairs = [(one, other) for one in plan.by_name for other in nx.descendants(plan.graph(), one) | {one}]
    first, second = data.draw(st.sampled_from(sorted(pairs)))
    nodes = [
        Node(node.name, "", node.inputs, node.outputs, after=(*node.after, second)) if node.name == first else node
        for node in plan.nodes
    ]
    broken = Plan("broken", nodes, ["start"])
    (message,) = told(broken)
    named = message.removeprefix("nodes that wait for each other: ").split(" → ")
    assert named[0] == named[-1]
    assert len(set(named)) == len(named) - 1
    assert all(broken.graph().has_edge(one, other) for one, other in pairwise(named))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan("p", []), "the plan has no nodes"),
        (Plan("p", [Node("a", reads=["x"])]), "nobody writes or hands in 'x'"),
        (Plan("p", [Node("a", writes=["x"])], results=["y"]), "no node writes the result 'y'"),
        (Plan("p", [Node("a", ["x"], ["x"])], ["x"], ["x"]), "'x' is handed in, and no result"),
        (Plan("p", [Node("a", writes=["x"]), Node("b", writes=["x"])]), "'x' is written twice: by a and by b"),
        (Plan("p", [Node("a", writes=["x"])], ["x"]), "'x' is written twice: by whoever pursues the plan and by a"),
        (Plan("p", [Node("a"), Node("a")]), "2 nodes are called 'a'"),
        (Plan("p", [Node("a", after=("b",))]), "there is no node 'b'"),
        (Plan("p", [Node("a", after=("a",))]), "nodes that wait for each other: a → a"),
        (Plan("p", [Node("a", tries=0)]), "tries: 0 is never"),
        (Plan("p", [Node("")]), "a node without a name"),
        (Plan("p", [Node("a", writes=["boking"], rules=("boking",))]), "no declared artifact is called 'boking'"),
        (Plan("p", [Node("a", rules=("booking",))]), "a does not write 'booking', so that there is nothing for its"),
        (Plan("p", [Node("a", writes={"x": {"type": "nmber"}})]), "not a JSON Schema: 'nmber' is not valid"),
        (Plan("p", [Node("a", writes={"x": {"unit": "EURO"}})]), "unknown unit 'EURO'"),
        (Plan("p", [Node("a", ["x"])], {"x": {"type": 1}}), "not a JSON Schema"),
    ],
)
def test_every_mistake_is_told(plan: Plan, message: str) -> None:
    """Each mistake by itself, as it is worded."""
    assert any(one.startswith(message) for one in told(plan, registry()))


def test_units_of_writers_and_readers_are_compared() -> None:
    """Euros are not read as dollars, deep inside of lists too; an artifact's schema counts where none is stated."""
    price = {"type": "object", "properties": {"all": {"type": "array", "items": {"type": "number", "unit": "EUR"}}}}
    asked = json.loads(json.dumps(price).replace("EUR", "USD"))
    plan = Plan("p", [Node("a", writes={"x": price}), Node("b", reads={"x": asked})])
    assert told(plan) == ["x.all[]: a and b differ: EUR and USD: money in EUR is not money in USD"]
    cents = {"properties": {"price": {"unit": "EUR_cent"}}}
    plan = Plan("p", [Node("a", writes=["booking"]), Node("b", reads={"booking": cents})])
    assert told(plan, registry()) == ["booking.price: a and b differ: EUR and EUR_cent: they differ by a factor of 100"]
    assert told(plan) == []


def test_what_nobody_reads_is_a_warning() -> None:
    """A key of the last node is a result by itself; with results stated, only these are."""
    nodes = [Node("a", writes=["x", "y"]), Node("b", reads=["x"], writes=["z"])]
    assert told(Plan("p", nodes), level="warning") == ["nobody reads 'y'"]
    assert told(Plan("p", nodes, ["w"], ["y"]), level="warning") == ["nobody reads 'z'", "nobody reads 'w'"]
    assert told(Plan("p", nodes, results=["y", "z"]), level="warning") == []


BROKEN = """\
plan: trip
given: [city]
nodes:
  hotel:
    reads: [ctiy]
    writes: {hotel: {type: objct}}
    rules: [booking]
  flight: {reads: [hotel, city], writes: [flight], tris: 2, after: [hotle]}
  a: {reads: [b], writes: [a]}
  b: {reads: [a], writes: [b], tries: 0}
"""


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Each with its line, the part that is wrong, and the likely cure."""
    with pytest.raises(PlanError) as found:
        load_plan(BROKEN, "trip.yaml", registry())
    places = [(one.line, one.source[one.column - 1 :][: one.length], one.cure) for one in found.value.mistakes]
    assert places == [
        (5, "ctiy", "did you mean 'city'?"),
        (6, "objct", "did you mean 'object'?"),
        (7, "booking", "write the artifact under its name: writes: [booking]"),
        (8, "tris", "did you mean 'tries'?"),
        (8, "hotle", "did you mean 'hotel'?"),
        (9, "a", "break it: one of them has to do without what another writes"),
        (10, "0", "write at least 1"),
    ]
    assert str(found.value).endswith("7 mistakes; nothing was begun")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p.yaml:1:1  the file is empty"),
        ("- a\n", "this is no plan"),
        ("plan: p\n", "the key 'nodes' is missing"),
        ("plan: p\nnodes: {}\n", "the plan has no nodes"),
        ("plan: p\nnodes: {a: }\nnode: 1\n", "unknown key 'node'"),
        ("plan: p\nnodes: {a: , a: }\n", "the key 'a' stands here twice"),
        ("plan: p\nnodes: {a: [x]}\n", "a: expected an object or nothing, got a list"),
        ("plan: p\nnodes: {a: {reads: x}}\n", "reads: expected a list or an object, got 'x'"),
        ("plan: p\nnodes: {a: {writes: {x: .nan}}}\n", "x: expected an object or true or false or nothing"),
        ("plan: [\n", "not YAML"),
    ],
)
def test_what_is_no_plan_is_told(text: str, told: str) -> None:
    """Bad files are errors that name the place."""
    with pytest.raises(PlanError) as found:
        load_plan(text, "p.yaml")
    assert told in str(found.value)


def test_what_cannot_be_read_hides_no_other_mistake() -> None:
    """Beside a node that cannot be read other nodes are checked, but nobody is said to miss what that one may write."""
    with pytest.raises(PlanError) as found:
        load_plan("plan: p\nnodes: {a: 7, b: {reads: [x], writes: {y: {type: nope}}}}\n", "p.yaml")
    assert [one.message.split(":")[0] for one in found.value.mistakes] == ["a", "not a JSON Schema"]


def test_a_plan_is_not_reached_through_what_it_was_made_of() -> None:
    """Schemas are copied, lists may be given for tuples, a text for a list is an error, and so is what is no JSON."""
    schema = {"type": "object"}
    node = Node("a", writes={"x": schema}, rules=["r"], after=["b"])  # type: ignore[arg-type]
    schema["type"] = "string"
    assert node.outputs == {"x": {"type": "object"}}
    assert (node.rules, node.after) == (("r",), ("b",))
    with pytest.raises(UsageError, match="'city' is no list of keys"):
        Node("a", reads="city")
    with pytest.raises(NotRecordable):
        Node("a", writes={"x": {"maximum": float("nan")}})


def test_a_plan_of_code_names_the_place_in_it() -> None:
    """Without a file a mistake says in which part of which plan it is."""
    (one,) = flaws_of_plan(Plan("trip", [Node("a", reads=["x"])]))
    assert str(one).startswith("plan trip: nodes.a.reads.x  error  nobody writes or hands in 'x'")


def test_a_sound_file_is_the_plan_it_states() -> None:
    """Keys without schemas, a node with two tries."""
    text = "plan: p\ngiven: [x]\nnodes:\n  a: {reads: [x], writes: {y: }, tries: 2}\nresults: [y]\n"
    assert load_plan(text, "p.yaml") == Plan("p", [Node("a", reads=["x"], writes=["y"], tries=2)], ["x"], ["y"])
