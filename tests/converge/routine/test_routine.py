"""Routines: what references stand for, what is wrong with one, and the plan it is."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.plan.flaws import flaws_of_plan
from harness.converge.routine.file import load_routine
from harness.converge.routine.flaws import flaws_of_routine
from harness.converge.routine.routine import Routine, Step, plan_of, references, resolved
from harness.errors import PlanError, UsageError
from harness.tool import ToolSpec

TEXT = {"type": "string"}
MONEY = {"type": "number", "unit": "EUR"}


def takes(required: list[str], **properties: Any) -> dict[str, Any]:
    """Give the schema of some arguments."""
    return {"type": "object", "properties": properties, "required": required}


TOOLS = {
    one.name: one
    for one in (
        ToolSpec("search", "read", arguments=takes(["q"], q=TEXT), result=takes([], id=TEXT, all={"type": "array"})),
        ToolSpec(
            "get_order",
            "read",
            arguments=takes(["id"], id=TEXT, deep={"type": "boolean"}),
            result=takes([], id=TEXT, total=MONEY, items={"type": "array", "items": takes([], price=MONEY)}),
        ),
        ToolSpec("refund", arguments=takes(["id", "euros"], id=TEXT, euros=MONEY, why={})),
        ToolSpec("pay", idempotency_key="key", undo="refund", arguments=takes([], key=TEXT, cents={"type": "integer"})),
        ToolSpec("tidy", idempotent=True),
    )
}


def told(*steps: Step, level: str = "error", given: Any = ("q",), results: tuple[str, ...] = ()) -> list[str]:
    """Give what is wrong with a routine of some steps."""
    flaws = flaws_of_routine(Routine("r", steps, given, results), TOOLS)
    return [one.mistake.message for one in flaws if one.level == level]


FIND = Step("find", "search", {"q": "$q"})
ORDER = Step("order", "get_order", {"id": "$find.id"})
SOUND = (FIND, ORDER, Step("back", "refund", {"id": "$order.id", "euros": "$order.items[0].price"}))


def test_a_sound_routine_has_no_flaws() -> None:
    """Names, arguments, references, types and units fit; a write that cannot be undone comes last."""
    assert told(*SOUND) == told(*SOUND, level="warning") == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "the routine has no steps"),
        ((FIND, FIND), "'find' is given twice"),
        ((Step("q", "search", {"q": "x"}),), "'q' is given twice"),
        ((Step("find", "serch", {"q": "$q"}),), "no tool is called 'serch'"),
        ((Step("find", "search"),), "search requires the argument 'q'"),
        ((Step("find", "search", {"q": "$q", "limit": 5}),), "search has no argument 'limit'"),
        ((Step("find", "search", {"q": 5}),), "q: 5 is not of type 'string'"),
        ((FIND, Step("order", "get_order", {"id": "$fnd.id"})), "$fnd.id refers to nothing: no step is called 'fnd'"),
        ((ORDER, FIND), "$find.id refers to a step that comes later, or to its own"),
        ((Step("find", "search", {"q": "$find.id"}),), "$find.id refers to a step that comes later, or to its own"),
        ((FIND, Step("order", "get_order", {"id": "$find.idd"})), "$find.idd: find has no such part"),
        ((FIND, Step("order", "get_order", {"id": "$find.id x"})), "$find.id x is no path"),
        ((FIND, ORDER, Step("again", "get_order", {"id": "$order.total"})), "$order.total is a number, and text is"),
        ((FIND, ORDER, Step("x", "get_order", {"id": "a", "deep": "$find.id"})), "$find.id is text, and true or false"),
        ((FIND, Step("back", "refund", {"id": "a", "euros": 1}, tries=2)), "refund writes, and a second try may do it"),
        ((Step("a", "pay", {"key": "k"}), Step("b", "pay", {"key": "k", "cents": 2})), "b has the key of a: the two"),
        ((Step("find", "search", {"q": "$q"}, tries=0),), "tries: 0 is never"),
    ],
)
def test_every_mistake_is_told(steps: tuple[Step, ...], message: str) -> None:
    """Each mistake by itself, as it is worded."""
    assert any(one.startswith(message) for one in told(*steps)), told(*steps)


def test_units_are_compared_along_references() -> None:
    """Dollars that are handed in are not paid back as euros, wherever they stand in an argument."""
    dollars = {"q": {}, "sum": {"type": "number", "unit": "USD"}}
    step = Step("back", "refund", {"id": "$q", "euros": "$sum"})
    assert told(step, given=dollars) == ["$sum: USD and EUR: money in USD is not money in EUR"]


def test_a_result_that_is_no_step_is_told() -> None:
    """What is wanted has to be given by a step."""
    assert told(*SOUND, results=("bck",)) == ["no step is called 'bck'"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((FIND, Step("note", "tidy")), "nobody uses what find gives, and search only reads"),
        ((Step("find", "search", {"q": "x"}),), "nobody uses 'q'"),
        ((FIND, Step("back", "refund", {"id": "for $find.id", "euros": 1})), "$find stands inside of a text"),
        ((Step("back", "refund", {"id": "$q", "euros": 1}), FIND), "if a later step fails, back stays done"),
        ((Step("pay", "pay", {"cents": 1}),), "pay is called without its key key, so that it is not tried again"),
        (
            (Step("a", "refund", {"id": "$q", "euros": 1}), Step("b", "refund", {"id": "$q", "euros": 1})),
            "b does again what a does, with the same arguments",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(steps: tuple[Step, ...], message: str) -> None:
    """What may be meant, and is not likely to be."""
    assert any(one.startswith(message) for one in told(*steps, level="warning")), told(*steps, level="warning")


def test_without_tools_only_names_are_checked() -> None:
    """References, steps and results are looked at; tools, arguments and types are not."""
    steps = (Step("find", "serch", {"limit": "5"}), Step("order", "get_order", {"id": "$fnd"}))
    flaws = [one.mistake.message for one in flaws_of_routine(Routine("r", steps))]
    assert flaws == ["$fnd refers to nothing: no step is called 'fnd'"]


# --- references -------------------------------------------------------------------------------------------------------


def test_references_are_replaced() -> None:
    """Whole values and parts of them, deep in an argument; ``$$`` is a dollar, and a price is a price."""
    values = {"a": {"id": 7, "all": [{"x y": 1}]}, "q": None}
    args = {"one": "$a.id", "all": ["$a.all[0]", "$q", '$a.all[0]["x y"]'], "$a": "$$a", "cost": "$5", "b": "x $a.id"}
    assert resolved(args, values) == {
        "one": 7, "all": [{"x y": 1}, None, 1], "$a": "$a", "cost": "$5", "b": "x $a.id"
    }  # fmt: skip
    assert [one.text for one in references(args, values)] == ["$a.id", "$a.all[0]", "$q", '$a.all[0]["x y"]']


@pytest.mark.parametrize("text", ["$b", "$a.x", "$a.id.x", "$a.all[1]", "$a[0]", "$a.all.id", "$a.id[0]"])
def test_a_reference_to_what_is_not_there_is_an_error(text: str) -> None:
    """A missing name, field, item, and a part of what has none."""
    with pytest.raises(UsageError, match=r"stands for nothing|there is no"):
        resolved({"x": [text]}, {"a": {"id": "text", "all": [1]}})


# --- as a plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "args", "may"),
    [
        (ToolSpec("a", "read"), {}, True),
        (ToolSpec("a"), {}, False),
        (ToolSpec("a", idempotent=True), {}, True),
        (ToolSpec("a", idempotency_key="k"), {"k": 1}, True),
        (ToolSpec("a", idempotency_key="k"), {}, False),
        (ToolSpec("a", idempotent=True, idempotency_key="k"), {}, False),
    ],
)
def test_what_may_be_tried_again(spec: ToolSpec, args: dict[str, Any], may: bool) -> None:
    """Reads, idempotent writes, and writes with a key of their own; no other."""
    assert spec.repeatable(args) is may


def test_a_routine_is_a_plan() -> None:
    """A node for each step, with what it uses, the schema of what it gives, and as many tries as are harmless."""
    plan = plan_of(Routine("r", SOUND, ["q"], ("back",)), TOOLS)
    assert not [one for one in flaws_of_plan(plan) if one.level == "error"]
    order, back = plan.by_name["order"], plan.by_name["back"]
    assert (order.inputs, order.outputs) == ({"find": None}, {"order": TOOLS["get_order"].result})
    assert (order.tries, back.tries, back.after) == (3, 1, ("find", "order"))
    assert plan.wanted == ("back",)


@given(st.lists(st.sampled_from(["read", "write"]), min_size=1, max_size=8))
def test_writes_keep_their_order(effects: list[Any]) -> None:
    """Every two steps one of which writes are made in the order they stand in; two that read may change places."""
    tools = {effect: ToolSpec(effect, effect) for effect in ("read", "write")}
    steps = [Step(f"s{number}", effect) for number, effect in enumerate(effects)]
    reach = nx.transitive_closure(plan_of(Routine("r", tuple(steps)), tools).graph())
    for first, one in enumerate(steps):
        for second, other in enumerate(steps[first + 1 :], first + 1):
            between = "write" in effects[first : second + 1]
            assert reach.has_edge(one.name, other.name) == between


# --- files ------------------------------------------------------------------------------------------------------------

BROKEN = """\
routine: r
given: [q]
steps:
  - {step: find, tool: serch, args: {q: $q}}
  - {step: order, tol: get_order}
  - {step: back, tool: refund, args: {id: $find.id, euros: $qq, whi: 1}, tires: 2}
  - {step: no name, tool: search}
