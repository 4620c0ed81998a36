"""What becomes of the rules of a registry as a problem, against what the registry itself says."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from harness import check_artifact
from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.registry.solve.decide import Feasible, decide
from harness.registry.solve.extract import extract
from harness.registry.solve.problem import Number, Problem, Unknown, Variable, written
from tests.registry.expressions import Texts, say
from tests.registry.solve.points import TooCloseError, meets

HEAD = """
registry: r
version: 1
default: allow
parameters:
  p: {value: 1.5, bind: free}
  q: {value: 2, bind: free}
  on: true
  name: fast
  flags: [true, false]
  steps: [1, 2, 5]
  of: {value: {fast: 3, slow: 0.5}}
define:
  twice: artifact.x * 2
artifacts:
  plan:
    schema:
      type: object
      required: [x, y, n, b, m, k, u, deep]
      properties:
        x: {type: number, minimum: -4, maximum: 4, unit: "1"}
        y: {type: number, exclusiveMinimum: 0, maximum: 4}
        n: {type: integer, exclusiveMinimum: -2.5, exclusiveMaximum: 3}
        b: {type: boolean}
        m: {enum: [fast, slow, "off"]}
        k: {enum: [0.5, 2, many]}
        u: {enum: [fast, null]}
        deep: {type: object, required: [z], properties: {z: {type: number, minimum: 0, maximum: 1}}}
        maybe: {type: number, minimum: 0, maximum: 1}
        endless: {type: number, minimum: 0}
        text: {type: string}
        odd: {type: integer, minimum: 0, maximum: 9, multipleOf: 3}
        none: {type: integer, minimum: 1, maximum: 0}
        anything: {}
