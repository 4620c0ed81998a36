"""What the solver adds to lint: conflicts of artifacts, rules that add nothing, fields without a choice."""

from __future__ import annotations

import sys

import pytest

from harness.review.lint.diagnostic import Diagnostic
from harness.review.lint.lint import lint
from tests.review.lint.found import pointed
from tests.review.registries import linted, registry

HEAD = (
    "parameters:\n"
    "  top: {value: 5, bind: free, range: {min: 0, max: 20}}\n"
    "  cap: {value: 9, narrower: lower, range: {min: 0}}\n"
    "  fixed: {value: 5}\n"
    "artifacts:\n"
    "  plan:\n"
    "    schema:\n"
    "      type: object\n"
    "      required: [x, y, n, mode]\n"
    "      properties:\n"
    "        x: {type: number, minimum: 0, maximum: 100}\n"
    "        y: {type: number, minimum: 0, maximum: 100}\n"
    "        n: {type: integer, minimum: 0, maximum: 10}\n"
    "        mode: {enum: [slow, fast]}\n"
    "        name: {type: string}\n"
)


def rule(name: str, require: str, **fields: str) -> str:
    """Write a rule on a plan as a line of YAML."""
    stated = {"on": "artifact", "artifact": "plan", "otherwise": "block"} | fields
    said = ", ".join(f"{key}: {value}" for key, value in stated.items())
    return f"- {{id: {name}, {said}, require: '{require}'}}\n"


def found(*rules: str, head: str = HEAD) -> list[Diagnostic]:
    """Give the findings that the solver may make."""
    checks = ("conflict", "never-satisfiable", "implied", "single-value", "not-solved")
    return [one for one in lint(registry("".join(rules), head)) if one.check in checks]


SQUARES = rule("ROUND", "artifact.x * artifact.x + artifact.y * artifact.y <= params.fixed")


def test_rules_that_no_artifact_can_meet() -> None:
    """A circle and a line that passes it by: an error at the later rule, which names the earlier one and its place."""
    (told,) = found(SQUARES, rule("FAR", "artifact.x + artifact.y >= 3.2"), rule("ELSE", "artifact.n > 2"))
    assert (told.check, told.rule, told.level) == ("conflict", "FAR", "error")
    assert "no plan can meet this and ROUND (r.yaml:" in told.mistake.message
    assert pointed(told).startswith("artifact.x + artifact.y")
    assert found(SQUARES, rule("NEAR", "artifact.x + artifact.y >= 3.1"), rule("ELSE", "artifact.n > 2")) == []


def test_a_conflict_that_another_value_would_end_is_a_warning() -> None:
    """What a caller may bind is named, with the command that says more; a narrower cap would not help."""
    rules = (
        rule("A", "artifact.x * artifact.y >= 50"),
        rule("B", "artifact.x <= params.top"),
        rule("C", "artifact.y < 9"),
    )
    (told,) = found(*rules)
    assert told.level == "warning"
    assert told.mistake.message.endswith("with the parameters as they are")
    assert told.mistake.cure == "another value of top would do: harness registry negotiate r.yaml --artifact plan"
    capped = rules[0], rule("B", "artifact.x <= params.fixed"), rule("C", "artifact.y < params.cap")
    (told,) = found(*capped)
    assert told.level == "error"  # whatever is bound
    assert "with the parameters" not in told.mistake.message


def test_a_whole_parameter_ends_a_conflict_by_a_whole_number_only() -> None:
    """Where only 2.5 would do, and the parameter is whole, nothing that may be bound would."""
    only = rule("ONLY", "2.4 <= artifact.x <= params.top and params.top < 2.8")
    (told,) = found(only)
    assert told.mistake.cure.startswith("another value of top would do")
    (told,) = found(only, head=HEAD.replace("max: 20}", "max: 20}, whole: true"))
    assert told.mistake.cure.startswith("change a threshold")
    assert told.level == "error"


def test_rules_that_only_warn_are_in_a_milder_conflict() -> None:
    """An artifact that violates a warning is accepted."""
    (told,) = found(SQUARES, rule("FAR", "artifact.x + artifact.y >= 3.2", otherwise="warn"))
    assert told.level == "warning"


