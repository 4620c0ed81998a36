"""The one object that judges a run, at the door and from a file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.assertion.interface import DEFAULT_REFUSE, Checker
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Judgement
from tests.assertion.strategies import action, event

TOOLS = "tools: {pay: {effect: write, result: {format: json}}, look: {effect: read}}\n"


def registry(rules: str, default: str = "allow") -> Registry:
    """Load rules for a tool that pays and one that looks."""
    return load(f"registry: r\nversion: 1\ndefault: {default}\n{TOOLS}invariants:\n{rules}", "r.yaml")


def rule(require: str, on: str = "action", extra: str = "") -> str:
    """Write one rule."""
    return f"- id: A\n  on: {on}\n  require: {json.dumps(require)}\n  otherwise: block\n{extra}"


def said(seq: int, role: str, text: str) -> Event:
    """Make the event of a chat message."""
    return event(seq, "message", {"message": {"role": role, "content": text}})


def answered(seq: int, to: int, value: Any) -> Event:
    """Make the event of an ok outcome."""
    return event(seq, "observation", {"action": to, "ok": value})


def judged(rules: str, *events: Event) -> list[str]:
    """Give what is said of each event: the truth of rule A, or nothing where it did not speak."""
    checker = Checker(registry(rules))
    return [truth(checker.judge(one)) for one in events]


def truth(judgement: Judgement) -> str:
    """Give the truth of the only rule that spoke."""
    if not judgement.rules:
        return ""
    return judgement.verdicts[0].truth if judgement.verdicts else "holds"


def test_a_call_is_judged_by_its_arguments() -> None:
    """Held, violated, and unknown where the argument is missing or of the wrong type."""
    calls = [action(seq, "pay", args) for seq, args in enumerate([{"cents": 5}, {"cents": 6}, {}, {"cents": "5"}])]
    assert judged(rule("call.args.cents <= 5"), *calls) == ["holds", "violated", "unknown", "unknown"]


def test_a_violation_says_what_decided_it() -> None:
    """Values by sub-expression, margin, the rule's advice, and the numbers of the events it rests on."""
    text = "call.args.cents <= last(result, call.tool == 'look').result.total"
    checker = Checker(registry(rule(text, extra='  tool: pay\n  says: "{call.args.cents} is too much"\n')))
    for one in (action(0, "look", {}), answered(1, 0, {"total": 5})):
        assert not checker.judge(one).verdicts
    (verdict,) = checker.judge(action(2, "pay", {"cents": 8})).verdicts
    assert (verdict.truth, verdict.margin, verdict.evidence, verdict.otherwise) == ("violated", -3, (1,), "block")
    assert verdict.says == "8 is too much"
    assert verdict.values == {
        "call.args.cents": 8,
        "last(result, call.tool == 'look').result.total": 5,
        text: False,
    }


def test_an_unknown_says_why() -> None:
    """The reason names the missing part."""
    (verdict,) = Checker(registry(rule("call.args.cents <= 5"))).judge(action(0, "pay", {})).verdicts
    assert verdict.reason == "call.args: no field 'cents'"


def test_a_guard_that_cannot_be_decided_makes_the_rule_unknown() -> None:
    """A rule is not skipped because its guard lacks data."""
    rules = rule("call.args.cents <= 5", extra="  when: call.args.id == 1\n")
    calls = [action(seq, "pay", args) for seq, args in enumerate([{"id": 2}, {"id": 1, "cents": 9}, {"cents": 9}])]
    assert judged(rules, *calls) == ["", "violated", "unknown"]


def test_a_blocked_call_did_not_happen() -> None:
    """What was refused is taken out of the past; what was performed stays in it."""
    rules = rule("count(action, call.tool == 'pay') < 2")
    block = event(3, "decision", {"action": 2, "decision": "block", "rule": "A", "reason": ""})
    calls = [
        action(0, "pay", {}),
        answered(1, 0, 1),
        action(2, "pay", {}),
        block,
        action(4, "pay", {}),
        action(5, "pay", {}),
    ]
    assert judged(rules, *calls) == ["holds", "", "holds", "", "holds", "violated"]