invariants:
"""


def registry(*rules: str) -> Registry:
    """Give a registry with some rules on a plan, each written as the rest of its keys."""
    lines = [f"  - {{id: R{number}, on: artifact, artifact: plan, {rule}}}\n" for number, rule in enumerate(rules)]
    return load(HEAD + "".join(lines), "r.yaml")


def required(*texts: str) -> Registry:
    """Give a registry that requires some expressions."""
    return registry(*(f"require: '{text}'" for text in texts))


def condition(text: str) -> tuple[Problem, Any]:
    """Give the problem of one requirement, and its condition as lists."""
    problem = extract(required(text), "plan")
    return problem, written(problem.constraints[0].condition)


def mistakes(*rules: str) -> list[tuple[int, str, str]]:
    """Give the line, the message and the cure of all that cannot be read in some rules."""
    rule = registry(*rules)
    with pytest.raises(RegistryError) as caught:
        extract(rule, "plan")
    return [(one.line, one.message, one.cure) for one in caught.value.mistakes]


# --- the same truths as the registry ----------------------------------------------------------------------------------


QUANTIFIERS = st.sampled_from(["any", "all"])


def numbers(depth: int) -> Texts:
    """Give expressions that are numbers, now and then of no value."""
    leaves = ["0", "1", "0.5", "-2.5", "artifact.x", "artifact.y", "artifact.n", "artifact.deep.z", "params.p"]
    leaves += ["params.q", "params.of[params.name]", "twice", "params.of.slow"]
    found = st.sampled_from(leaves)
    if not depth:
        return found
    inner = numbers(depth - 1)
    return found | st.one_of(
        say("({} {} {})", inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        say("{}({})", st.sampled_from(["abs", "sqrt", "log", "exp", "-", "float"]), inner),
        say("{}({}, {}, {})", st.sampled_from(["min", "max"]), inner, inner, inner),
        say("{}([{}, {}])", st.sampled_from(["min", "max", "sum"]), inner, inner),
        say(f"sum([{{}} * t{depth} for t{depth} in params.steps])", inner),
        say("({}) ** {}", inner, st.sampled_from(["2", "3", "0", "-1", "0.5", "1.5", "-0.5", "0.75", "-0.75"])),
        say("({} if {} else {})", inner, truths(depth - 1), inner),
        st.sampled_from(
            [
                "params.of[artifact.m]",
                "default(artifact.x, 1)",
                "artifact.k * 2",
                "len(artifact.m)",
                "len(default(artifact.u, params.steps))",
            ]
        ),
    )


def truths(depth: int) -> Texts:
    """Give expressions that are true or false, now and then neither."""
    leaves = ["artifact.b", "params.on", "True", 'artifact.m == "fast"', 'artifact.m != "slow"', "artifact.k == 2"]
    leaves += ['artifact.m in ["fast", "off"]', "artifact.n in params.steps", "artifact.n not in [0, 1.0]"]
    leaves += [
        "exists(artifact.x)",
        "exists(artifact.u)",
        "all(params.flags)",
        "any(params.flags)",
        "artifact.u == artifact.m",
        'artifact.m.startswith("f")',
        "artifact.k < 1",
        "artifact.n == 2",
        "artifact.b != True",
    ]
    leaves += ["artifact.n * 2 != artifact.n + 1", "artifact.k == artifact.n", '"o" in artifact.m']
    leaves += ["artifact.b == (artifact.x > 0)", "artifact.m == params.name", "artifact.k in [2, artifact.n]"]
    found = st.sampled_from(leaves)
    inner, number = (truths if depth else lambda _: found)(depth - 1), numbers(depth)
    compared = say("{} {} {}", number, st.sampled_from(["<", "<=", ">", ">="]), number)
    if not depth:
        return found | compared
    return st.one_of(
        compared,
        say("({} <= {} < {})", number, number, number),
        say("({} {} {})", inner, st.sampled_from(["and", "or"]), inner),
        say("not ({})", inner),
        say("({} if {} else {})", inner, inner, inner),
        say("{}([{}, {}])", QUANTIFIERS, inner, inner),
        say(f"{{}}({{}} > s{depth} for s{depth} in params.steps if s{depth} < {{}})", QUANTIFIERS, number, number),
    )


def quarters(low: int, high: int) -> st.SearchStrategy[float]:
    """Give numbers that floats hold exactly."""
    return st.integers(4 * low, 4 * high).map(lambda number: number / 4)


PLANS = st.fixed_dictionaries(
    {
        "x": quarters(-4, 4),
        "y": quarters(0, 4),
        "n": st.integers(-2, 2),
        "b": st.booleans(),
        "m": st.sampled_from(["fast", "slow", "off"]),
        "k": st.sampled_from([0.5, 2, "many"]),
        "u": st.sampled_from(["fast", None]),
        "deep": st.fixed_dictionaries({"z": quarters(0, 1)}),
    }
)


def outcomes(rule: Registry, plan: dict[str, Any]) -> dict[str, bool]:
    """Tell of each rule whether it holds, or is silent, of a plan."""
    failed = {verdict.rule for verdict in check_artifact("plan", plan, registry=rule).verdicts}
    return {one.id: one.id not in failed for one in rule.invariants}


def compared(rule: Registry, plans: list[dict[str, Any]]) -> Iterator[tuple[dict[str, bool], dict[str, bool]]]:
    """Yield what a problem and its registry say of plans that are not too close to a boundary."""
    problem = extract(rule, "plan")
    for plan in plans:
        flat = {**plan, "deep.z": plan["deep"]["z"]}
        try:
            found = meets(problem, flat)
        except TooCloseError:
            continue
        yield {name: met for name, met in found.items() if not name.startswith("schema:")}, outcomes(rule, plan)


@settings(max_examples=200, deadline=None)
@given(truths(2), st.lists(PLANS, min_size=4, max_size=4))
def test_a_constraint_is_met_where_its_rule_holds(text: str, plans: list[dict[str, Any]]) -> None:
    """And only there: where the rule is violated or unknown, it is not."""
    rule = required(text.replace("'", '"'))
    pairs = list(compared(rule, plans))
    assume(pairs)
    for found, expected in pairs:
        assert found == expected


@settings(max_examples=150, deadline=None)
@given(truths(1), truths(1), st.lists(PLANS, min_size=4, max_size=4))
def test_a_guarded_rule_is_met_where_it_is_silent(when: str, text: str, plans: list[dict[str, Any]]) -> None:
    """A false guard meets it whatever is required, an undefined one leaves it unmet."""
    rule = registry(f"when: '{when}', require: '{text}'")
    for found, expected in compared(rule, plans):
        note(f"{when} -> {text}")
        assert found == expected


def test_an_undefined_comparison_is_false_under_not_too() -> None:
    """The law of a problem: ``not (log(x) <= 1)`` is ``log(x) > 1``, and neither is true of a negative number."""
    assert condition("not (log(artifact.x) <= 1)")[1] == ["<", ["-", ["number", "1"], ["log", ["unknown", 0]]]]
    plan = {"x": -1.0, "y": 1, "n": 1, "b": True, "m": "off", "k": 2, "u": None, "deep": {"z": 0}}
    rule = required("not (log(artifact.x) <= 1)", "log(artifact.x) <= 1", "log(artifact.x) <= 1 or artifact.b")
    assert list(compared(rule, [plan])) == [({"R0": False, "R1": False, "R2": True},) * 2]


# --- how it is read ---------------------------------------------------------------------------------------------------


X_LESS_1 = ["-", ["unknown", 0], ["number", "1"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artifact.x < 0.1", ["<", ["-", ["unknown", 0], ["number", "1/10"]]]),
        ("artifact.x <= 0", ["<=", ["unknown", 0]]),
        ("2 * 0.3 <= artifact.x", ["<=", ["-", ["number", "3/5"], ["unknown", 0]]]),
        ("artifact.x ** -2 > 1e-9", ["<", ["-", ["number", "1/1000000000"], ["power", ["unknown", 0], -2]]]),
        ("artifact.x ** 0.5 >= params.p", ["<=", ["-", ["number", "3/2"], ["sqrt", ["unknown", 0]]]]),
        ("artifact.x * artifact.x < 0", ["<", ["power", ["unknown", 0], 2]]),
        ("artifact.x ** 2 * artifact.x < 0", ["<", ["power", ["unknown", 0], 3]]),
        ("artifact.x * artifact.x ** -1 < 0", ["<", ["*", ["unknown", 0], ["power", ["unknown", 0], -1]]]),
        ("artifact.x != 1", ["some", ["<", X_LESS_1], ["<", ["-", ["number", "1"], ["unknown", 0]]]]),
        ("-artifact.x < 0", ["<", ["-", ["number", "0"], ["unknown", 0]]]),
        ('artifact.m == "slow"', ["==", ["-", ["unknown", 0], ["number", "1"]]]),
        ('artifact.m in ["slow", "fast"]', ["!=", ["-", ["unknown", 0], ["number", "2"]]]),
        ("not artifact.b", ["==", ["-", ["unknown", 0], ["number", "0"]]]),
        ('artifact.k != "fats"', ["every"]),
        ("artifact.n == 3.0", ["==", ["-", ["unknown", 0], ["number", "3"]]]),
        (
            "abs(artifact.x - artifact.y) <= 0.5",
            ["<=", ["-", ["abs", ["-", ["unknown", 0], ["unknown", 1]]], ["number", "1/2"]]],
        ),
    ],
)
def test_expressions_are_read_as_exact_conditions(text: str, said: Any) -> None:
    """Literals are the decimals they are written as, choices are places, ``>`` is ``<`` the other way round."""
    assert condition(text)[1] == said


def test_a_value_that_depends_becomes_cases() -> None:
    """Each branch of a conditional beside the condition under which it is taken."""
    _, said = condition("(artifact.x if artifact.y > 1 else 2) < 3")
    taken = ["<", ["-", ["number", "1"], ["unknown", 0]]]
    other = ["<=", ["-", ["unknown", 0], ["number", "1"]]]
    assert said == ["some", ["every", taken, ["<", ["-", ["unknown", 1], ["number", "3"]]]], other]


def test_a_sum_of_many_items_does_not_nest_deep() -> None:
    """A sum over a thousand parameters is read, told by its digest, and decided."""
    many = HEAD.replace("steps: [1, 2, 5]", f"steps: {list(range(1000))}")
    rule = (
        "  - {id: R0, on: artifact, artifact: plan, require: 'sum([artifact.x * s for s in params.steps]) >= 1998000'}"
    )
    problem = extract(load(many + rule, "r.yaml"), "plan")
    assert len(problem.digest) == 64
    found = decide(problem)
    assert isinstance(found, Feasible)
    assert found.point == (4,)


def test_variables_are_in_the_bounds_of_the_schema() -> None:
    """Those that rules speak of, by their path; an end that is not included is a constraint, or the next whole one."""
    rule = required("artifact.x + artifact.y + artifact.n + artifact.deep.z < 1 and artifact.b", "artifact.k == 2")
    problem = extract(rule, "plan")
    zero, one, four = Fraction(0), Fraction(1), Fraction(4)
    assert problem.variables == (
        Variable("x", "real", -four, four, unit="1"),
        Variable("y", "real", zero, four),
        Variable("n", "integer", Fraction(-2), Fraction(2)),
        Variable("deep.z", "real", zero, one),
        Variable("b", "choice", zero, one, (False, True)),
        Variable("k", "choice", zero, Fraction(2), (0.5, 2, "many")),
    )
    assert [one.name for one in problem.constraints] == ["R0", "R1", "schema:y"]
    assert written(problem.constraints[2].condition) == ["<", ["-", ["number", "0"], ["unknown", 1]]]


def test_whole_numbers_in_a_row_are_a_whole_number() -> None:
    """An enumeration of 1, 2 and 3 is what lies from 1 to 3."""
    text = HEAD.replace("k: {enum: [0.5, 2, many]}", "k: {enum: [3, 1, 2]}")
    rule = load(text + "  - {id: A, on: artifact, artifact: plan, require: artifact.k > 1}\n", "r.yaml")
    assert extract(rule, "plan").variables == (Variable("k", "integer", Fraction(1), Fraction(3)),)


def test_a_parameter_keeps_its_name_and_takes_what_it_is_bound_to() -> None:
    """So that whoever looks for another value of it finds each place where it stands."""
    rule = required("artifact.x <= params.p * 2")
    for bound, value in ((rule, "1.5"), (rule.bind(p=0.1), "0.1")):
        (one,) = extract(bound, "plan").constraints
        (_, times) = one.condition.term.terms  # type: ignore[union-attr]
        assert times.terms == (Number(Fraction(value), "p"), Number(Fraction(2)))


def test_a_schema_of_an_artifact_is_read_as_a_rule() -> None:
    """Bounds, listed values and what is required, of fields at any depth."""
    schema = "{type: object, required: [x], properties: {x: {minimum: 0, exclusiveMaximum: 2}, m: {enum: [fast]},"
    schema += " n: {type: integer, enum: [1, 2]}, deep: {properties: {z: {maximum: 0.5}}}}}"
    rule = registry(f"schema: {{artifact: {schema}}}")
    base = {"x": 0.0, "y": 1, "n": 1, "b": True, "m": "fast", "k": 2, "u": None, "deep": {"z": 0.5}}
    changes: list[dict[str, Any]] = [{}, {"x": 2.0}, {"x": -0.25}, {"m": "off"}, {"n": 0}, {"deep": {"z": 0.75}}]
    pairs = list(compared(rule, [{**base, **change} for change in changes]))
    assert [found["R0"] for found, _ in pairs] == [True, False, False, False, False, False]
    assert all(found == expected for found, expected in pairs)


def test_a_rule_that_says_nothing_has_no_variables() -> None:
    """True is met everywhere, false nowhere."""
    problem = extract(required("True", "params.p > 2 and False"), "plan")
    assert problem.variables == ()
    assert meets(problem, {}) == {"R0": True, "R1": False}


def test_two_choices_are_compared_by_their_values() -> None:
    """Not by their places; contradictory places are left out."""
    problem, said = condition("artifact.k == artifact.m or artifact.b")
    assert [one.name for one in problem.variables] == ["k", "m", "b"]
    assert said == ["==", ["-", ["unknown", 2], ["number", "1"]]]


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "cure"),
    [
        ("artifact.x == 1", "hardly ever equal", "allow for a tolerance: abs(artifact.x - (1)) <= 0.001"),
        ("not (artifact.x != artifact.y)", "hardly ever equal", "abs(artifact.x - (artifact.y)) > 0.001"),
        ("artifact.n // 2 > 1", "the operator //", "type: integer"),
        ("round(artifact.x) > 1", "does not read round(…) of a number", "it reads + - *"),
        ("round(params.p) > artifact.x", "does not read round(…) of a number", "it reads"),
        ("source(artifact.m) == []", "where a value came from is nothing", "the artifact and params only"),
        ("step > 1", "step is nothing that could be solved for", "the artifact and params only"),
        ('count(action, call.tool == "a") < artifact.n', "does not read this", "fields of the artifact"),
        ("exists(artifact.maybe)", "does not say that maybe is there", "put 'maybe' under required:"),
        ("default(1 / artifact.x, 2) < 1", "read of plain fields only", ""),
        ("artifact.x in [1 / artifact.y]", "may be undefined", ""),
        ("log(artifact.x) not in []", "may be undefined", ""),
        ("sum([s for s in params.steps if s > artifact.x]) < 1", "only where their items are known", "list the items"),
        ("params.steps[artifact.n] > 1", "a calculated position", ""),
        ("len([artifact.x]) > 1", "a list that depends on the artifact", ""),
        ("min(artifact.k, 1) < 1", "something that is no number", ""),
    ],
)
def test_what_cannot_be_read_is_told_with_its_cure(text: str, message: str, cure: str) -> None:
    """At the rule's own line."""
    ((line, said, told),) = mistakes(f"require: '{text}'")
    assert line == HEAD.count("\n") + 1
    assert message in said
    assert cure in told


