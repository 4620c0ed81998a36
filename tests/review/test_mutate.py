"""Whether the examples notice a wrong rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.registries import load_registry
from harness.registry.invariant import Examples
from harness.review.mutate import Score, score, total, unnoticed
from tests.review.registries import SHIPPED, events, registry


def scored(rule: str, head: str = "") -> Score:
    """Score one rule."""
    rules = registry(rule, head)
    return score(rules.invariants[0], rules)


def survivors(one: Score) -> list[tuple[str, str]]:
    """Give what was not noticed, before and after."""
    return [(mutant.before, mutant.after) for mutant in one.survivors]


LIMIT = "- id: A\n  on: action\n  require: call.args.a <= params.p\n  examples: {}\n"


@pytest.mark.parametrize(
    ("examples", "left"),
    [
        ("{}", ["<=:<", "<=:>", "10:11", "10:9"]),
        ("{holds: [[{pay: {a: 1}}]]}", ["<=:<", "10:11", "10:9"]),
        ("{holds: [[{pay: {a: 10}}]]}", ["10:11"]),
        ("{holds: [[{pay: {a: 10}}]], violated: [[{pay: {a: 11}}]]}", []),
        ("{violated: [[{pay: {a: 11}}]]}", ["<=:<", "10:9"]),
    ],
)
def test_examples_at_the_boundary_notice_what_others_do_not(examples: str, left: list[str]) -> None:
    """A threshold, in a parameter, is pinned by the last value that is allowed and the first that is not."""
    one = scored(LIMIT.replace("{}", examples), "parameters: {p: 10}\n")
    assert one.mutants == 4
    told = [":".join(pair).replace("call.args.a ", "").replace(" params.p", "") for pair in survivors(one)]
    assert told == left
    assert one.share == (4 - len(left)) / 4


def test_a_guard_is_noticed_where_the_rule_must_keep_silent() -> None:
    """A step before the last line that the guard leaves out, and that would be violated, notices its absence."""
    rule = (
        "- id: A\n  on: action\n  when: call.tool == 'pay'\n  require: call.args.a > 0\n"
        "  examples: {holds: [[%s{pay: {a: 1}}]], violated: [[{pay: {a: 0}}]]}\n"
    )
    assert survivors(scored(rule % "")) == [('call.tool == "pay"', "")]
    assert survivors(scored(rule % "{look: {a: 0}}, ")) == []


def test_survivors_are_told_with_their_places() -> None:
    """What was done, to which part, file and line of the very part, and the small text around it."""
    one = scored(
        "- id: A\n  on: action\n  when: >-\n    call.tool == 'pay'\n    and not call.args.free\n"
        "  tool: [pay, give]\n  require: happened(message, text.matches('^yes'))\n"
        "  examples: {holds: [[{user: yes}, {pay: {free: false}}]]}\n"
    )
    told = [(mutant.done, mutant.part, mutant.place, mutant.before, mutant.after) for mutant in one.survivors]
    assert ("a conjunct dropped", "when", "r.yaml:9", "not call.args.free", "") in told
    assert ("the guard dropped", "when", "r.yaml:7", 'call.tool == "pay" and not call.args.free', "") in told
    wider = ('happened(message, text.matches("^yes"))', 'happened(message, text.matches("yes"))')
    assert ("a pattern widened", "require", "r.yaml:11", *wider) in told
    assert ("a tool dropped", "tool", "r.yaml:10", "give", "") in told


def test_a_schema_is_mutated_at_the_lines_of_its_keywords() -> None:
    """Each keyword by itself; one that is proved to change nothing is not counted."""
    one = scored(
        "- id: A\n  on: action\n  tool: pay\n  schema:\n    arguments:\n      required: [a]\n      properties:\n"
        "        a: {enum: [x, y], type: string}\n  examples: {violated: [[{pay: {a: z}}]]}\n"
    )
    assert [(mutant.before, mutant.place) for mutant in one.survivors] == [("required: a", "r.yaml:10")]
    assert (one.mutants, one.same) == (2, 1)


def test_what_is_the_same_tree_for_every_tool_is_no_fault() -> None:
    """What the declared tools decide beforehand cannot be wrong unnoticed: it is not counted."""
    tools = "tools: {pay: {effect: write}, look: {effect: read}}\n"
    rule = "- {id: A, on: action, %s require: call.args.a}\n"
    declared = scored(rule % "tool: pay, when: tool.effect == 'write' and call.tool != 'look',", tools)
    # either comparison flipped is a guard that lets the rule never speak, which is one fault
    assert [mutant.before for mutant in declared.survivors] == ['tool.effect == "write" and call.tool != "look"']
    assert declared.same == 3  # the guard, and each of its conjuncts, left out
    glob = scored(rule % "tool: '*', when: tool.effect == 'write',", tools)
    assert glob.same == 0  # a tool that nobody declared may come


def test_a_mutant_counts_once() -> None:
    """Two faults that give the same rule are one."""
    assert scored("- {id: A, on: action, require: call.args.a and call.args.a}\n").mutants == 1


def test_moved_parameters_are_those_the_rule_uses() -> None:
    """Every number of a table, one by one; a parameter of another rule stays."""
    one = scored(
        "- {id: A, on: action, require: 'call.args.a < params.p[call.args.b][0] * 1.0'}\n",
        "parameters: {p: {value: {x: [1, 2.0]}}, q: 3}\n",
    )
    moved = [(mutant.part, mutant.before, mutant.after) for mutant in one.survivors if mutant.part.startswith("params")]
    assert moved == [
        ("params.p.x[0]", "1", "2"),
        ("params.p.x[0]", "1", "0"),
        ("params.p.x[1]", "2.0", "2.02"),
        ("params.p.x[1]", "2.0", "1.98"),
    ]


def test_stored_traces_may_notice_too() -> None:
    """A survivor by which a finding comes, goes or turns is noticed; the others stay, and nothing else changes."""
    one = scored(LIMIT, "parameters: {p: 10}\n")
    after = unnoticed(one, list(events({"pay": {"a": 11}, "result": 1}, {"pay": {"a": 3}})), {})
    assert [mutant.after for mutant in after.survivors] == ["call.args.a < params.p", "9"]
    assert (after.mutants, after.noticed, one.noticed) == (4, 2, 0)
    assert unnoticed(after, list(events({"pay": {"a": 3}})), {}) == after
    assert total([one, after]) == (2, 8)


def test_a_rule_in_which_nothing_can_be_wrong_has_no_score() -> None:
    """No mutants, no share."""
    assert scored("- {id: A, on: action, require: 'True'}\n").share is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_more_examples_never_notice_less(path: Path) -> None:
    """For shipped rules: without examples nothing is noticed, and the number of mutants is the same."""
    shipped = load_registry(path)
    for rule in shipped.invariants[:4]:
        bare = score(replace(rule, examples=Examples()), shipped)
        full = score(rule, shipped)
        assert bare.noticed == 0
        assert (bare.mutants, bare.same) == (full.mutants, full.same)
        assert {mutant[:5] for mutant in full.survivors} <= {mutant[:5] for mutant in bare.survivors}