def test_a_call_whose_result_was_withheld_did_happen() -> None:
    """A block after the outcome takes nothing back."""
    block = event(2, "decision", {"action": 0, "decision": "block", "rule": "A", "reason": ""})
    events = [action(0, "pay", {}), answered(1, 0, 1), block, action(3, "pay", {})]
    assert judged(rule("not happened(action)"), *events)[-1] == "violated"


def test_a_call_under_way_counts_as_happened() -> None:
    """Two calls at once cannot both be the first."""
    assert judged(rule("not happened(action)"), action(0, "pay", {}), action(1, "pay", {})) == ["holds", "violated"]


def test_results_are_judged_before_they_are_delivered() -> None:
    """``on: result`` sees call and result; text that is declared as JSON is read."""
    rules = rule("result.n == 1 and call.tool == 'pay'", on="result")
    events = [action(0, "pay", {}), answered(1, 0, '{"n": 1}'), action(2, "pay", {}), answered(3, 2, '{"n": 2}')]
    assert judged(rules, *events) == ["", "holds", "", "violated"]
    assert judged(rules, action(0, "pay", {}), answered(1, 0, "no JSON")) == ["", "unknown"]


def test_failures_are_judged_by_rules_that_mention_them() -> None:
    """``failed`` is true of an error, false of a result, and unknown where no answer came."""
    outcomes = [{"ok": 1}, {"failed": {"error": {}, "retryable": False}}, {"unknown": {"reason": "cut"}}]
    for outcome, expected in zip(outcomes, ["holds", "violated", "unknown"], strict=True):
        events = [action(0, "pay", {}), event(1, "observation", {"action": 0, **outcome})]
        assert judged(rule("not failed", on="result"), *events) == ["", expected]


def test_messages_are_judged_wherever_they_travel() -> None:
    """Said outright, in the request of a model call, or in its answer."""
    rules = rule("message.role != 'assistant' or not message.text.contains('secret')", on="message")
    request = {
        "surface": "model",
        "tool": "chat",
        "args": {"messages": [{"role": "user", "content": "secret"}]},
        "rules": (),
    }
    answer = {"body": {"choices": [{"message": {"role": "assistant", "content": "the secret"}}]}}
    events = [
        said(0, "assistant", "no"),
        event(1, "action", request),
        answered(2, 1, answer),
        said(3, "assistant", "secret"),
    ]
    assert judged(rules, *events) == ["holds", "holds", "violated", "violated"]


@pytest.mark.parametrize("on", ["action", "result"])
@pytest.mark.parametrize("follows", [True, False])
def test_a_promise_outlasts_the_messages_in_its_event(on: str, follows: bool) -> None:
    """What a model call or its answer obliges the future to is owed although messages in it are judged after it."""
    promises = rule("must_follow(action, call.tool == 'look')", on=on, extra="  when: call.surface == 'model'\n")
    checker = Checker(registry(promises))
    messages = [{"role": "user", "content": "hello"}]
    asked = {"surface": "model", "tool": "chat", "args": {"messages": messages}, "rules": ()}
    answer = {"body": {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}}
    for one in (event(0, "action", asked), answered(1, 0, answer), action(2, "look" if follows else "pay", {})):
        checker.judge(one)
    checker.judge(answered(3, 2, {}))
    assert [one.truth for one in checker.finish().verdicts] == ([] if follows else ["violated"])


def test_messages_of_earlier_events_are_the_past() -> None:
    """An action sees what was said before it, the newest last."""
    rules = rule("last(message, role == 'user').text.matches('yes')")
    events = [
        action(0, "pay", {}),
        said(1, "user", "yes"),
        action(2, "pay", {}),
        said(3, "user", "no"),
        action(4, "pay", {}),
    ]
    assert judged(rules, *events) == ["unknown", "", "holds", "", "violated"]


