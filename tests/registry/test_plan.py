"""How questions about the past are planned."""

from __future__ import annotations

import pytest

from harness.registry.bind import Binder
from harness.registry.parse import parse
from harness.registry.plan import Plan, Window, plan_of, window_of
from harness.registry.tree import Fold


def plan(text: str) -> Plan:
    """Plan one question."""
    binder = Binder({})
    binder.bind(parse(text))
    return binder.plans[-1]


def test_a_condition_is_cut_into_what_is_known_when() -> None:
    """What an event says by itself, what joins it to the present, what the present says, and the rest."""
    found = plan(
        "happened(result, call.tool == 'pay' and call.args.id == now.call.args.id and now.step > 2"
        " and call.args.cents < now.call.args.cents and result.ok == True)"
    )
    assert found.filter is not None
    assert len(found.joins) == len(found.gates) == 1
    assert found.residual is not None
    assert not found.simple


def test_a_name_bound_outside_joins_like_the_present() -> None:
    """The items of a list may each be looked for in the past."""
    tree = parse("all(happened(result, call.args.id == one) for one in call.args.ids)")
    (fold,) = (node for node in [tree.arguments[0].body] if isinstance(node, Fold))  # type: ignore[union-attr]
    assert len(plan_of(fold).joins) == 1


@pytest.mark.parametrize(
    ("text", "cost", "keeps"),
    [
        ("happened(message, role == 'user')", "constant", "newest"),
        ("count(action, call.args.id == now.call.args.id)", "keys", "number"),
        ("count(action, within=5)", "window", "all"),
        ("first(action)", "constant", "oldest"),
        ("last(action, call.args.a < now.call.args.a)", "history", "all"),
        ("last(action, call.args.a < now.call.args.a, within='5 min')", "window", "all"),
        ("count(action, since=last(message))", "window", "all"),
        ("count(action, since=last(result, call.args.a == now.call.args.a))", "history", "all"),
        ("happened(action, since=last(message))", "constant", "newest"),
        ("must_follow(result, call.tool == 'undo')", "keys", "newest"),
    ],
)
def test_what_a_question_costs_is_known(text: str, cost: str, keeps: str) -> None:
    """The cost class says what time and memory grow with."""
    found = plan(text)
    assert found.cost == cost
    assert found.keeps == keeps or found.verb == "must_follow"


@pytest.mark.parametrize(
    ("value", "window"),
    [
        (5, Window(steps=5)),
        ("90 s", Window(ns=90 * 10**9)),
        ("1.5 h", Window(ns=5400 * 10**9)),
        ("250ms", Window(ns=250 * 10**6)),
        ("2 d", Window(ns=2 * 86400 * 10**9)),
    ],
)
def test_a_window_is_steps_or_a_duration(value: object, window: Window) -> None:
    """Numbers count steps, texts say a time."""
    assert window_of(value) == window


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5", "5 parsecs", None])
def test_anything_else_is_no_window(value: object) -> None:
    """A window that would never or always be empty is a mistake."""
    with pytest.raises(ValueError, match="neither a number of steps nor a duration"):
        window_of(value)
