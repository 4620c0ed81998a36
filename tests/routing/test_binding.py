"""Arguments from facts, facts from results, and keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from harness.routing.binding import Bindings, Unbound, constants
from harness.routing.graph import Arc, Goal, Graph, Need, Source
from harness.tool import ToolSpec
from harness.trace.value import encode_value
from tests.strategies import json_values

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = {
    "pay": ToolSpec("pay", idempotency_key="key"),
    "strict": ToolSpec("strict", arguments=NUMBER, result=NUMBER),
}
BINDINGS = Bindings(Graph("g", (), (), {"done": Goal("done", (Need(("x",)),))}, TOOLS))


def bound(args: dict[str, Source], facts: dict[str, Any], tool: str = "pay", mark: tuple[Any, ...] = ()) -> Any:
    """Bind the arguments of a call."""
    return BINDINGS.arguments(tool, tuple(args.items()), facts, mark)


def test_values_come_from_facts_their_parts_and_constants() -> None:
    """A constant may be anything, None too."""
    args = {"a": Source("x"), "b": Source("x", ("items", 1, "id")), "c": Source(constant=None), "key": Source("k")}
    facts = {"x": {"items": [{}, {"id": 7}]}, "k": "mine"}
    assert bound(args, facts) == {"a": facts["x"], "b": 7, "c": None, "key": "mine"}


@pytest.mark.parametrize(
    "path", [("y",), ("items", 5), ("items", "id"), ("items", 0, "id", "n"), ("items", 0, "id", 0)]
)
def test_a_part_that_is_not_there(path: tuple[str | int, ...]) -> None:
    """The message names the argument, the way and the step that leads nowhere."""
    with pytest.raises(Unbound, match=r"the argument a \(x\) is to be .*there is no"):
        bound({"a": Source("x", path)}, {"x": {"items": [{"id": "W-7"}]}})


def test_a_fact_that_is_not_held() -> None:
    """It is told by name."""
    with pytest.raises(Unbound, match="bound to the fact x, which is not held"):
        bound({"a": Source("x")}, {})


def test_the_parts_of_objects_and_tuples() -> None:
    """A path leads into Python objects as a trace writes them; what it gives keeps its type."""
    from dataclasses import dataclass

    @dataclass
    class Offer:
        seats: tuple[int, ...]

    facts = {"x": encode_value({"offer": Offer((4, 5))})}
    assert bound({"a": Source("x", ("offer", "seats", 1))}, facts)["a"] == 5
    assert bound({"a": Source("x", ("offer", "seats"))}, facts)["a"] == encode_value((4, 5))


@given(json_values, json_values)
def test_a_key_tells_calls_apart(one: Any, other: Any) -> None:
    """The same call has the same key; other arguments, another route, another gift or another tool another one."""
    key = bound({"a": Source("x")}, {"x": one}, mark=("route", "gift", 0))["key"]
    assert key == bound({"a": Source("x")}, {"x": one}, mark=("route", "gift", 0))["key"]
    assert len(key) == 32
    again = bound({"a": Source("x")}, {"x": other}, mark=("route", "gift", 0))["key"]
    assert (again == key) == (encode(one) == encode(other))
    assert key != bound({"a": Source("x")}, {"x": one}, mark=("other", "gift", 0))["key"]
    assert key != bound({"a": Source("x")}, {"x": one}, mark=("route", "gift", 1))["key"]


def encode(value: Any) -> bytes:
    """Write a value as the trace would."""
    from harness.determinism.canonical import encode as canonical

    return canonical(value)


def test_a_key_that_is_passed_is_kept() -> None:
    """None is no key."""
    assert bound(dict(constants({"key": "mine"})), {})["key"] == "mine"
    assert bound(dict(constants({"key": None})), {})["key"] is not None


def test_a_call_that_does_not_fit_its_schema_is_not_made() -> None:
    """The place and the cause are told."""
    assert bound({"n": Source("x")}, {"x": 1}, "strict") == {"n": 1}
    with pytest.raises(Unbound, match="arguments do not fit the schema: /n "):
        bound({"n": Source("x")}, {"x": "one"}, "strict")


def test_a_result_is_what_was_promised() -> None:
    """Where nothing is promised anything is; an object is seen as its fields."""
    BINDINGS.check_result("pay", object)
    BINDINGS.check_result("strict", {"n": 1})
    BINDINGS.check_result("strict", {"$type": "object", "name": "N", "value": {"n": 1}})
    for wrong in ({}, None, {"n": "1"}, {"$type": "object", "name": "N", "value": {"n": "1"}}):
        with pytest.raises(Unbound, match="not what is promised"):
            BINDINGS.check_result("strict", wrong)


def test_facts_are_parts_of_a_result() -> None:
    """A fact without a path is the whole result."""
    arc = Arc("pay", (), ("whole", "part"), results=(("part", ("id",)),))
    assert BINDINGS.given(arc, {"id": 7}) == {"whole": {"id": 7}, "part": 7}
    with pytest.raises(Unbound, match="the fact part is to be id"):
        BINDINGS.given(arc, [])