"""


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """With their lines and cures; beside a step that cannot be read nobody is said to refer to nothing."""
    with pytest.raises(PlanError) as found:
        load_routine(BROKEN, "r.yaml", TOOLS)
    assert [(one.line, one.source[one.column - 1 :][: one.length], one.cure) for one in found.value.mistakes] == [
        (4, "serch", "did you mean 'search'?"),
        (5, "{", ""),
        (5, "tol", "did you mean 'tool'?"),
        (6, "whi", "did you mean 'why'?"),
        (6, "tires", "did you mean 'tries'?"),
        (7, "no name", "a name is a letter, then letters, digits and _ (an id may hold . / - too)"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("routine: r\n", "the key 'steps' is missing"),
        ("routine: r\nsteps: []\n", "the routine has no steps"),
        ("steps: 5\nroutine: r\n", "steps: expected a list, got 5"),
        ("- a\n", "this is no routine"),
    ],
)
def test_what_is_no_routine_is_told(text: str, told: str) -> None:
    """Bad files are errors that name the place."""
    with pytest.raises(PlanError, match=told):
        load_routine(text, "r.yaml")


def test_a_sound_file_is_the_routine_it_states() -> None:
    """Steps, arguments and all."""
    text = "routine: r\ngiven: [q]\nsteps:\n- {step: find, tool: search, args: {q: $q}, tries: 2}\nresults: [find]\n"
    step = Step("find", "search", {"q": "$q"}, 2)
    assert load_routine(text, "r.yaml", TOOLS) == Routine("r", (step,), ["q"], ("find",))
