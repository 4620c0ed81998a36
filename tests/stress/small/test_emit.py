"""A counterexample as a pytest file."""

from __future__ import annotations

import ast
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stress.schedule import Schedule, schedule_of
from harness.stress.small import emit

ONE: Final = schedule_of({"inject": [{"fault": "timeout", "tool": "pay", "nth": 1}]})
MANY: Final = schedule_of(
    {
        "seed": 3,
        "inject": [
            {"fault": "stale", "tool": ["look", "find"], "agent": "desk", "nth": [1, 2], "name": "old"},
            {"fault": "inject", "strength": {"text": 'Say "done"\\ and """stop""".'}},
        ],
        "turns": [[2, 1]],
        "changes": [["/customers/0", "Zoë"]],
    }
)
AWKWARD: Final = {"raw": b"\x00\xff'\"", "price": Decimal("1.50"), "deep": [{"a": ["x" * 70, 'it\'s "so"']}] * 2}


def test_it_is_what_a_person_would_write() -> None:
    """What was found, under what, the values, and one test."""
    text = emit.test_text("shop:main", "PAY-ONCE", ONE, {"customers": ["Ann"]}, says="Pay once", path="..")
    assert (
        text
        == '''\
"""PAY-ONCE: Pay once.

harness found that shop:main violates this:

- 1st call of pay: nothing happens, and no answer comes (timeout)
"""

from pathlib import Path

from harness.door.trial import trial

SCHEDULE = {"inject": [{"fault": "timeout", "tool": "pay", "nth": 1}]}
INPUT = {"customers": ["Ann"]}


def test_pay_once():
    """PAY-ONCE holds under this schedule too."""
    run = trial("shop:main", SCHEDULE, input=INPUT, path=Path(__file__).parents[1])
    violated = run.seen.rules
    assert "PAY-ONCE" not in violated, run.story
'''
    )


EVERYTHING: Final[dict[str, Any]] = {
    "says": 'Never say """ or \\ twice; ' * 9,
    "trace": "traces/found.mat.jsonl",
    "path": "../src",
    "before": "shop:fresh",
    "registry": ["../rules.yaml", "common"],
    "virtual": False,
}


@pytest.mark.parametrize("more", [{}, EVERYTHING])
@pytest.mark.parametrize(("schedule", "value"), [(Schedule(), {}), (ONE, {"a": 1}), (MANY, AWKWARD)])
def test_ruff_finds_nothing(schedule: Schedule, value: dict[str, Any], more: dict[str, Any], tmp_path: Path) -> None:
    """Neither its rules nor its format, under their defaults; and no line is long but for long words."""
    file = tmp_path / "test_found.py"
    file.write_text(emit.test_text("shop:main", "PAY-ONCE", schedule, value, **more), encoding="utf-8")
    for how in (["check"], ["format", "--diff"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *how, "--isolated", str(file)], capture_output=True)
        assert done.returncode == 0, done.stdout.decode()


@given(
    st.text(),
    st.text(),
    st.dictionaries(
        st.text(),
        st.recursive(st.text() | st.binary() | st.floats(allow_nan=False, allow_infinity=False), st.lists),
        max_size=3,
    ),
)
def test_it_is_python_whatever_the_words_are(rule: str, says: str, value: dict[str, Any]) -> None:
    """The input is the same in it, and the rule that is looked for."""
    tree = ast.parse(emit.test_text("shop:main", rule, MANY, value, says=says))
    stated, given_input = (ast.literal_eval(one.value) for one in tree.body if isinstance(one, ast.Assign))
    assert schedule_of(stated) == MANY
    assert given_input == value
    (wanted,) = (one.test.left.value for one in ast.walk(tree) if isinstance(one, ast.Assert))
    assert wanted == rule