NOT_IT = {"text": '"a"'}


@pytest.mark.parametrize(
    ("name", "message", "cure"),
    [
        ("endless", "plan.endless: a number without maximum", "add maximum: …"),
        ("text", "plan.text: text is no variable unless its values are listed", "list them: enum: […]"),
        ("odd", "plan.odd: 'multipleOf' is not read by the solver", "say it as a rule"),
        ("none", "plan.none: no whole number lies within its bounds", "put the bounds in order, or further apart"),
        (
            "anything",
            "plan.anything: the schema does not say that it is one number, truth value or listed text",
            "write type",
        ),
    ],
)
def test_a_field_that_is_no_variable_is_told_where_it_is_declared(name: str, message: str, cure: str) -> None:
    """Once, however many rules speak of it."""
    text = f"require: 'artifact.{name} != {NOT_IT.get(name, 3)}'"
    ((line, said, told),) = mistakes(text, text)
    assert name in HEAD.splitlines()[line - 1]
    assert (said, told[: len(cure)]) == (message, cure)


def test_every_mistake_is_told_at_once() -> None:
    """Those of rules, then those of fields."""
    found = mistakes(
        "require: artifact.x == 1", "require: artifact.endless < 1", "when: step > 1, require: artifact.n % 2 == 0"
    )
    assert [message.split(":")[0] for _, message, _ in found] == [
        "numbers with decimals are hardly ever equal",
        "the solver does not read the operator %",
        "step is nothing that could be solved for",
        "plan.endless",
    ]


