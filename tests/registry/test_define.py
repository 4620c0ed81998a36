"""Named expressions: a rule with them is the rule written out, and mistakes are told where they are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assertion.report import check
from harness.errors import RegistryError
from harness.registry.build import build_registry, invariant
from harness.registry.define import Definitions
from harness.registry.invariant import Expression, Invariant
from harness.registry.load import load
from harness.registry.parse import parse
from harness.registry.registry import Registry
from harness.registry.tree import Span, children, outline, walk
from harness.registry.write import write
from harness.review.lint.lint import lint
from harness.review.stories import events_of
from tests.registry.expressions import past_truths, texts, truths

HEAD = """registry: r
version: 1
default: refuse
parameters: {limit: 5}
tools:
  look: {effect: read, arguments: {properties: {id: {type: string}}}, result: {schema: {properties: {cabin: {}}}}}
  pay: {effect: write, arguments: {properties: {id: {type: string}, cents: {type: integer}}}}
"""
SEEN = 'last(result, call.tool == "look" and call.args.id == now.call.args.id).result'


def registry(define: str, rule: str, more: str = "") -> Registry:
    """Load one rule on payments; its definitions begin in line 9."""
    return load(f"{HEAD}define:\n{define}\ninvariants:\n- {{id: A, on: action, tool: pay, {rule}}}\n{more}", "r.yaml")


def mistakes(define: str, rule: str, more: str = "") -> list[str]:
    """Give the mistakes of such a registry, with line and column."""
    with pytest.raises(RegistryError) as caught:
        registry(define, rule, more)
    return [f"{one.line}:{one.column} {one.message} | {one.cure}" for one in caught.value.mistakes]


def put(define: Mapping[str, str], rule: Invariant) -> Invariant:
    """Put definitions into a rule, without looking at types: generated expressions are often of a wrong one."""
    definitions = Definitions({name: Expression(text, parse(text), rule.at) for name, text in define.items()})
    changed = definitions.rule(rule)
    assert changed is not None, definitions.mistakes
    return changed


@given(truths(2), texts(1), st.sampled_from(["{0}", "not {0}", "{0} and step >= 0", "any([{0} for each in [1]])"]))
def test_a_rule_with_definitions_means_the_rule_written_out(truth: str, text: str, form: str) -> None:
    """The same trees and the same meaning, which the digest is made of; a definition may use others."""
    hole = write(parse(text))
    written = invariant(
        "A", on="action", require=form.format(f"(({truth}) or ({text}) == ({text}))"), says=f"{{{hole}}}"
    )
    named = invariant("A", on="action", require=form.format("outer"), says="{word}")
    changed = put({"outer": "inner or word == word", "inner": truth, "word": text}, named)
    assert list(map(outline, changed.trees())) == list(map(outline, written.trees()))
    assert changed.meaning() == written.meaning()
    assert changed.uses() == {"outer", "inner", "word"}


@given(past_truths())
def test_in_a_question_about_the_past_a_definition_speaks_of_the_past_event(condition: str) -> None:
    """And behind ``now.`` of the present step, where it says nothing of the past."""
    one = put({"fits": condition}, invariant("A", on="action", require="happened(result, fits)"))
    other = invariant("A", on="action", require=f"happened(result, {condition})")
    assert one.meaning() == other.meaning()
    one = put({"sum": "call.args.a + step"}, invariant("A", on="action", require="happened(result, now.sum == sum)"))
    told = "happened(result, now.call.args.a + now.step == call.args.a + step)"
    assert one.meaning() == invariant("A", on="action", require=told).meaning()


@given(truths(1))
def test_everything_put_in_stands_where_the_name_stands(truth: str) -> None:
    """So that messages and shown values speak of the name."""
    require = put({"calm": truth}, invariant("A", on="action", require="step > 0 and calm")).require
    assert isinstance(require, Expression)
    calm = next(node for node in children(require.tree) if node.span.start >= 9)
    assert {node.span for node in walk(calm)} == {Span(13, 17)}


DEFINE = f"  seen: {SEEN}\n  cheap: call.args.cents < params.limit\n  good: seen.cabin == 'b' or cheap"


def test_verdicts_are_those_of_the_rule_written_out_and_show_the_names() -> None:
    """Values under the names that the rule uses; the same truths as without them, and what is said."""
    named = registry(
        DEFINE, 'require: good and seen.cabin != "x", otherwise: block, says: "{seen.cabin} for {call.args.id}"'
    )
    whole = load(named.to_yaml(), "written.yaml")
    assert "define" not in named.to_yaml()
    assert whole.digest == named.digest
    story: list[dict[str, Any]] = [
        {"pay": {"id": "1", "cents": 1}},
        {"look": {"id": "1"}, "result": {"cabin": "a"}},
        {"pay": {"id": "1", "cents": 9}},
        {"look": {"id": "1"}, "result": {"cabin": "b"}},
        {"pay": {"id": "1", "cents": 9}},
    ]
    one, other = (check(events_of(story), registry) for registry in (named, whole))
    truths = [(found.seq, found.verdict.truth) for found in one.findings]
    assert truths == [(found.seq, found.verdict.truth) for found in other.findings]
    violated = next(found.verdict for found in one.findings if found.verdict.truth == "violated")
    assert violated.values == {"good": False, 'good and seen.cabin != "x"': False}
    assert violated.says == "a for 1"


def test_mistakes_are_told_where_they_are_made() -> None:
    """Inside a definition once, at the definition; at the use what is wrong there only; the nearest name is named."""
    assert mistakes("  bad: call.arg.id == 1", "require: bad and not bad", "- {id: B, on: action, require: bad}") == [
        "9:13 unknown field 'call.arg' | did you mean 'args'?  (call has: tool, args, id, surface, serves)"
    ]
    assert mistakes("  bad: call.args. == 1\n  other: not bad", "require: bad and other and params.limti > 1") == [
        "9:19 not an expression: invalid syntax | ",
        "12:68 unknown field 'params.limti' | did you mean 'limit'?  (params has: limit)",
    ]
    (told,) = mistakes(f"  seen: {SEEN}", 'require: sen.cabin == "b"')
    assert told.endswith("unknown name 'sen' | did you mean 'seen'?")
    (told,) = mistakes("  one: call.args.cents > 1", "require: one", "- {id: B, on: action, tool: look, require: one}")
    assert told.startswith("12:44 unknown field 'call.args.cents' of tool 'look', in what one stands for here")
    (told,) = mistakes("  kept: step > 1\n  lost: call.argz", "require: kept")
    assert told.startswith("10:14 unknown field 'call.argz'")


@pytest.mark.parametrize(
    ("define", "require", "told"),
    [
        ("  a: b\n  b: not c\n  c: a", "a", "9:6 the definition 'a' stands for itself: a → b → c → a | write"),
        ("  a: a", "step > 1", "9:6 the definition 'a' stands for itself: a → a | write"),
        ("  call: step", "step > 1", "9:3 the definition 'call' hides what 'call' means in expressions | choose"),
        ("  len: step", "step > 1", "9:3 the definition 'len' hides what 'len' means"),
        ("  a: step", "any(a > 1 for a in [1])", "the name 'a' means something else here | choose another name"),
        ("  a: f.date > 1", "any(a for f in [1])", "9:6 unknown name 'f' | "),
        ("  a: text == '1'", "any(a for text in ['1'])", "'a' speaks of 'text', which is another one inside this"),
        ("  a: any(f > 1 for f in [1])", "any(a for f in [1])", "the name 'f' means something else here, in what a"),
        ("  a: last(message).text", "happened(result, a == '1')", "a is last(…), inside happened(…): questions"),
        ("  a: last(message).text", "happened(result, now.a == '1')", "a is last(…), inside happened(…): questions"),
        ("  a: {is: step, overide: true}", "step > 1", "9:17 unknown key 'overide' | did you mean 'override'?"),
        (
            "  a: {is: step, override: true}",
            "a > 1",
            "nothing to override: no extended registry has the definition 'a'",
        ),
    ],
)
def test_what_cannot_be_a_definition_is_refused(define: str, require: str, told: str) -> None:
    """One mistake each, with its place and cure."""
    (said,) = mistakes(define, f'require: "{require}"')
    assert told in said


def test_what_definitions_grow_to_is_bounded() -> None:
    """Each twice the one before: told at the first that is too large, in no time."""
    define = "\n".join(["  d0: step > 1", *(f"  d{n}: d{n - 1} and d{n - 1}" for n in range(1, 60))])
    said = mistakes(define, "require: d59")
    assert said[0].startswith("16:14 more than 500 parts, with its definitions written out")
    define = "\n".join(["  d0: step", *(f"  d{n}: -d{n - 1}" for n in range(1, 2000))])
    assert any("nested deeper than 60, with its definitions" in one for one in mistakes(define, "require: d9 > 1"))


BASE = (
    HEAD.replace("registry: r", "registry: base")
    + """define: {cheap: call.args.cents < params.limit}
