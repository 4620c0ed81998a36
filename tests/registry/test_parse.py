"""From text to tree: what is let through, and what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry.complaint import ExpressionError
from harness.registry.parse import MAX_LENGTH, MAX_NODES, parse
from harness.registry.tree import Call, Compare, Constant, Field, Fold, Logic, outline, walk
from tests.registry.expressions import truths


def refused(text: str) -> ExpressionError:
    """Give the error of a text that is no expression."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return caught.value


def test_a_question_about_the_past_becomes_a_fold() -> None:
    """The kind of event is a bare word, the condition a tree, and a method takes the text as its first argument."""
    tree = parse('last(message, role == "user").text.matches("yes")')
    assert isinstance(tree, Call)
    assert isinstance(tree.arguments[0], Field)
    fold = tree.arguments[0].of
    assert isinstance(fold, Fold)
    assert (fold.verb, fold.past, type(fold.condition)) == ("last", "message", Compare)


def test_attribute_and_text_item_are_the_same() -> None:
    """``x.a`` and ``x["a"]`` both take what stands under a key."""
    assert outline(parse("call.args.a")) == outline(parse('call["args"]["a"]'))


def test_layout_does_not_change_the_tree() -> None:
    """Line breaks, blanks and needless brackets are no part of the meaning."""
    assert outline(parse("a  and\n  (b or c)")) == outline(parse("((a) and (b or (c)))"))


def test_spans_count_characters_of_the_text() -> None:
    """Places are right behind letters of many bytes, blanks and line breaks."""
    text = '  "é∞" ==\n call.args.naïve'
    tree = parse(text)
    assert [text[node.span.start : node.span.end] for node in walk(tree) if isinstance(node, Constant)] == ['"é∞"']
    outermost = next(node for node in walk(tree) if isinstance(node, Field))
    assert text[outermost.span.start : outermost.span.end] == "call.args.naïve"


@pytest.mark.parametrize(
    ("text", "message", "underlined"),
    [
        ("x.__class__", "'__class__' is not allowed", "__class__"),
        ("__import__('os')", "unknown function '__import__'", "__import__"),
        ("x.__len__()", "'__len__' is not allowed", "__len__"),
        ("any(__x == 1 for __x in y)", "'__x' is not allowed", "__x"),
        ("(lambda: 1)()", "only functions of the library", "(lambda: 1)()"),
        ("lambda: 1", "a lambda is not allowed", "lambda: 1"),
        ("open('f')", "unknown function 'open'", "open"),
        ("(x := 1)", "an assignment (:=)", "x := 1"),
        ("f'{x}'", "an f-string", "f'{x}'"),
        ("[*x]", "a starred value", "*x"),
        ("len(*x)", "a starred value", "*x"),
        ("len(x=1)", "named arguments", "x=1"),
        ("{'a': 1, **x}", "the keys of an object", "{'a': 1, **x}"),
        ("{a: 1 for a in b}", "an object comprehension", "{a: 1 for a in b}"),
        ("[a for a in b for c in d]", "one 'for'", "[a for a in b for c in d]"),
        ("x[1:2]", "a slice", "1:2"),
        ("x is None", "'is' is not allowed", "None"),
        ("~x", "~x is not allowed", "~x"),
        ("x @ y", "MatMult is not allowed", "x @ y"),
        ("b'a'", "a bytes is not JSON", "b'a'"),
        ("...", "a ellipsis is not JSON", "..."),
        ("1e999", "too big", "1e999"),
        ("2 ** x", "an exponent must be", "x"),
        ("2 ** 65", "an exponent must be", "65"),
        ("x.matches(y)", "must be plain text", "y"),
        ("x.matches('(')", "invalid regular expression", "'('"),
        ("x.matches('\\b')", "a backspace", "'\\b'"),
        ("x.matchs('a')", "unknown method 'matchs'", "matchs"),
        ("happened(x)", "asks about one of", "x"),
        ("last(action, count(action) > 1)", "do not nest", "count(action)"),
        ("len()", "takes 1 argument, got 0", "len()"),
        ("x.lower('a')", "takes 0 arguments, got 1", "x.lower('a')"),
        ("a # b", "a comment inside", "# b"),
    ],
)
def test_what_is_not_of_the_language_is_refused_at_its_place(text: str, message: str, underlined: str) -> None:
    """Each forbidden construct is named, and its characters are the ones underlined."""
    error = refused(text)
    assert message.lower() in error.message.lower()
    assert text[error.span.start : error.span.end] == underlined


def test_a_misspelt_function_is_answered_with_the_nearest() -> None:
    """The cure names the function that was probably meant."""
    assert refused("happend(action)").cure == "did you mean 'happened'?"
    assert refused("x.startwith('a')").cure == "did you mean 'startswith'?"
    assert "text.matches" in refused("matches(x, 'a')").cure


def test_an_unknown_escape_is_a_mistake_with_its_cure() -> None:
    """What Python only warns of would be a pattern that never fires."""
    error = refused(r'x.matches("\d")')
    assert "escape sequence" in error.message
    assert "twice" in error.cure


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a if",
        "(" * 300,
        "-" * 3000 + "1",
        "not " * 900 + "x",
        "\x00",
        "x" * (MAX_LENGTH + 1),
        "1 + " * 900 + "1",
        "[" * 90,
        "a." * 500 + "b",
        "9" * 3900,
        "x(" * 100 + ")" * 100,
        "\ud800",
        "if x: y",
        "x; y",
        "x\ny",
    ],
)
def test_texts_that_are_too_much_are_refused_without_a_crash(text: str) -> None:
    """Empty, broken, endless and deeply nested texts are ordinary mistakes."""
    refused(text)


@given(st.text(max_size=60) | st.text("()[]{}.,:'\"abx01 =<>!+-*/%\\\n", max_size=60))
@settings(max_examples=500)
def test_any_text_is_a_tree_or_a_mistake(text: str) -> None:
    """Hostile text never ends in another exception, and a mistake always points into the text."""
    try:
        parse(text)
    except ExpressionError as error:
        assert 0 <= error.span.start <= len(text)
        assert error.span.start < error.span.end


@given(truths(2))
def test_well_formed_expressions_are_read(text: str) -> None:
    """The expressions of the other tests are expressions, and each node stands inside the text."""
    assert all(0 <= node.span.start < node.span.end <= len(text) for node in walk(parse(text)))


def test_and_or_bind_as_in_python() -> None:
    """``a or b and c`` is ``a or (b and c)``."""
    tree = parse("a or b and c")
    assert isinstance(tree, Logic)
    assert tree.operator == "or"


@pytest.mark.parametrize("text", ['"é" == call\r\n.args.a', "[one\u00e9 for one in c\r.args]", "a\r\n<\n b"])
def test_line_ends_of_every_kind_are_blanks(text: str) -> None:
    """Python would count columns from a carriage return on; places are those of the text all the same."""
    tree = parse(text)
    names = [node for node in walk(tree) if isinstance(node, Field)]
    assert all(text[node.span.start : node.span.end].endswith(node.name) for node in names)


def test_a_rule_of_too_many_parts_is_refused() -> None:
    """The bound is on the parts of the tree, not on characters."""
    assert "split the rule" in refused(" and ".join(["a"] * MAX_NODES)).message
    assert parse(" and ".join(["a"] * (MAX_NODES - 1)))