def route(seq: int, does: str, **said: Any) -> Event:
    """Make the event of what a route does."""
    return event(seq, "route", {"does": does, "goal": "paid", **said})


def failed(seq: int, to: int) -> Event:
    """Make the event of a failed outcome."""
    return event(seq, "observation", {"action": to, "failed": {"error": {}, "retryable": False}})


def test_what_a_route_does_is_judged() -> None:
    """By its own fields and by the past; a field that is not there has no answer."""
    rules = _route("route.cost <= 3 and not happened(route, route.does == 'end')")
    events = [route(0, "plan", cost=3), route(1, "reroute", cost=4), route(2, "signal"), route(3, "end", cost=1)]
    assert judged(rules, *events, route(4, "plan", cost=1)) == ["holds", "violated", "unknown", "holds", "violated"]


def test_a_rule_on_routes_may_be_about_one_tool() -> None:
    """By name and by declaration; what a route does about no tool, or another one, is not its business."""
    rules = _route("tool.effect == 'read'", "  tool: [pay, look]\n")
    events = [
        route(0, "retry", tool="pay"),
        route(1, "retry", tool="look"),
        route(2, "retry", tool="x"),
        route(3, "end"),
    ]
    assert judged(rules, *events) == ["violated", "holds", "", ""]


def test_a_failure_is_told_by_its_number() -> None:
    """``seq`` is that of the outcome, so a rule can wait for the one event that is about it."""
    rules = rule(
        "must_follow(route, route.after == now.seq)", on="result", extra="  when: exists(call.serves) and failed\n"
    )
    call = action(1, "pay", {})
    serving = call._replace(body=call.body | {"serves": 0})
    for answers, found in (([2], ()), ([1, 3], ("A",)), ([], ("A",))):
        checker = Checker(registry(rules))
        for one in (serving, failed(2, 1), *(route(3 + at, "retry", after=to) for at, to in enumerate(answers))):
            checker.judge(one)
        assert tuple(verdict.rule for verdict in checker.finish().verdicts) == found
    assert judged(rules, call, failed(2, 1)) == ["", ""]


def _route(require: str, extra: str = "") -> str:
    return rule(require, on="route", extra=extra).replace("block", "warn")


def test_the_end_is_judged_once() -> None:
    """``on: end`` rules see the whole run."""
    checker = Checker(registry(rule("happened(result, call.tool == 'look') and step == 1", on="end")))
    assert truth(checker.finish()) == "violated"
    for one in (action(0, "look", {}), answered(1, 0, 1)):
        checker.judge(one)
    assert truth(checker.finish()) == "holds"


def test_the_run_is_in_scope() -> None:
    """Rules read the run's seed, subject and the like from the header."""
    loaded = registry(rule("run.subject == 'ann'"))
    assert truth(Checker(loaded, {"subject": "ann"}).judge(action(0, "pay", {}))) == "holds"
    assert truth(Checker(loaded).judge(action(0, "pay", {}))) == "unknown"


def test_a_tool_nobody_speaks_of_is_refused_by_default() -> None:
    """With ``default: refuse`` the refusal names the tool and the cure; with ``allow`` nothing is said."""
    refusing = Checker(registry(rule("True"), default="refuse"))
    judgement = refusing.judge(action(0, "delete_all", {}))
    assert judgement.rules == ("A", DEFAULT_REFUSE)
    (verdict,) = judgement.verdicts
    assert (verdict.rule, verdict.truth, verdict.otherwise) == (DEFAULT_REFUSE, "violated", "block")
    assert "delete_all" in verdict.says
    assert "r.yaml" in verdict.says
    assert not refusing.judge(action(1, "pay", {})).verdicts
    assert not Checker(registry(rule("True"))).judge(action(0, "delete_all", {})).verdicts


