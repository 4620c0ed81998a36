"""YAML as plain data with places."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.registry import document
from harness.registry.document import MAX_BYTES, DocumentError, Written, read
from tests.strategies import json_objects


def refused(text: str) -> Any:
    """Give the mistake that keeps a text from being read."""
    with pytest.raises(DocumentError) as caught:
        read(text, "f.yaml")
    return caught.value.mistake


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-2.5e3", -2500.0),
        ("true", True),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-05-15", "2024-05-15"),
        ("'5'", "5"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1_000", "1_000"),
    ],
)
def test_scalars_are_those_of_json(text: str, value: Any) -> None:
    """Only numbers, true, false and null are more than text; dates, ``yes`` and sexagesimals are words."""
    found = read(f"a: {text}", "f").plain()["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text() -> None:
    """``on`` and ``5`` are keys as they stand."""
    assert read("on: 1\n5: 2", "f").plain() == {"on": 1, "5": 2}


@given(json_objects)
@settings(max_examples=50)
def test_json_is_read_as_it_is(value: dict[str, Any]) -> None:
    """Every JSON object is a document; numbers that YAML cannot keep exact are the exception it names."""
    text = json.dumps(value)
    try:
        found = read(text, "f").plain()
    except DocumentError as error:
        assert "stands here twice" not in str(error)
        return
    assert json.dumps(found) == text


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: &x [1]\nb: *x", "anchors and aliases", 1, 4),
        ("a: 1\nb: 2\na: 3", "the key 'a' stands here twice", 3, 1),
        ("a: !!python/object:os.system ls", "the tag", 1, 4),
        ("a: 1\n---\nb: 2", "a second document", 2, 1),
        ("? [a]\n: 1", "a key must be plain text", 1, 3),
        ("a:\n\t- b", "not YAML", 2, 1),
        ("a: [1", "not YAML", 2, 1),
        ("a: b: c", "not YAML: mapping values", 1, 5),
        ("[" * 60, "nested deeper", 1, 42),
        ("a: " + "9" * 200, "more than 80 digits", 1, 4),
        ("a: 1e999", "beyond", 1, 4),
        ("", "the file is empty", 1, 1),
        ("# nothing", "the file is empty", 1, 1),
        ("a\x00", "not a text file", 1, 1),
        ("a: \x07", "not YAML", 1, 1),
        ("\ud800", "not a text file", 1, 1),
        ("a" * (MAX_BYTES + 1), "larger than", 1, 1),
    ],
)
def test_what_is_not_plain_data_is_refused_at_its_place(text: str, message: str, line: int, column: int) -> None:
    """Each kind of trouble is one mistake with line and column."""
    mistake = refused(text)
    assert message in mistake.message
    assert (mistake.line, mistake.column) == (line, column)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    """Nothing is expanded: the first anchor ends the reading."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert refused(bomb).line == 1


def underlined(node: Written, part: str) -> tuple[int, str]:
    """Give the line and the characters that a mistake about a part of a text underlines."""
    start = node.value.index(part)
    mistake = node.mistake("m", start=start, end=start + len(part))
    return mistake.line, mistake.source[mistake.column - 1 : mistake.column - 1 + mistake.length]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("e: one and two or three", 1),
        ("e: 'one and ''two'' or three'", 1),
        ('e: "one \\"and\\" two or three"', 1),
        ("e: >-\n  one and\n  two or three", 3),
        ("e: |\n  one and\n\n  two or three\n", 4),
        ("e: one and\n  two or three", 2),
        ("e: {f: [one, two or three]}", 1),
    ],
)
def test_a_part_of_a_text_is_found_in_every_style(text: str, line: int) -> None:
    """Plain, quoted, folded and literal scalars: the part that is wrong is the part that is underlined."""
    node = read(text, "f").find(["e"])
    if node.entries:
        node = node.find(["f", 1])
    assert underlined(node, "two") == (line, "two")


def test_both_yaml_readers_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libyaml is not installed the slower reader gives the same data and places."""
    text = "a: 'b c'\nd:\n- {e: 1, f: [x]}\n- |\n  y\n"
    fast = read(text, "f")
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert read(text, "f") == fast


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@,? \n\t\\0"), max_size=60) | st.text(max_size=40))
@settings(max_examples=500)
def test_any_text_is_data_or_one_mistake(text: str) -> None:
    """Hostile text never ends in another exception."""
    try:
        json.dumps(read(text, "f").plain(), allow_nan=False)
    except DocumentError as error:
        assert error.mistake.line >= 1


@pytest.mark.parametrize("style", [">-\n", "|\n", '"', "'", ""])
def test_places_cost_no_more_where_there_are_many(style: str) -> None:
    """Every word of a long text is found at its own place, in each style, in time in proportion to its length."""
    words = [f"w{number}" for number in range(3_000)]
    text = f"  {' '.join(words)}" if len(style) > 1 else f"{style}{' '.join(words)}{style}"
    node = read(f"a: {style if len(style) > 1 else ''}{text}\n", "f.yaml").find(["a"])
    for word in words:
        start = node.value.index(f"{word} ") if word != words[-1] else node.value.rindex(word)
        mistake = node.mistake("", start=start, end=start + len(word))
        line = node.source.lines[mistake.line - 1]
        assert line[mistake.column - 1 : mistake.column - 1 + mistake.length] == word