def test_a_rule_with_too_many_cases_is_refused() -> None:
    """Before they are worked out."""
    parts = " + ".join(f"(artifact.x if artifact.y > {at} else {at})" for at in range(12))
    ((_, said, cure),) = mistakes(f"require: '{parts} < 3'")
    assert (said, cure) == ("more than 512 cases to tell apart", "split the rule in two")


def test_an_unknown_artifact_is_told_with_the_nearest() -> None:
    """So is one without a rule."""
    with pytest.raises(RegistryError, match=r"the artifact 'plam' is not declared\n.*did you mean 'plan'"):
        extract(required("artifact.x > 0"), "plam")
    rule = load(HEAD + "  - {id: A, on: end, require: step > 0}\n", "r.yaml")
    with pytest.raises(RegistryError, match="no rule speaks of the artifact 'plan'"):
        extract(rule, "plan")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{properties: {x: {multipleOf: 2}}}", "x: 'multipleOf' is not read by the solver"),
        ("{properties: {x: {enum: [1, 2]}}}", "x has decimals, and is hardly ever equal to a number"),
        ("{properties: {x: {type: integer}}}", "x is declared as another type"),
        ("{properties: {m: {type: string}}}", "m is one of listed values"),
        ("{additionalProperties: false}", "the artifact is an object, read by its properties"),
        ("{properties: {maybe: {maximum: 1}}}", "maybe need not be there, and whatever is not there fits"),
        ("{minProperties: 3}", "the artifact: 'minProperties' is not read by the solver"),
    ],
)
def test_a_schema_that_says_more_is_refused(schema: str, message: str) -> None:
    """Rather than read in part."""
    ((_, said, cure),) = mistakes(f"schema: {{artifact: {schema}}}")
    assert said == message
    assert cure


def test_places_of_unknowns_are_those_of_the_variables() -> None:
    """A variable is read once, when it is first spoken of."""
    problem, said = condition("artifact.y < artifact.x or artifact.y > 3")
    assert [one.name for one in problem.variables] == ["y", "x"]
    assert said[1] == ["<", ["-", written(Unknown(0)), written(Unknown(1))]]
