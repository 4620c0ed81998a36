"""What is known before a step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from harness.registry.parse import parse
from harness.registry.reduce import known_of, reduce
from harness.registry.tree import Constant, outline
from harness.registry.values import Undefined
from tests.registry.expressions import arguments, pasts_of_run, truths
from tests.registry.naive import Naive, Told

TOOL = {"name": "pay", "effect": "write"}
KNOWN = known_of(TOOL, {"p": 3})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('tool.effect == "write"', True),
        ('call.tool in ["pay", "look"] and params.p > 2', True),
        ('call.tool == "look" and call.args.a > 5', False),
        ('call.tool == "pay" or call.args.a > 5', True),
        ("params.p * 2 if tool.effect == 'write' else call.args.a", 6),
        ("call.tool.startswith('pa')", True),
    ],
)
def test_what_is_known_is_worked_out(text: str, value: Any) -> None:
    """Tool, declaration and parameters become constants, and so does all that follows from them."""
    reduced = reduce(parse(text), KNOWN)
    assert isinstance(reduced, Constant)
    assert reduced.value == value


@pytest.mark.parametrize(
    "text", ["call.args.a", "1 / 0", 'happened(action, call.tool == "pay")', "True and call.args.a"]
)
def test_what_is_not_known_stays(text: str) -> None:
    """Data of the call, undefined arithmetic and past events are left alone; ``call.tool`` there is another call's."""
    reduced = reduce(parse(text), KNOWN)
    assert not isinstance(reduced, Constant)


def test_the_present_is_known_in_questions_about_the_past() -> None:
    """``now.call.tool`` is put in, ``call.tool`` is not."""
    reduced = reduce(parse("happened(action, call.tool == now.call.tool)"), KNOWN)
    assert outline(reduced) == outline(parse("happened(action, call.tool == 'pay')"))


@given(truths(2), arguments, pasts_of_run())
@settings(max_examples=250, deadline=None)
def test_a_reduced_tree_means_the_same(text: str, args: dict[str, Any], told: list[Told]) -> None:
    """Wherever an expression has a value, its reduced tree has it too."""
    call = {"surface": "tool", "tool": "pay", "args": args}
    names = {"call": call, "tool": TOOL, "agent": "main", "step": 4, "run": {"seed": 7}, "params": {"p": 3}}
    try:
        value = Naive(text, names, told).value(parse(text))
    except Undefined:
        return
    assert Naive(text, names, told).value(reduce(parse(text), KNOWN)) == value
