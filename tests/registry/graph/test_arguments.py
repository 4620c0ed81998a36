"""What each argument of a routed call is bound to, and what is told of arguments before any call."""

from __future__ import annotations

import pytest

from harness.registry.graph.values import Graph, Source
from tests.registry.graph.graphs import HEAD, graph_of, mistakes

TOOLS = (
    "tools:\n"
    "  pay:\n"
    "    arguments: {type: object, properties: {order: {type: object}, cents: {type: integer}, note: {type: string},\n"
    "      key: {type: string}, on: {type: boolean}}, required: [cents, key]}\n"
    "    idempotency_key: key\n"
    "    undo: refund\n"
    "    result: {schema: {type: object, properties: {id: {type: string},\n"
    "      at: {type: array, items: {type: integer}}}}}\n"
    "  refund: {arguments: {type: object, properties: {id: {type: string}, paid: {}, order: {}}, required: [id]}}\n"
    "  box: {}\n"
)
GOAL = (
    "  goals: {paid_for: {needs: [paid], arguments: {type: object, properties: {order: {type: object, properties:\n"
    "    {cents: {type: integer}, name: {type: string}}}}, required: [order]}}}\n"
)


def pay(way: str, *more: str) -> str:
    """Write a graph in which ``pay`` has one way, from the argument ``order``."""
    return f"{GOAL}  tools:\n    pay: {{gives: {{paid: , id: id}}, {way}}}\n" + "".join(f"    {one}\n" for one in more)


def args(graph: Graph) -> dict[str, Source]:
    """Give what the arguments of the first arc are bound to."""
    return dict(graph.arcs[0].args)


def test_arguments_are_what_is_stated_or_the_facts_of_their_names() -> None:
    """Parts of facts, constants, and the whole fact where nothing is said; a key may stay open."""
    way = "needs: [order], args: {cents: order.cents, note: {is: thanks}, on: true}"
    assert args(graph_of(pay(way), HEAD + TOOLS)) == {
        "order": Source("order"),
        "cents": Source("order", ("cents",)),
        "note": Source(constant="thanks"),
        "on": Source(constant=True),
    }


def test_nothing_is_known_of_tools_without_a_schema() -> None:
    """Their arguments are those that are stated, whatever these are."""
    graph = graph_of("  start: [a, b]\n  goals: {g: [x]}\n  tools: {t: {needs: [a, b], gives: [x], args: {n: a.z}}}\n")
    assert args(graph) == {"n": Source("a", ("z",))}


def test_a_key_may_be_a_fact() -> None:
    """Then the same fact is the same call."""
    way = "needs: [order], args: {cents: 5, key: order.name}"
    assert args(graph_of(pay(way), HEAD + TOOLS))["key"] == Source("order", ("name",))


def test_undoing_is_bound_only_where_it_is_stated() -> None:
    """To facts that are there once the write is done; else the router goes by names."""
    way = "needs: [order], args: {cents: 5}"
    assert graph_of(pay(way), HEAD + TOOLS).undo_args == {}
    graph = graph_of(pay(way, "refund: {args: {id: id}}"), HEAD + TOOLS)
    assert graph.undo_args == {"refund": (("id", Source("id")), ("order", Source("order")), ("paid", Source("paid")))}
    assert [arc.tool for arc in graph.arcs] == ["pay"]


WAYS = {
    "needs: [order], args: {cents: 5, nte: 3}": "nte | pay has no argument 'nte' | did you mean 'note'?",
    "needs: [order]": (
        "pay | nothing is bound to the argument 'cents' of pay, which it requires | "
        "write pay: {args: {cents: FACT}} under 'tools:' of the graph; facts: order"
    ),
    "needs: [order], args: {cents: ordr.cents}": (
        "ordr.cents | pay does not need 'ordr', so that it may not be there | did you mean 'order'?"
    ),
    "needs: [order], args: {cents: box.n}": (
        "box.n | pay does not need 'box', so that it may not be there | "
        'add box to the needs, or write {is: "…"} for a text of its own'
    ),
    "needs: [{any: [order, box]}], args: {cents: order.cents}": (
        "order.cents | 'order.cents' is not there on every way: it is one of several facts | "
        "write one way for each of the alternatives, under tools: TOOL: [{…}, {…}]"
    ),
    "needs: [order], args: {cents: order.cent}": (
        "order.cent | order, as who asks for paid_for gives it, has no 'cent' | did you mean 'cents'?"
    ),
    "needs: [order], args: {cents: order.name}": (
        "order.name | cents of pay is a number, and what who asks for paid_for gives here is text | "
    ),
    "needs: [order], args: {cents: 5, key: {is: once}}": (
        "key | the idempotency key of pay is a constant: its calls would count as one | "
        "leave key out, and each call has a key of its own; or bind it to a fact"
    ),
    "needs: [order], args: {cents: {value: 5}}": "value | unknown key 'value' | known keys: is",
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_wrong_with_arguments(way: str) -> None:
    """Each mistake is told at its place, with the cure."""
    assert WAYS[way] in mistakes(pay(way, "box: {needs: [order], gives: [box]}"), HEAD + TOOLS)


def test_a_part_of_a_result_that_is_not_promised() -> None:
    """The way into the result follows the tool's schema, through lists too."""
    graph = f"{GOAL}  tools: {{pay: {{needs: [order], args: {{cents: 5}}, gives: {{paid: at.cent, id: 'at[0]'}}}}}}\n"
    assert mistakes(graph.replace("at.cent", "idd"), HEAD + TOOLS) == [
        "idd | what pay gives has no 'idd' | did you mean 'id'?"
    ]
    graph = graph.replace("at.cent", "at").replace("'at[0]'}", "'at[0]'}")
    graph += "  joins: {x: [id]}\n"
    assert graph_of(graph, HEAD + TOOLS).arcs[0].results == (("paid", ("at",)), ("id", ("at", 0)))


def test_types_follow_the_parts_of_results() -> None:
    """A number in a list that one tool gives is no text for another."""
    head = HEAD + TOOLS.replace("box: {}", "box: {arguments: {type: object, properties: {n: {type: string}}}}")
    way = "needs: [order], args: {cents: 5}, gives: {paid: at}"
    graph = f"{GOAL}  tools: {{pay: {{{way}}}, box: {{needs: [paid], gives: [b], args: {{n: 'paid[0]'}}}}}}\n"
    assert mistakes(graph, head) == [
        "paid[0]' | n of box is text, and what pay gives here is a number | ",
    ]


def test_what_an_undo_needs_and_nobody_has() -> None:
    """Told at the way that cannot be undone, if its schemas say what there will be."""
    head = HEAD + TOOLS.replace("{id: {type: string},\n      at:", "{at:").replace("id: id", "paid: ")
    graph = f"{GOAL}  tools: {{pay: {{needs: [order], args: {{cents: 5}}, gives: [paid]}}}}\n"
    (said,) = mistakes(graph, head)
    assert said == (
        "pay | refund, which undoes pay, requires the argument 'id': no such argument or result | "
        "write refund: {args: {id: FACT}} under 'tools:' of the graph; facts: order, paid"
    )
    (said,) = mistakes(graph.replace("gives: [paid]}", "gives: [paid]}, refund: {args: {id: od}}"), head)
    assert said.startswith("od | refund does not need 'od', so that it may not be there")
