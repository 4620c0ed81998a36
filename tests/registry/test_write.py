"""From tree to text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.complaint import ExpressionError
from harness.registry.parse import parse
from harness.registry.tree import Binary, Constant, Field, Name, Node, Span, outline
from harness.registry.write import write
from tests.registry.expressions import lists, numbers, texts, truths

HERE = Span(0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "(a and b) and c or not (d or e)",
        "not (not a)",
        "(a < b) == (c < d < e)",
        "a - (b - c) - d",
        "a / (b * c) % d // e",
        "(-1) ** 2 + -x ** 2 + (-x) ** 2 + 2 ** -1",
        "-(a + b)",
        "(a if b else c) if (d if e else f) else g if h else i",
        "(a or b).c[(d if e else f)][-1]",
        "(1).a + (-1).a + 1.5.a + None.a + True.a",
        "x['a b']['class']['__x']['é'][1, 2]",
        r"""x.matches("\\d") and x.matches('"\\d') and x == '\'"' and x == "'" and x == '\\' and x == '\n\ud800'""",
        "{1, 2} == [a, [], {}, {'a': {'b': 1}, 'a': 2}]",
        "[(x if x else y) for x in (a or b) if (x if y else z) if x]",
        "{x for x in y} == any(x for x in y)",
        "max((x for x in y), [x for x in y])",
        "(x for x in y).lower().split(',')",
        "last(message, role == 'user').text.lower() == str(count(action)) and happened(result, now.a < b)",
        "count(action, failed, within=5) < 3 and happened(message, since=last(message, role == 'user'))",
        "total(result, result.amount, call.tool == 'pay', within='1h') <= 1e22 + 10 ** 20 - 1e-07",
        "must_follow(result, call.tool == now.call.tool, within=3)",
    ],
)
def test_what_is_written_is_read_as_the_same_tree(text: str) -> None:
    """Brackets stand where the tree needs them: each kind of node inside each other kind."""
    tree = parse(text)
    assert outline(parse(write(tree))) == outline(tree)


@settings(max_examples=300)
@given(st.one_of(truths(3), numbers(3), texts(3), lists(3)))
def test_any_expression_survives_writing(text: str) -> None:
    """The law: parse(write(tree)) has the outline of tree, and writing it again gives the same text."""
    try:
        tree = parse(text)
    except ExpressionError:
        return  # the strategies make some that are refused, such as an unknown pattern
    written = write(tree)
    assert outline(parse(written)) == outline(tree)
    assert write(parse(written)) == written


@given(st.text())
def test_any_text_survives_writing(value: str) -> None:
    """As a literal and as the name of a field, whatever characters it holds."""
    for tree in (Constant(HERE, value), Field(HERE, Name(HERE, "x"), value)):
        assert outline(parse(write(tree))) == outline(tree)


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)).filter(lambda n: abs(n) < 2**255))
def test_any_number_survives_writing(value: float) -> None:
    """Alone, as an operand, and with the types kept: 1 is not 1.0."""
    tree: Node = Binary(HERE, "-", Name(HERE, "x"), Constant(HERE, value))
    again = parse(write(tree))
    assert isinstance(again, Binary)
    assert isinstance(again.right, Constant)
    assert repr(again.right.value) == repr(value)


def test_no_more_brackets_than_needed() -> None:
    """What people write without brackets stays without."""
    text = 'a and not b or c.d[0] <= 1 - 2 * x.y and any(e > 0 for e in f) and g in ["h", r"\\d"]'
    assert write(parse(text)) == text
