"""The way back: the nearest value that meets a violated requirement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.assertion.gradient import MAX_EVALUATIONS, Move, gradient, replaced
from harness.registry import values
from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.tree import Node
from harness.registry.values import Undefined
from tests.registry.expressions import say, truths

PARAMS = {"limit": 100, "names": ["eco", "business"], "v0": 120, "g": 9.8, "mu": 0.4, "many": list(range(0, 90, 3))}


class Requirement:
    """A requirement over some arguments, and how often it was asked."""

    def __init__(self, text: str, args: dict[str, Any]) -> None:
        self.text, self.tree, self.asked = text, parse(text), 0
        self.names = {
            "call": {"tool": "pay", "args": args},
            "params": PARAMS,
            "step": 2,
            "run": {"seed": 3},
            "agent": "a",
        }

    def value_of(self, node: Node, changes: Mapping[str, Any]) -> Any:
        """Give the value of a node with other values under some names."""
        self.asked += node is self.tree
        return Explanation(self.text, replaced(self.names, changes)).value(node)

    def truth(self) -> bool | None:
        """Give its exact answer; None where it is undefined."""
        try:
            return values.truth(self.value_of(self.tree, {}))
        except Undefined:
            return None

    def meets(self, field: str, value: Any) -> bool:
        """Tell whether it holds with another value."""
        try:
            return Explanation(self.text, replaced(self.names, {field: value})).value(self.tree) is True
        except Undefined:
            return False

    def steps(self) -> dict[str, Move]:
        """Give the steps by field."""
        return {step.field: step for step in gradient(self.tree, self.value_of)}


def step(text: str, **args: Any) -> Move:
    """Give the only step of a requirement."""
    (only,) = Requirement(text, args).steps().values()
    return only


@pytest.mark.parametrize(
    ("text", "value", "direction", "distance", "boundary", "allowed"),
    [
        ("call.args.x <= 10", 12, "decrease", 2, 10, True),
        ("call.args.x < 10", 12, "decrease", 3, 9, True),
        ("call.args.x <= 10", 12.5, "decrease", 2.5, 10, True),
        ("call.args.x < 10", 12.5, "decrease", 2.5, 10, False),
        ("call.args.x > 10 and call.args.x <= 20", 4, "increase", 7, 11, True),
        ("call.args.x != 5", 5, "decrease", 1, 4, True),
        ("call.args.x != 5 and call.args.x >= 5", 5.0, "increase", 0, 5, False),
        ("call.args.x == 5", 7.0, "decrease", 2, 5, True),
        ("2 * call.args.x + 1 >= 8", 1, "increase", 3, 4, True),
        ("2 * call.args.x + 1 >= 8", 1.0, "increase", 2.5, 3.5, True),
        ("abs(call.args.x - 3) >= 10", 4, "increase", 9, 13, True),
        ("call.args.x < 0 or 15 < call.args.x <= 16 or call.args.x > 90", 13, "increase", 3, 16, True),
        ("min(call.args.x, 7) + max(call.args.x, 2) == 4", 5, "decrease", 3, 2, True),
        ("(call.args.x > 8 if call.args.x > 5 else call.args.x < 1)", 4, "decrease", 4, 0, True),
        ("all(call.args.x >= one for one in [3, 8, 5] if one < 8)", 1, "increase", 4, 5, True),
        ("any([call.args.x > 9, call.args.x == 2])", 0, "increase", 2, 2, True),
        ("sum([call.args.x, call.args.x, 1]) <= params.limit / 10", 9, "decrease", 5, 4, True),
        ("default(call.args.x, 0) in [1, 4, 40]", 3.5, "increase", 0.5, 4, True),
        ("not (call.args.x >= 10)", 10.0, "decrease", 0, 10, False),
        ("call.args.x / 4 - 0.5 > -call.args.x", 0.0, "increase", 0.4, 0.4, False),
    ],
)
def test_lines_are_solved_exactly(
    text: str, value: float, direction: str, distance: float, boundary: float, allowed: bool
) -> None:
    """Steps by hand; whole numbers go to whole numbers, and nothing is approximate."""
    found = step(text, x=value)
    assert (found.direction, found.allowed, found.approximate) == (direction, allowed, False)
    assert found.distance == pytest.approx(distance, abs=1e-12)
    assert found.boundary == pytest.approx(boundary, abs=1e-12)


def test_the_driving_example() -> None:
    """v = 90 km/h, 30 m of sight (2604.17025): decrease v by more than 34.7896; the rear has 6.0 to spare."""
    forward = "(call.args.v / 3.6) ** 2 / (2 * params.mu * params.g) < call.args.sight"
    found = Requirement(forward, {"v": 90.0, "sight": 30}).steps()
    v = found["call.args.v"]
    assert (v.direction, v.allowed, v.approximate) == ("decrease", False, True)
    assert v.distance == pytest.approx(34.7896, abs=1e-4)
    assert v.boundary == pytest.approx(55.2104, abs=1e-4)
    assert found["call.args.sight"] == Move("call.args.sight", "increase", 50, 80, True, False)
    whole = Requirement(forward, {"v": 90, "sight": 30}).steps()["call.args.v"]
    assert (whole.boundary, whole.allowed) == (55, True)
    rear = step("(params.v0 - call.args.v) / (5 * 3.6) <= 2.0", v=78.0)
    assert (rear.distance, rear.boundary) == (pytest.approx(6.0), pytest.approx(84.0))


def test_values_of_a_list_are_proposed() -> None:
    """For text the allowed words, for numbers the nearest and the others; none that another part forbids."""
    found = step("call.args.cabin in params.names and call.args.cabin != 'eco'", cabin="first")
    assert found == Move("call.args.cabin", "choose", one_of=("business",))
    assert step("call.args.cabin == 'eco'", cabin=None).one_of == ("eco",)
    assert step("call.args.sure", sure=False).one_of == (True,)
    number = step("call.args.n in [1, 4, 9]", n=7)
    assert (number.boundary, number.one_of) == (9, (1, 4, 9))


def test_no_more_than_twenty_values_are_proposed() -> None:
    """A long list is cut."""
    assert len(step("call.args.n in params.many", n=1).one_of) == 20


def test_what_the_agent_cannot_change_has_no_step() -> None:
    """Parameters, the step and conditions on past calls are as they are; results are changeable."""
    found = Requirement("params.limit < 5 and call.args.x < 3 or happened(action, call.args.y > 1)", {"x": 9, "y": 1})
    assert found.steps() == {}
    names = {"result": {"n": 8}}
    value_of = lambda node, changes: Explanation("result.n < 5", replaced(names, changes)).value(node)  # noqa: E731
    assert gradient(parse("result.n < 5"), value_of) == (Move("result.n", "decrease", 4, 4),)


@pytest.mark.parametrize(("text", "args"), [("call.args.x < 5", {"x": 1}), ("call.args.x < 5", {"x": "a"})])
def test_only_a_violated_requirement_has_a_gradient(text: str, args: dict[str, Any]) -> None:
    """One that holds or is unknown needs other help."""
    assert Requirement(text, args).steps() == {}


def test_a_requirement_out_of_reach_has_no_step() -> None:
    """No value of x meets it, and none is made up."""
    assert Requirement("call.args.x < 5 and call.args.x > 6", {"x": 1}).steps() == {}
    assert Requirement("call.args.x * call.args.x < 0", {"x": 1.5}).steps() == {}


fields = st.sampled_from(["call.args.x", "call.args.y"])
plain = st.one_of(
    fields,
    fields,
    st.sampled_from(["1", "-3", "7", "2.5", "params.limit"]),
    say("({} * {})", fields, st.sampled_from(["2", "-3", "0.5"])),
)
lines = st.one_of(
    plain,
    say("({} {} {})", plain, st.sampled_from(["+", "-"]), plain),
    say("{}({}, {})", st.sampled_from(["min", "max"]), plain, plain),
    say("abs({} - {})", plain, plain),
    say("({} / 4)", plain),
)
compared = st.one_of(
    say("{} {} {}", lines, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), lines),
    say("{} {} {} < {}", plain, st.sampled_from(["<", "<="]), plain, plain),
    say("{} {} [1, {}, 8]", fields, st.sampled_from(["in", "not in"]), plain),
)
joined = st.one_of(
    compared,
    say("({}) {} ({})", compared, st.sampled_from(["and", "or"]), compared),
    say("not ({} or {})", compared, compared),
    say("({} if {} else {})", compared, compared, compared),
    say(
        "{}({} for one in [0, 4, 11] if one != {})",
        st.sampled_from(["any", "all"]),
        say("{} < one + {}", lines, plain),
        plain,
    ),
)


def is_verified(requirement: Requirement, found: Move) -> bool:
    """Tell whether a step does what it says, in the exact meaning."""
    if not all(requirement.meets(found.field, value) for value in found.one_of):
        return False
    if found.boundary is None:
        return bool(found.one_of)
    if found.allowed:
        return requirement.meets(found.field, found.boundary)
    width = math.ulp(max(abs(found.boundary), found.distance or 0, 1.0))
    towards = -1 if found.direction == "decrease" else 1
    beyond = [math.nextafter(found.boundary, towards * math.inf)]
    beyond += [found.boundary + towards * width * 2.0**doubling for doubling in range(31)]
    return not requirement.meets(found.field, found.boundary) and any(
        requirement.meets(found.field, value) for value in beyond
    )


@given(joined, st.integers(-12, 12) | st.floats(-12, 12), st.integers(-12, 12))
def test_every_step_is_verified(text: str, x: float, y: int) -> None:
    """At an allowed boundary, or just beyond one that is not, the requirement holds; its cost is bounded."""
    requirement = Requirement(text, {"x": x, "y": y})
    for found in requirement.steps().values():
        assert is_verified(requirement, found)
    assert requirement.asked <= 1 + 2 * MAX_EVALUATIONS


@given(joined, st.integers(-12, 12), st.integers(-12, 12))
def test_no_whole_number_is_nearer(text: str, x: int, y: int) -> None:
    """Against a scan of all whole numbers: none nearer meets the requirement, and none does where no step is given."""
    requirement = Requirement(text, {"x": x, "y": y})
    steps = requirement.steps()
    assume(requirement.truth() is False)
    for field, start in (("call.args.x", x), ("call.args.y", y)):
        near = [value for value in range(start - 130, start + 131) if requirement.meets(field, value)]
        found = steps.get(field)
        if found and not found.approximate and found.distance is not None:
            assert found.distance == min((abs(value - start) for value in near), default=found.distance)
        elif not found:
            assert not near


@given(
    truths(2).map(lambda text: text.replace("call.args.a", "call.args.x")),
    st.floats(-9, 9),
    st.sampled_from(["a", "1"]),
)
def test_any_expression_can_be_asked(text: str, x: float, b: str) -> None:
    """Whatever it is made of, steps are verified, and nothing but the answer comes back."""
    requirement = Requirement(text, {"x": x, "b": b, "c": [1, 2]})
    for found in requirement.steps().values():
        assert is_verified(requirement, found)


def test_replaced_names_leave_the_old_ones_alone() -> None:
    """Only the path to the new value is copied."""
    names = {"call": {"args": {"x": 1, "y": [2]}}, "step": 3}
    changed = replaced(names, {"call.args.x": 5, "one": 7})
    assert changed == {"call": {"args": {"x": 5, "y": [2]}}, "step": 3, "one": 7}
    assert names["call"]["args"]["x"] == 1
