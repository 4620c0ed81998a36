"""Weights: base times factor, exact and reversible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.routing.graph import Arc, Need
from harness.routing.weights import Weights
from tests.routing.drawn import TOOLS, Asked, arc, graph, questions

CHANGES = st.lists(st.tuples(st.sampled_from(TOOLS), st.none() | st.integers(1, 5000)), max_size=20)


def changed(weights: Weights, changes: list[tuple[str, int | None]]) -> None:
    """Set factors; None bars a tool, and a factor admits it again."""
    for tool, factor in changes:
        if factor is None:
            weights.bar(tool)
        else:
            weights.admit(tool)
            weights.scale(tool, factor)


def test_a_weight_is_the_base_times_the_factor() -> None:
    """All arcs of a tool are scaled, and no others; conclusions have no factor."""
    weights = Weights(
        graph(arc("A", "x", "y", 3), arc("A", "z", "y", 5), arc("B", "x", "y", 3), arc(None, "x", "y", 7))
    )
    weights.scale("A", 1500)
    assert [weights[at] for at in range(4)] == [450_000, 750_000, 300_000, 700_000]


def test_no_positive_cost_becomes_zero() -> None:
    """What is finer than a millionth is rounded up."""
    weights = Weights(graph(Arc("A", (Need(("x",)),), ("y",), 1)))
    weights.scale("A", 1)
    assert weights[0] == 1


@pytest.mark.parametrize("factor", [0, -1])
def test_a_factor_is_positive(factor: int) -> None:
    """A factor that would make a weight zero or negative is refused."""
    with pytest.raises(ValueError, match="has to be positive"):
        Weights(graph()).scale("A", factor)


def test_a_tool_comes_back_at_its_factor() -> None:
    """Barring hides the factor and does not forget it, and a tool without arcs may be barred too."""
    weights = Weights(graph(arc("A", "x", "y")))
    weights.scale("A", 2000)
    weights.bar("A")
    weights.bar("nobody")
    assert (weights[0], weights.barred) == (None, {"A", "nobody"})
    weights.scale("A", 3000)
    assert weights[0] is None
    weights.admit("A")
    assert weights[0] == 300_000


@given(questions(plain=False), CHANGES, CHANGES)
def test_a_copy_is_apart(
    asked: Asked, before: list[tuple[str, int | None]], after: list[tuple[str, int | None]]
) -> None:
    """A copy has the same weights, and what becomes of it afterwards is not seen in the original."""
    weights = Weights(asked.graph)
    changed(weights, before)
    steps, barred = list(weights.steps), weights.barred
    other = weights.copy()
    assert (other.steps, other.barred) == (steps, barred)
    changed(other, after)
    assert (weights.steps, weights.barred) == (steps, barred)


@given(questions(plain=False), CHANGES)
def test_changes_lead_from_the_old_weights_to_the_new(asked: Asked, changes: list[tuple[str, int | None]]) -> None:
    """The changes told since a moment, applied to the weights of that moment, are the weights of now."""
    weights = Weights(asked.graph)
    steps, then = list(weights.steps), weights.changes
    changed(weights, changes)
    told = weights.since(then)
    if told is None:
        assert weights.changes - then > 64
        return
    for at, before, after in told:
        assert steps[at] == before != after
        steps[at] = after
    assert steps == weights.steps


def test_too_many_changes_are_not_told() -> None:
    """The log is bounded: after many changes nothing is told rather than a part."""
    weights = Weights(graph(arc("A", "x", "y")))
    for factor in range(1, 200):
        weights.scale("A", factor)
    assert weights.since(0) is None
    assert len(weights.since(weights.changes - 3) or ()) == 3