def test_one_rule_that_nothing_can_meet() -> None:
    """It is told once, though two checks may see it."""
    (told,) = found(rule("A", "artifact.x * artifact.x + 1 <= artifact.x"))
    assert (told.check, told.level) == ("never-satisfiable", "error")
    (told,) = found(rule("A", "artifact.x > 200"))
    assert told.check == "never-satisfiable"


def test_a_rule_that_the_others_imply() -> None:
    """Two lines keep a point below where they meet: a note; not where one may be moved, or only warns."""
    down, up = rule("DOWN", "artifact.x + artifact.y <= params.fixed"), rule("UP", "artifact.y - artifact.x <= 1")
    below = rule("BELOW", "artifact.y <= 3", otherwise="warn")
    (told,) = found(down, up, below)
    assert (told.check, told.rule, told.level) == ("implied", "BELOW", "note")
    assert "meets DOWN (r.yaml:20) and UP (r.yaml:21) meets this too" in told.mistake.message
    assert found(rule("DOWN", "artifact.x + artifact.y <= params.top"), up, below) == []
    assert found(down, rule("UP", "artifact.y - artifact.x <= 1", otherwise="warn"), below) == []
    assert found(down, up, rule("BELOW", "artifact.y <= 2.99", otherwise="warn")) == []


def test_what_another_check_says_is_not_said_again() -> None:
    """A looser bound beside a stricter one is shadowed, and implied for that reason alone."""
    rules = rule("A", "artifact.x <= 5"), rule("B", "artifact.x <= 9")
    assert [one.check for one in found(*rules)] == []
    assert "shadowed" in [one.check for one in lint(registry("".join(rules), HEAD))]


def test_a_field_with_one_value_left() -> None:
    """Of a number with decimals a warning, for rounding may miss it; of a whole number or a choice a note."""
    told = found(
        rule("A", "artifact.x + artifact.y <= 7"),
        rule("B", "artifact.x - artifact.y >= 7"),
        rule("C", "artifact.n * artifact.n == 9"),
        rule("D", 'artifact.mode != "slow"'),
    )
    said = {one.mistake.message.rpartition(": ")[2]: one.level for one in told if one.check == "single-value"}
    assert said == {"x is 7": "warning", "y is 0": "warning", "n is 3": "note", "mode is 'fast'": "note"}
    assert all(one.mistake.source.strip().startswith(("x:", "y:", "n:", "mode:")) for one in told)


def test_what_was_not_looked_at_is_a_note() -> None:
    """A rule on text cannot be solved; that is told at the artifact, with the reason and its line."""
    (told,) = found(rule("A", 'artifact.name.startswith("A")'))
    assert (told.check, told.level) == ("not-solved", "note")
    assert "(r.yaml:" in told.mistake.message


def test_what_is_not_decided_is_a_note() -> None:
    """Only the root of 2 would do, which is no fraction: no finding in either direction."""
    (told,) = found(rule("MOST", "artifact.x * artifact.x <= 2"), rule("LEAST", "artifact.x * artifact.x >= 2"))
    assert (told.check, told.level) == ("not-solved", "note")
    assert "was not decided" in told.mistake.message


def test_without_the_solver_lint_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is said all the same."""
    monkeypatch.setitem(sys.modules, "flint", None)
    (told,) = found(SQUARES, rule("FAR", "artifact.x + artifact.y >= 3.2"))
    assert told.check == "not-solved"
    assert "python-flint not installed" in told.mistake.message
    assert "pip install" in told.mistake.cure


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("driving_degradation", {"FORWARD-BRAKING", "REAR-DECELERATION"}),
        ("flow_reactor", {"CONVERSION-MINIMUM", "IMPURITY-LIMIT", "RESIDENCE-TIME-LIMIT"}),
        ("replicas", {"REPLICAS-ENOUGH", "REPLICAS-BUDGET"}),
    ],
)
def test_shipped_paradoxes_are_warnings(name: str, rules: set[str]) -> None:
    """They are infeasible on purpose, by parameters that may be bound: the smallest set is named, and what would do."""
    (told,) = [one for one in linted(name) if one.check == "conflict"]
    assert told.level == "warning"
    assert all(rule in told.mistake.message for rule in rules - {told.rule})
    assert "harness registry negotiate" in told.mistake.cure
