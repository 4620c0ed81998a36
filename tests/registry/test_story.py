"""What may stand in the lines of an example."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.story import moment_ns, subject, tools_of
from harness.review.trial import try_registry

HEAD = "registry: r\nversion: 1\ndefault: allow\nagents: {clerk: {may: ['*']}}\ntools: {pay: , look: }\n"
RULE = "invariants: [{id: A, on: end, require: 'True', examples: {holds: [[%s]]}}]\n"


def mistakes(story: str) -> list[str]:
    """Give what is wrong with the lines of a story."""
    with pytest.raises(RegistryError) as caught:
        load(HEAD + RULE % story, "r.yaml")
    return [one.message for one in caught.value.mistakes]


@pytest.mark.parametrize(
    "line",
    [
        "{pay: {a: 1}, at: 90 s, agent: clerk, unknown: the connection broke}",
        "{user: hi, at: 1.5 h, agent: clerk}",
        "{model: any}",
        "{model: any, usage: {total_tokens: 5}, at: 5 ms}",
        "{model: any, failed: too many requests}",
        "{look: , at: 1 s}, {pay: , at: 1 s}",
        "{pay: , failed: busy, serves: 0}, {route: {does: retry, goal: paid, after: 1, tool: pay}, agent: clerk}",
        "{artifact: {plan: {cents: 5}}, at: 1 s, agent: clerk}",
    ],
)
def test_a_line_may_say_when_and_of_whom_it_is(line: str) -> None:
    """Messages, calls of tools and calls of models alike."""
    assert try_registry(load(HEAD + RULE % line, "r.yaml")).failures == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{pay: , at: soon}", "at: 'soon' is neither a number of steps nor a duration"),
        ("{pay: , at: 5}", "at: 5 is no time since the start"),
        ("{pay: , at: 999999999 d}", "at: '999999999 d' is no time since the start"),
        ("{pay: , at: 5 s}, {look: }, {pay: , at: 4 s}", "at: 4 s is earlier than the line before"),
        ("{pay: , agent: clark}", "unknown agent 'clark'"),
        ("{pay: , agent: 5}", "agent: expected the name of an agent"),
        ("{pay: , unknown: }", "unknown: expected the reason"),
        (
            "{pay: , unknown: lost, failed: lost}",
            "a line of an example is one message, or one call and at most one outcome",
        ),
        ("{pay: , usage: {total_tokens: 5}}", "only a call of a model has a usage"),
        ("{model: {a: 1}}", "model: expected the name of a model"),
        ("{model: any, usage: 5}", "usage: expected an object"),
        ("{model: any, result: 5}", "the answer of a model is told by its usage"),
        ("{user: hi, unknown: lost}", "user: expected the text of a message and nothing else"),
        ("{at: 5 s, agent: clerk}", "a line of an example is one message, or one call and at most one outcome"),
        ("{pai: , at: 5 s}", "unknown tool 'pai'"),
        ("{assistant: hi, asks: [{pai: }]}", "unknown tool 'pai'"),
        ("{route: }", "route: expected what a route does and nothing else"),
        ("{route: {does: plan, goal: paid}, result: 5}", "route: expected what a route does and nothing else"),
        ("{route: {goal: paid}}", "route: it is not said what it does"),
        ("{route: {does: plan}}", "route: it is not said what it goes to"),
        ("{route: {does: dance, goal: paid}}", "a route never does 'dance'"),
        ("{route: {does: plan, goal: paid, pat: []}}", "route: unknown field 'pat'"),
        ("{route: {does: plan, goal: paid, path: pay}}", "route: path is a str"),
        ("{route: {does: retry, goal: paid, tool: pai}}", "unknown tool 'pai'"),
        ("{artifact: plan}", "artifact: expected one name with its value and nothing else"),
        ("{artifact: {a: 1, b: 2}}", "artifact: expected one name with its value and nothing else"),
        ("{artifact: {a: 1}, result: 5}", "artifact: expected one name with its value and nothing else"),
        ("{pay: , serves: paid}", "serves: expected the number of an event"),
        ("{user: hi, serves: 0}", "user: expected the text of a message and nothing else"),
    ],
)
def test_what_is_wrong_with_a_line_is_told(line: str, said: str) -> None:
    """One mistake each, at the line, in words."""
    assert mistakes(line) == [said]


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "min", "h"]))
def test_a_time_is_a_duration_since_the_start(amount: int, unit: str) -> None:
    """So many units of it, in nanoseconds."""
    factor = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}[unit]
    assert moment_ns({"pay": None, "at": f"{amount} {unit}"}) == amount * factor


def test_the_subject_of_a_line_and_its_tools() -> None:
    """One role, tool or model; the tools that it calls or asks for."""
    assert [subject(line) for line in ({"user": "a"}, {"pay": {}, "at": "5 s"}, {"model": "m"}, {"at": "5 s"})] == [
        *("user", "pay", "model", ""),
    ]
    assert tools_of({"assistant": "", "asks": [{"pay": {}}, {"look": None}]}) == ["pay", "look"]
    assert tools_of({"route": {"does": "retry", "goal": "paid", "tool": "pay"}}) == ["pay"]
    assert tools_of({"route": {"does": "plan", "goal": "paid"}}) == []
    assert [tools_of(line) for line in ({"pay": {}}, {"model": "m"}, {"artifact": {"plan": 5}})] == [["pay"], [], []]
