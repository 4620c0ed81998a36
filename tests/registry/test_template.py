"""What a rule says."""

from __future__ import annotations

from typing import Any

import pytest

from harness.registry.complaint import ExpressionError
from harness.registry.explain import Explanation
from harness.registry.template import read_template


def rendered(text: str, **names: Any) -> str:
    """Fill a template."""
    return read_template(text).render(lambda hole: Explanation(hole.text, names).value(hole.tree))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("{x}", "5"),
        ("{x / 2:.2f} of {x}", "2.50 of 5"),
        ("{{x}} and {s}", "{x} and a\u2009b"),
        ("{l} {t}", '[1,"é"] true'),
        ("at {gone.field}!", "at ⟨gone.field⟩!"),
        ("{s:.2f}", "a\u2009b"),
        ("{huge:.2f} {odd}", "⟨huge⟩ ⟨odd⟩"),
        ('{["}", "{"][0]} { {"k": x}.k}{x}', "} 55"),
    ],
)
def test_holes_show_values(text: str, shown: str) -> None:
    """Text as it is, other values as JSON, decimals where asked; without a value, or one to show, the expression."""
    assert rendered(text, x=5, s="a\u2009b", l=[1, "é"], t=True, huge=10**400, odd=float("nan")) == shown


def test_a_long_value_is_shortened() -> None:
    """What an agent is told stays readable."""
    assert len(rendered("{x}", x="a" * 5000)) == 200


@pytest.mark.parametrize(("text", "start"), [("a {x", 2), ("a } b", 2), ("{1 ? 2}", 3), ("ab {x.__y__}", 6), ("{}", 1)])
def test_a_broken_hole_is_a_mistake_at_its_place(text: str, start: int) -> None:
    """The place counts from the beginning of the whole text."""
    with pytest.raises(ExpressionError) as caught:
        read_template(text)
    assert caught.value.span.start == start
