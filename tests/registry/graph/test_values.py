"""A tool graph as a value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.graph.values import UNIT, Arc, Need, exact, shown, told
from tests.registry.graph.graphs import graph_of, registry

PLAIN = "  goals: [Done]\n  edges: [[Start, A, 0.1], [A, B, 0.3], [B, Done, 0.1]]\n"


@given(st.integers(-(10**12), 10**12))
def test_costs_are_exact(millionths: int) -> None:
    """A number of at most six places comes back as it was written; what is finer is refused."""
    cost = Decimal(millionths) / UNIT
    assert exact(cost) == exact(str(cost)) == millionths
    assert exact(shown(millionths)) == millionths
    with pytest.raises(ValueError, match="finer than a millionth"):
        exact(cost + Decimal("0.0000001"))


def test_tenths_add_up() -> None:
    """What floats get wrong is right here."""
    assert exact(0.1) + exact(0.2) == exact(0.3)
    assert shown(exact(0.1) + exact(0.2)) == 0.3
    assert shown(3 * UNIT) == 3


def test_an_arc_is_named_for_a_reader() -> None:
    """By its tool, its needs and its gifts."""
    arc = Arc("mail", (Need(("a",)), Need(("b", "c")), Need(("d", "e", "f"), 2)), ("g", "h"))
    assert told(arc) == "mail: a, 1 of b c, 2 of d e f → g, h"
    assert told(Arc(None, (), ("g",))) == "a join: nothing → g"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("  goals: [Done]\n  start: [Start]\n  edges: [[B, Done, 0.10], [A, B, 0.3], [Start, A, 0.1]]\n", True),
        (
            (
                "  goals: {Done: [Done]}\n  start: [Start]\n  joins: {Done: {needs: [B], cost: 0.1}}\n"
                "  tools: {A: {needs: [Start], gives: [A], cost: 0.1}, B: {needs: [A], gives: [B], cost: 0.3}}\n"
            ),
            True,
        ),
        (PLAIN.replace("0.3", "0.4"), False),
        (PLAIN + "  policy: {retries: 0}\n", False),
        (PLAIN.replace("[Done]", "{Done: [B]}"), False),
    ],
)
def test_equal_meanings_have_equal_digests(other: str, same: bool) -> None:
    """Order and way of writing do not count, costs, goals and policy do."""
    assert (graph_of(PLAIN).meaning() == graph_of(other).meaning()) is same


def test_a_graph_is_part_of_a_registrys_digest() -> None:
    """Another cost is another registry."""
    assert registry(PLAIN).digest != registry(PLAIN.replace("0.3", "0.4")).digest
