"""The fast meaning of expressions agrees with the exact one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings

from harness.registry.compile import Clause, compile_rules
from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.reduce import known_of, reduce
from harness.registry.values import Undefined
from tests.registry.expressions import arguments, pasts_of_run, truths
from tests.registry.naive import Naive, Told, remembering

PARAMETERS = {"p": 3}
TOOL = {"name": "pay", "effect": "write"}
RUN = {"seed": 7}
NOW = 4


def compiled(text: str, args: dict[str, Any], told: list[Told]) -> Any:
    """Give True or False as the fast meaning says it, None where it does not know."""
    known = known_of(TOOL, PARAMETERS)
    bound, binder, past = remembering(parse(text), told, PARAMETERS, step=NOW, at=NOW * 10**9)
    holds = compile_rules([Clause(None, reduce(bound, known))], len, binder.plans, known)
    call = {"surface": "tool", "tool": "pay", "args": args}
    try:
        return holds(call, TOOL, {}, {}, "main", NOW, past, past.asked) is not None
    except Exception:
        return None


def exact(text: str, args: dict[str, Any], told: list[Told], *, naive: bool = False) -> Any:
    """Give the value and evidence of the exact meaning, the value None where it is undefined."""
    call = {"surface": "tool", "tool": "pay", "args": args}
    names = {"call": call, "tool": TOOL, "agent": "main", "step": NOW, "run": RUN, "params": PARAMETERS}
    bound, _, past = remembering(parse(text), told, PARAMETERS, step=NOW, at=NOW * 10**9)
    explanation = Naive(text, names, told, NOW, NOW * 10**9) if naive else Explanation(text, names, past.asked, past)
    try:
        return explanation.value(parse(text) if naive else bound), explanation.evidence
    except Undefined:
        return None, explanation.evidence


@settings(max_examples=250, deadline=None)
@given(truths(2), arguments, pasts_of_run())
def test_questions_are_answered_as_a_scan_of_the_whole_past_would(
    text: str, args: dict[str, Any], told: list[Told]
) -> None:
    """Monitors give the value, and the evidence, that looking at every past event again gives."""
    assert exact(text, args, told) == exact(text, args, told, naive=True)


@settings(max_examples=250, deadline=None)
@given(truths(2), arguments, pasts_of_run())
def test_both_meanings_agree_wherever_the_fast_one_answers(text: str, args: dict[str, Any], told: list[Told]) -> None:
    """What byte code says of random expressions and data is what the interpreter says."""
    fast = compiled(text, args, told)
    event(f"the fast meaning says {fast}")
    if fast is not None:
        assert exact(text, args, told)[0] is fast


@pytest.mark.parametrize(
    "text",
    [
        "call.args.a == 1",
        "0 < call.args.a <= 1",
        "call.args.a in [1, 2] and call.tool in ['pay', 'refund']",
        "call.args.s.matches('^y')",
        "not exists(call.args.x) and default(call.args.x, 5) == 5",
        "all(one < 9 for one in call.args.l if one != 4)",
        "[one + 1 for one in call.args.l] == [2, 3] and {1, 1} == [1]",
        "not happened(action, call.args.a == now.call.args.a) and step == 4",
        "count(action) == 0 and not happened(message, role == 'user')",
        "(1 if call.args.a > 0 else 2) == 1 and any([False, True])",
        "{'k': call.args.a}['k'] == params.p - 2 and run.seed == 7 and -call.args.a < 0",
        "call.args.l[0] == 1 and len(call.args.l) == 2 and all([one > 0 for one in call.args.l])",
    ],
)
def test_the_fast_meaning_answers_ordinary_rules(text: str) -> None:
    """Rules as people write them are decided without the interpreter."""
    assert compiled(text, {"a": 1, "s": "yes", "l": [1, 2]}, []) is True


@pytest.mark.parametrize("value", [True, False])
def test_truth_values_are_not_ordered_among_numbers(value: bool) -> None:
    """Where Python would say that True is at most 5, the fast meaning leaves the answer to the exact one."""
    assert compiled("call.args.a <= 5", {"a": value}, []) is None
    assert exact("call.args.a <= 5", {"a": value}, [])[0] is None


def test_compiled_rules_have_no_builtins() -> None:
    """Nothing of Python can be reached from the globals of compiled code but the listed functions."""
    holds = compile_rules([Clause(None, parse("call.args.a == 1"))], len)
    assert holds.__globals__["__builtins__"] == {}


def test_rules_with_guards_say_which_spoke() -> None:
    """The ids of the rules whose guard held are collected in the order of the rules."""
    guards = [None, parse("call.args.a > 5"), parse("call.args.a < 5")]
    clauses = [Clause(guard, parse("True")) for guard in guards]
    holds = compile_rules(clauses, list)
    assert holds({"args": {"a": 1}}, {}, {}, {}, "", 0, None, []) == [0, 2]
