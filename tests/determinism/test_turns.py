"""Orders that are chosen."""

from __future__ import annotations

from harness.determinism.turns import Order


def test_a_place_is_where_several_could_go_on() -> None:
    """Where only one can, nothing is chosen and nothing counted; a choice too many goes round."""
    order = Order([(1, 5)])
    assert [order.choose(count) for count in (1, 3, 1, 2, 2)] == [0, 0, 0, 1, 0]
    assert order.widths == [3, 2, 2]
