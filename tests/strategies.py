"""Hypothesis strategies for what a trace can hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.trace.event import DOES, Event

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
atoms = st.none() | st.booleans() | numbers | text
json_values: st.SearchStrategy[Any] = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
)
json_objects = st.dictionaries(text, json_values, max_size=4)
long_text = st.builds(lambda letter, extra: letter * (256 + extra), st.sampled_from("abcde"), st.integers(0, 3))


def bodies() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Give pairs of a kind and a body that fits it."""
    value = json_values | long_text | st.lists(long_text, max_size=3)
    message = st.fixed_dictionaries(
        {"message": st.fixed_dictionaries({"role": st.just("user"), "content": text | long_text})}
    )
    action = st.fixed_dictionaries(
        {"surface": st.just("tool"), "tool": text, "args": json_objects, "rules": st.lists(text, max_size=2)}
    )
    outcome = (
        st.fixed_dictionaries({"ok": value})
        | st.fixed_dictionaries({"failed": st.fixed_dictionaries({"error": json_objects, "retryable": st.booleans()})})
        | st.fixed_dictionaries({"unknown": st.fixed_dictionaries({"reason": text})})
    )
    observation = outcome.map(lambda said: {"action": 0, **said})
    note = st.fixed_dictionaries({"text": text | long_text})
    route = st.fixed_dictionaries(
        {"does": st.sampled_from(DOES), "goal": text},
        optional={"path": st.lists(text, max_size=3), "why": long_text, "served": st.booleans(), "data": json_objects},
    )
    return st.one_of(
        st.tuples(st.just("message"), message),
        st.tuples(st.just("action"), action),
        st.tuples(st.just("observation"), observation),
        st.tuples(st.just("note"), note),
        st.tuples(st.just("route"), route),
        st.tuples(st.just("state"), st.fixed_dictionaries({"machine": text, "name": text, "data": json_objects})),
    )


def event_lists(max_size: int = 12) -> st.SearchStrategy[list[Event]]:
    """Give the events of a run, numbered from 0, their times rising."""
    return st.lists(bodies(), max_size=max_size).map(
        lambda said: [Event(seq, kind, "main", "0", (), seq * 7, body) for seq, (kind, body) in enumerate(said)]
    )
