"""What a route holds, and what rests on what."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.routing.graph import Arc, Need
from harness.routing.holdings import Holdings, Write, mask
from harness.tool import ToolSpec

FACTS = "abcdef"


def arc(gives: str, *needs: Need, tool: str | None = "t") -> Arc:
    """Give an arc."""
    return Arc(tool, needs, tuple(gives.split()))


def serve(held: Holdings, one: Arc, facts: dict[str, Any], bit: int) -> None:
    """Let a call of an arc that is made now give its facts."""
    held.hold(one.tool, held.used(one), facts, bit)


def test_support_is_inherited() -> None:
    """A fact rests on the write that gave it and on those of the facts that were used for it."""
    held = Holdings({"s": 0})
    first, second = held.new_bit(), held.new_bit()
    serve(held, arc("a", Need(("s",))), {"a": 1}, first)
    serve(held, arc("b", Need(("a",))), {"b": 2}, second)
    serve(held, arc("c", Need(("s",))), {"c": 3}, 0)
    assert held.support | {"c": 0} == {"a": first, "b": first | second, "c": 0}


def test_what_is_held_stays_as_it_is() -> None:
    """A second gift of the same fact changes neither its value nor what it rests on."""
    held = Holdings({})
    serve(held, arc("a"), {"a": 1}, held.new_bit())
    serve(held, arc("a"), {"a": 2}, held.new_bit())
    assert (held.facts["a"], held.support["a"]) == (1, 1)


def test_taking_back_takes_what_rests_on_it() -> None:
    """Facts of other writes stay; the write is counted as undone."""
    held = Holdings({"s": 0})
    one, other = held.new_bit(), held.new_bit()
    for bit, gift, need in ((one, "a", "s"), (other, "b", "s"), (0, "c", "a")):
        if bit:
            held.writes.append(Write(bit, f"write_{gift}", {}, None))
        serve(held, arc(gift, Need((need,))), {gift: 1}, bit)
    held.take_back(one)
    assert held.facts.keys() == {"s", "b"}
    assert [write.tool for write in held.writes] == ["write_b"]
    assert held.committed == other
    assert held.undone == {"write_a": 1}


def test_a_quorum_uses_what_rests_on_writes_first() -> None:
    """So that as little as possible is left over; no more facts are used than are needed."""
    held = Holdings({"a": 0, "b": 0, "c": 0}, support={"b": 1, "c": 2})
    assert held.rests(held.used(arc("x", Need(("a", "b", "c"), 2)))) == 3
    assert held.rests(held.used(arc("x", Need(("a", "b", "c"), 1)))) == 1


def test_a_conclusion_carries_what_it_rests_on() -> None:
    """The value of one fact, or of several by name."""
    held = Holdings({"a": 1, "b": 2}, support={"a": 1, "b": 2})
    held.conclude(arc("one", Need(("a",)), tool=None))
    held.conclude(arc("both", Need(("a",)), Need(("b",)), tool=None))
    assert (held.facts["one"], held.facts["both"]) == (1, {"a": 1, "b": 2})
    assert (held.support["one"], held.support["both"]) == (1, 3)


def test_only_what_can_be_undone_is_undoable() -> None:
    """A write without a compensator is not, nor one that could not be undone before."""
    tools = {"a": ToolSpec("a", undo="u"), "b": ToolSpec("b"), "c": ToolSpec("c", undo="u")}
    held = Holdings({}, writes=[Write(1, "a", {}, None), Write(2, "b", {}, None), Write(4, "c", {}, None)], stuck=4)
    assert held.undoable(tools) == 1
    assert [write.tool for write in held.standing(7)] == ["c", "b", "a"]


@given(
    st.lists(st.tuples(st.sampled_from(FACTS), st.sets(st.sampled_from(FACTS), max_size=3), st.booleans()), max_size=12)
)
def test_support_is_what_a_naive_search_finds(calls: list[tuple[str, set[str], bool]]) -> None:
    """The mask of a fact is the set of writes that can be found by going back from it, call by call."""
    held = Holdings({})
    back: dict[str, tuple[int, set[str]]] = {}
    for gift, used, writes in calls:
        one = arc(gift, *(Need((fact,)) for fact in sorted(used)))
        if gift in used or not held.meets(one.needs):
            continue
        bit = held.new_bit() if writes else 0
        serve(held, one, {gift: 1}, bit)
        back.setdefault(gift, (bit, used))

    def rests(fact: str) -> set[int]:
        bit, used = back[fact]
        return {bit} - {0} | {found for other in used for found in rests(other)}

    for fact in held.facts:
        assert held.support.get(fact, 0) == mask(rests(fact))
