"""What a node says of keys it has not declared: what is seen, and what is not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converge.plan import leaks
from harness.converge.plan.leaks import MIN_CHARACTERS, Leak, spelled
from harness.converge.plan.plan import Node

SECRET = 'the "secret"\nof Bü'
NODE = Node("b", "Say hello politely.", ["mine"], ["own"])
FACTS = {
    "mine": {"a": "my own long text"},
    "theirs": {"deep": [{"note": SECRET}], "a_long_name_of_a_field": 1},
    "own": "what I have written",
}


def leaks_in(said: Any, node: Node, facts: dict[str, Any]) -> tuple[Leak, ...]:
    """Give what a node says of facts it has not declared."""
    return leaks.leaks_in(said, node, facts, {key: spelled(value) for key, value in facts.items()})


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (SECRET, ""),
        (f"so {SECRET} it is", ""),
        ({"a": [1, {"b": SECRET}]}, "/a/1/b"),
        ({SECRET: 1}, None),
        ({"a/b~": SECRET}, "/a~1b~0"),
        (json.dumps({"x": SECRET}), ""),
        ({"arguments": json.dumps({"x": SECRET}, ensure_ascii=False)}, "/arguments"),
    ],
)
def test_a_value_is_found_wherever_it_stands(said: Any, at: str | None) -> None:
    """Word for word, inside of a longer text, deep in data, as a name, and escaped as in JSON text."""
    (leak,) = leaks_in(said, NODE, FACTS)
    assert leak.key == "theirs"
    assert at is None or leak == Leak("theirs", at)


@pytest.mark.parametrize(
    "said",
    [
        "nothing of it",
        FACTS["mine"],
        FACTS["own"],
        SECRET[:-1],
        SECRET.upper(),
        base64.b64encode(SECRET.encode()).decode(),
        {"n": 4711},
        {"a_long_name_of_a_field": 1},
    ],
)
def test_what_is_its_own_or_not_seen(said: Any) -> None:
    """A node's own keys are its own; cut, spelled otherwise or encoded, a value is not found, and nobody says it is."""
    assert leaks_in(said, NODE, FACTS) == ()


def test_what_a_node_knows_anyway_is_no_leak() -> None:
    """A text that stands in its instructions or in a key it reads is its own, whoever else holds it."""
    node = Node("b", f"Look for {SECRET}.", ["mine"])
    assert leaks_in(SECRET, node, FACTS) == ()
    assert leaks_in(SECRET, NODE, FACTS | {"mine": f"about {SECRET}"}) == ()


@given(st.text(min_size=1, max_size=2 * MIN_CHARACTERS), st.text(max_size=5), st.text(max_size=5))
def test_every_text_that_is_long_enough_is_found(secret: str, before: str, after: str) -> None:
    """Of twelve characters or more it is found, as it is and in JSON text; a shorter one is not looked for."""
    node = Node("b")
    for said in (f"{before}{secret}{after}", json.dumps([before, secret])):
        found = leaks_in({"said": said}, node, {"theirs": secret})
        assert found == ((Leak("theirs", "/said"),) if len(secret) >= MIN_CHARACTERS else ())
