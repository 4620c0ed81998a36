"""Which parts of rules ever decided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.review.coverage import Coverage
from tests.review.registries import events, registry


def counts(rule: str, *lines: dict[str, object]) -> dict[str, tuple[int, int]]:
    """Give for each part how often it decided for true, and for false."""
    covered = Coverage(registry(rule))
    covered.add(events(*lines), {})
    parts = enumerate(covered.parts)
    return {f"{part.of} {part.text}": (covered.true[number], covered.false[number]) for number, part in parts}


def test_a_part_decides_where_its_opposite_turns_the_answer() -> None:
    """Of ``a and b``: both where both are true, the false one where one is; neither where both are false."""
    rule = "- {id: A, on: action, require: call.args.a and not call.args.b}\n"
    lines = [{"pay": {"a": a, "b": b}} for a, b in ((True, False), (True, True), (False, True), (False, False))]
    assert counts(rule, *lines) == {"require call.args.a": (1, 1), "require call.args.b": (1, 1)}


def test_a_guard_is_asked_where_the_rule_keeps_silent_too() -> None:
    """Its parts are counted on every step of the occasion; the requirement only where the rule speaks."""
    rule = "- {id: A, on: action, when: call.tool == 'pay', require: call.args.a > 0}\n"
    told = counts(rule, {"pay": {"a": 1}}, {"look": {"a": 1}}, {"look": {"a": 0}})
    assert told == {'when call.tool == "pay"': (1, 2), "require call.args.a > 0": (1, 0)}


def test_what_is_unknown_decides_nothing_unless_another_part_does() -> None:
    """``false and unknown`` is false because of the false part alone."""
    rule = "- {id: A, on: action, require: call.args.a and call.args.b}\n"
    assert counts(rule, {"pay": {"a": False}}) == {"require call.args.a": (0, 0), "require call.args.b": (0, 0)}
    assert counts(rule, {"pay": {"a": True}}) == {"require call.args.a": (0, 0), "require call.args.b": (0, 0)}


def test_schemas_and_ends_of_runs_are_no_obstacle() -> None:
    """A rule with a schema has no parts; a rule on the end of a run is asked there."""
    rules = (
        "- {id: A, on: action, tool: pay, schema: {arguments: {required: [a]}}}\n"
        "- {id: B, on: end, require: step > 1}\n"
    )
    assert counts(rules, {"pay": {"a": 1}}) == {"require step > 1": (0, 1)}
    assert counts(rules.splitlines(keepends=True)[0], {"pay": {"a": 1}}) == {}


booleans = st.fixed_dictionaries({name: st.booleans() for name in "abc"})


@given(st.lists(booleans, max_size=8))
def test_deciding_agrees_with_turning_each_value_round(steps: list[dict[str, bool]]) -> None:
    """The law, against Python: a part decides exactly where the expression with it turned round has the other value."""
    told = counts("- {id: A, on: action, require: (call.args.a or call.args.b) and not call.args.c}\n", *_calls(steps))

    def value(args: dict[str, bool]) -> bool:
        return (args["a"] or args["b"]) and not args["c"]

    for name in "abc":
        deciding = [value(args) for args in steps if value(args) != value(args | {name: not args[name]})]
        assert told[f"require call.args.{name}"] == (deciding.count(True), deciding.count(False))


def _calls(steps: list[dict[str, bool]]) -> list[dict[str, object]]:
    return [{"pay": args} for args in steps]
