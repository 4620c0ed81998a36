"""The exact meaning: three truth values, and what was seen on the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.values import Undefined
from tests.registry.naive import Told, remembering

TRUTHS = {"yes": True, "no": False}
terms = st.sampled_from(["args.yes", "args.no", "args.gone"])


def value(text: str, told: list[Told] | None = None, **names: Any) -> Any:
    """Work an expression out; None where it is undefined."""
    bound, _, past = remembering(parse(text), told or [])
    try:
        return Explanation(text, {"args": TRUTHS, **names}, past.asked, past).value(bound)
    except Undefined:
        return None


def calls(*args: dict[str, Any]) -> list[Told]:
    """Give a past of calls, numbered from 10."""
    return [
        Told("action", 10 + step, step, 0, {"call": {"tool": "pay", "args": one}, "step": step})
        for step, one in enumerate(args)
    ]


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("args.gone and args.no", False),
        ("args.no and args.gone", False),
        ("args.gone and args.yes", None),
        ("args.gone or args.yes", True),
        ("args.gone or args.no", None),
        ("not args.gone", None),
        ("1 < args.gone < 0", None),
        ("args.gone < 2 < 1", False),
        ("any([args.gone, args.yes])", True),
        ("all([args.gone, args.no])", False),
        ("any(one > 1 for one in ['a', 2])", True),
        ("all(one > 1 for one in ['a', 2])", None),
        ("1 and args.yes", None),
        ("args.gone == args.gone", None),
    ],
)
def test_logic_is_kleenes(text: str, truth: bool | None) -> None:
    """What is undefined decides nothing, and hides nothing that is decided without it."""
    assert value(text) is truth


@given(terms, terms, terms)
def test_de_morgan_holds_with_undefined_parts(one: str, two: str, three: str) -> None:
    """``not (a and b or c)`` is ``(not a or not b) and not c``, three-valued."""
    assert value(f"not ({one} and {two} or {three})") is value(f"(not {one} or not {two}) and not {three}")


@given(terms, terms)
def test_and_does_not_depend_on_the_order(one: str, two: str) -> None:
    """``and`` and ``or`` are commutative, undefined parts included."""
    assert value(f"{one} and {two}") is value(f"{two} and {one}")
    assert value(f"{one} or {two}") is value(f"{two} or {one}")


def test_missing_and_null_count_as_not_there() -> None:
    """``exists`` and ``default`` treat both alike and never are undefined themselves."""
    names = {"call": {"args": {"null": None, "zero": 0}}}
    assert value("exists(call.args.gone.deeper)", **names) is False
    assert value("exists(call.args.null)", **names) is False
    assert value("exists(call.args.zero)", **names) is True
    assert value("default(call.args.gone, 5) + default(call.args.zero, 5)", **names) == 5


def test_questions_about_the_past_join_on_the_present() -> None:
    """In a condition ``call`` is the past call and ``now.call`` the present one."""
    past = calls({"id": 1}, {"id": 2}, {"id": 1})
    names = {"call": {"tool": "pay", "args": {"id": 1}}}
    assert value("count(action, call.args.id == now.call.args.id)", past, **names) == 2
    assert value("last(action, call.args.id == now.call.args.id).step", past, **names) == 2
    assert value("first(action, call.args.id == now.call.args.id).step", past, **names) == 0
    assert value("happened(action, call.args.id == 3)", past, **names) is False
    assert value("last(action, call.args.id == 3).step", past, **names) is None


def test_an_undecided_past_event_leaves_the_question_open() -> None:
    """A call without the field may be the one; only a certain answer is given."""
    past = calls({"id": 1}, {})
    assert value("happened(action, call.args.id == 1)", past) is True
    assert value("happened(action, call.args.id == 2)", past) is None
    assert value("count(action, call.args.id == 1)", past) is None
    assert value("last(action, call.args.id == 1).step", past) is None
    assert value("first(action, call.args.id == 1).step", past) == 0


def test_names_of_a_comprehension_reach_into_conditions() -> None:
    """A question about the past may be asked for each item of a list."""
    assert value("all(happened(action, call.args.id == one) for one in [1, 2])", calls({"id": 1}, {"id": 2})) is True


def test_every_sub_expression_is_shown() -> None:
    """The values by source text, whole chains only, and the numbers of the events that were found."""
    text = "last(action, call.args.id == 1).call.args.id + len(args.list) <= params.limit"
    names = {"args": {"list": [1, 2]}, "params": {"limit": 2}}
    bound, _, past = remembering(parse(text), calls({"id": 1}))
    explanation = Explanation(text, names, past.asked, past)
    assert explanation.value(bound) is False
    assert explanation.seen == {
        "last(action, call.args.id == 1).call.args.id": 1,
        "args.list": [1, 2],
        "len(args.list)": 2,
        "last(action, call.args.id == 1).call.args.id + len(args.list)": 3,
        "params.limit": 2,
        text: False,
    }
    assert explanation.evidence == {10}


def test_what_is_missing_is_named() -> None:
    """The reason of an undefined value says which part had no what."""
    with pytest.raises(Undefined, match=r"call\.args: no field 'cents'"):
        Explanation("call.args.cents > 1", {"call": {"args": {}}}).value(parse("call.args.cents > 1"))


def test_long_values_are_shown_shortened() -> None:
    """A verdict does not carry a megabyte."""
    explanation = Explanation("call.args", {"call": {"args": {"text": "a" * 10_000}}})
    explanation.value(parse("call.args"))
    assert len(explanation.seen["call.args"]) == 200


def test_the_cost_of_a_comprehension_is_bounded() -> None:
    """Nested walks through lists end as undefined, not as a hang."""
    assert value("len([one for one in args if len([two for two in args]) > 0])", args=list(range(1000))) is None