invariants:
- {id: A, on: action, tool: pay, require: cheap, otherwise: block}
"""
)


def extended(text: str) -> Registry:
    """Load a registry that takes over the one above; its text begins in line 5."""
    return load(
        f"registry: s\nversion: 1\ndefault: refuse\nextends: [base]\n{text}", "s.yaml", read={"base": BASE}.__getitem__
    )


def test_definitions_are_taken_over_and_replaced_in_the_open() -> None:
    """Replaced for inherited rules as well; the change is on record; not without saying so."""
    own = "invariants: [{id: B, on: action, tool: pay, require: not cheap}]\n"
    assert [write(rule.trees()[0]) for rule in extended(own).invariants] == [
        "call.args.cents < params.limit",
        "not call.args.cents < params.limit",
    ]
    changed = extended("define: {cheap: {is: call.args.cents < 2, override: true}}\n" + own)
    assert [write(rule.trees()[0]) for rule in changed.invariants] == ["call.args.cents < 2", "not call.args.cents < 2"]
    assert [(one.part, one.name, one.before, one.now) for one in changed.overrides] == [
        ("definition", "cheap", "base:8", "s.yaml:5")
    ]
    with pytest.raises(RegistryError) as caught:
        extended("define: {cheap: call.args.cents < 2}\n" + own)
    (said,) = caught.value.mistakes
    assert (said.line, said.cure) == (5, "write {is: …, override: true} to replace it")
    assert said.message == "the definition 'cheap' is taken by base:8"


def test_an_unused_definition_is_noted() -> None:
    """One that another unused one uses, too; one that is used by way of another is not."""
    found = lint(registry("  a: step\n  b: a > 1\n  c: step > 2\n  d: c", "require: b"))
    told = [(one.level, one.mistake.line, one.mistake.message) for one in found if one.check == "unused-definition"]
    assert told == [("note", 11, "no rule uses the definition 'c'"), ("note", 12, "no rule uses the definition 'd'")]


def test_definitions_of_rules_written_in_code() -> None:
    """They are those of the registry that the rules are put into."""
    rule = invariant("A", on="action", require="cheap")
    made = build_registry("r", "1", default="allow", define={"cheap": "step < 5"}, invariants=[rule])
    written = build_registry("r", "1", default="allow", invariants=[invariant("A", on="action", require="step < 5")])
    assert made.digest == written.digest