def test_a_model_call_is_never_refused_by_default() -> None:
    """The default speaks of tools."""
    request = event(0, "action", {"surface": "model", "tool": "chat", "args": {"messages": []}, "rules": ()})
    assert not Checker(registry(rule("True"), default="refuse")).judge(request).rules


def test_schema_rules_judge_arguments_and_results() -> None:
    """The first place that does not fit is named."""
    schema = "{type: object, properties: {cents: {type: integer}}}"
    loaded = registry(
        f"- {{id: A, on: action, tool: pay, schema: {{arguments: {schema}}}}}\n"
        f"- {{id: B, on: result, schema: {{result: {schema}}}}}\n"
    )
    checker = Checker(loaded)
    (verdict,) = checker.judge(action(0, "pay", {"cents": "5"})).verdicts
    assert (verdict.rule, verdict.truth, verdict.values) == ("A", "violated", {"call.args/cents": "5"})
    assert "is not of type" in verdict.reason
    assert truth(checker.judge(answered(1, 0, '{"cents": 1}'))) == "holds"
    checker.judge(action(2, "pay", {"cents": 5}))
    assert truth(checker.judge(answered(3, 2, [1]))) == "violated"


def test_an_outcome_without_its_action_is_passed_over() -> None:
    """The soundness of a trace is not judged here."""
    assert judged(rule("False", on="result"), answered(5, 3, 1)) == [""]


def test_other_events_change_nothing() -> None:
    """Notes and verdicts are no steps."""
    events = [event(0, "note", {"text": "x"}), event(1, "verdict", {}), action(2, "pay", {})]
    assert judged(rule("step == 0"), *events) == ["", "", "holds"]


RULES = [
    "call.args.cents <= 2",
    "count(action, call.args.id == now.call.args.id) < 2",
    "last(result).result.n == 1 or not exists(call.args.id)",
]


@pytest.mark.parametrize("args", [{"a": [[[[1]]]] * 50}, {"a": "x" * 10_000}, {"": None}, {"cents": 10**400}])
def test_strange_arguments_never_crash_a_rule(args: dict[str, Any]) -> None:
    """Whatever an agent sends, a rule holds, is violated, or is unknown with a reason."""
    for text in RULES:
        (spoken,) = judged(rule(text), action(0, "pay", args))
        assert spoken in ("holds", "violated", "unknown")


@pytest.mark.parametrize(
    ("require", "extra"),
    [
        ("call.args.cents <= 5", ""),
        ("call.args.cents <= 5.5", "  says: at most 5, not {call.args.cents:.2f}\n"),
        ("call.args.cents % 7 == 0", ""),
    ],
)
def test_a_violation_that_cannot_be_measured_or_told_is_one_all_the_same(require: str, extra: str) -> None:
    """A number that no float comes near violates a rule; it does not make it unknown, which a read would pass."""
    (verdict,) = Checker(registry(rule(require, extra=extra))).judge(action(0, "pay", {"cents": 10**400})).verdicts
    assert verdict.truth == "violated"


def deep(levels: int) -> list[Any]:
    """Give lists in lists, deeper than Python can follow."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("require", "args", "reason"),
    [
        ("str(call.args.cents) == '5'", {"cents": 10**5000}, "str failed: ValueError"),
        ("call.args.a == call.args.b", {"a": deep(5000), "b": deep(5000)}, ("RecursionError", "nested too deeply")),
        ("call.args.a.matches('x')", {"a": "\ud800"}, "matches failed: UnicodeEncodeError"),
    ],
)
def test_a_rule_that_crashes_is_unknown(require: str, args: dict[str, Any], reason: str | tuple[str, ...]) -> None:
    """A crash is no answer: never taken for holding, never an exception, and the reason is kept."""
    (verdict,) = Checker(registry(rule(require))).judge(action(0, "pay", args)).verdicts
    assert verdict.truth == "unknown"
    assert verdict.reason.startswith(reason)
