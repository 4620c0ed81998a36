"""Paths into values, as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.graph.path import path_of, split

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]*", fullmatch=True)
STEPS = st.lists(NAMES | st.integers(0, 10**9 - 1) | st.sampled_from(["a b", "x.y", "ü"]), max_size=5)


def written(steps: list[str | int]) -> str:
    """Write steps as a registry does."""
    parts = [
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.isascii() and step.isidentifier()
        else f'["{step}"]'
        for step in steps
    ]
    return "".join(parts).removeprefix(".")


@given(STEPS)
def test_a_path_is_its_steps(steps: list[str | int]) -> None:
    """Names, positions, and quoted names."""
    assert path_of(written(steps)) == (tuple(steps) if steps else None)


@given(NAMES, STEPS)
def test_a_fact_stands_before_its_path(fact: str, steps: list[str | int]) -> None:
    """The rest is what is written of the value; the longest fact counts."""
    rest = written(steps)
    text = fact + ("" if not steps or rest.startswith("[") else ".") + rest
    assert split(text, ("other", fact)) == (fact, tuple(steps))


@pytest.mark.parametrize("text", ["", "a b", "a.", "a..b", "a[", "a[x]", "a[-1]", 'a[""]', ".a", "[0]x", "a[0]b"])
def test_what_is_no_path(text: str) -> None:
    """Nothing is guessed."""
    assert path_of(text) is None


def test_facts_with_dots() -> None:
    """The longest name that fits is meant."""
    assert split("srv.pay.id", ("srv", "srv.pay")) == ("srv.pay", ("id",))
    assert split("payments.id", ("pay",)) is None
    assert split("pay.a b", ("pay",)) is None
