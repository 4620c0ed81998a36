"""What code states of an app and of its tools, held against the words there are."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from harness.door.app import Harness
from harness.errors import UsageError
from harness.registry.schema import SCHEMA

TOOLS: Final[dict[str, Any]] = SCHEMA["properties"]["tools"]["additionalProperties"]["properties"]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"mode": "enforced"}, r"mode is 'enforced'\n.*did you mean 'enforce'"),
        ({"mode": None}, "mode is None"),
        ({"durability": "sinc"}, "did you mean 'sync'"),
        ({"uncaptured": "refused"}, "did you mean 'refuse'"),
        ({"secret_fields": "password"}, r"write secret_fields=\['password'\]"),
        ({"secret_fields": [5]}, "no list of names"),
        ({"secrets": {"pin": "1234567"}}, "the secret pin has fewer than 8 characters"),
        ({"secrets": {"pin": 1234567}}, "the secret pin is no text"),
    ],
)
def test_a_word_that_an_app_does_not_know_is_an_error(stated: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A misspelt mode enforced nothing, misspelt names of fields left secrets in the trace; no error tells a secret."""
    with pytest.raises(UsageError, match=said) as raised:
        Harness(traces=tmp_path, **stated)
    assert "1234567" not in str(raised.value)


def test_a_secret_without_a_value_is_none(tmp_path: Path) -> None:
    """A variable of the environment that is empty keeps nothing out, and breaks nothing."""
    app = Harness(traces=tmp_path, secrets={"api_key": ""})
    with app.session() as session:
        session.note("ordinary")
    assert "ordinary" in Path(session.trace.path).read_text()


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"effect": "Write"}, "effect is 'Write'"),
        ({"effect": None}, "effect is None"),
        ({"trust": "trusty"}, "trust is 'trusty'"),
        ({"idempotent": "no"}, "idempotent is 'no'"),
        ({"timeout_ms": 0}, "timeout_ms is 0"),
        ({"timeout_ms": True}, "timeout_ms is True"),
        ({"cost": -1}, "cost is -1"),
        ({"cost": float("nan")}, "cost is nan"),
        ({"undo": 5}, "undo is 5"),
        ({"impact": ""}, "impact is ''"),
        ({"idempotency_key": "order"}, r"takes no such argument\n.*did you mean 'order_id'"),
        ({"efect": "read"}, "did you mean 'effect'"),
    ],
)
def test_a_word_that_says_nothing_of_a_tool_is_an_error(stated: dict[str, Any], said: str, tmp_path: Path) -> None:
    """A rule on writes did not speak of a tool with the effect 'Write', and 'no' counted as idempotent."""

    def pay(order_id: str) -> str:
        return order_id

    with pytest.raises(UsageError, match=said) as raised:
        Harness(traces=tmp_path).tool(**stated)(pay)
    assert "test_stated.py" in str(raised.value)


def test_what_is_not_stated_may_be_said_to_be_nothing(tmp_path: Path) -> None:
    """None stands where it is what a declaration is without the word, so that one can be handed through."""
    app = Harness(traces=tmp_path)

    @app.tool(effect="read", undo=None, timeout_ms=None, idempotency_key=None, cost=2)
    def look(order_id: str) -> str:
        return order_id

    assert look("W-77") == "W-77"


VALUES = ("read", "write", "Write", "trusted", "unknown", "x", "", 0, 1, -1, 2.5, True, False, [], {})


@pytest.mark.parametrize("key", sorted({*TOOLS} - {"arguments", "result", "needs", "gives"}))
def test_code_and_registry_take_the_same_of_a_tool(key: str, tmp_path: Path) -> None:
    """What may be stated beside a function is what the format of registries allows, which is too slow to ask there."""

    def pay(x: str = "", read: str = "", write: str = "", Write: str = "", trusted: str = "", unknown: str = "") -> str:
        return ""

    for value in VALUES:
        allowed = Draft202012Validator(TOOLS[key]).is_valid(value)
        with nullcontext() if allowed else pytest.raises(UsageError, match=f"{key} is"):
            Harness(traces=tmp_path).tool(name="pay", **{key: value})(pay)
