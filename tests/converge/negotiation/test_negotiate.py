"""From a paradox to a settled registry: what is offered, who chooses, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import isclose
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harness
from harness.adapters.registries import load_registry
from harness.converge.ground import Ground
from harness.converge.negotiation.negotiate import negotiate
from harness.converge.negotiation.report import Choice, Report
from harness.converge.negotiation.scope import away
from harness.converge.negotiation.settle import amendment, balanced, cheapest, next_version, record, settle
from harness.door.check import check_artifact
from harness.errors import RegistryError, UsageError
from harness.registry.load import load
from harness.registry.registry import Registry
from harness.registry.solve.checker import certainly
from harness.registry.solve.decide import Budget, Infeasible, decide
from harness.registry.solve.relax import with_parameter

PLANS = {"driving_degradation": "driving_plan", "flow_reactor": "operating_point", "replicas": "deployment"}

SHOP = """\
registry: shop
version: 2
default: allow
parameters:
  seats: {value: 3, narrower: lower, range: {min: 0, max: 9}}
  start: {value: 0, bind: free, range: {min: 0, max: 50}}
  price: {value: 40, unit: USD, bind: free, range: {min: 1, max: 400}, weight: 10, source: the list}
  budget: {value: 100, unit: USD, bind: free, range: {min: 1, max: 110}}
  people: 4
artifacts:
  trip:
    schema:
      type: object
      required: [n, day]
      properties: {n: {type: integer, minimum: 0, maximum: 99}, day: {type: integer, minimum: 1, maximum: 7}}
invariants:
- {id: ALL, title: Everybody comes, on: artifact, artifact: trip, require: artifact.n >= params.people}
- {id: PAID, on: artifact, artifact: trip, require: artifact.n * params.price <= params.budget + params.start}
- {id: ROOM, on: artifact, artifact: trip, require: artifact.n <= params.seats}
- {id: DAY, on: artifact, artifact: trip, require: artifact.day != 3 or artifact.n < params.seats}
"""


@cache
def reports(name: str) -> Report:
    """Negotiate about a shipped registry."""
    return negotiate(Ground(load_registry(name), PLANS[name]))


def shop(seats: int = 9) -> Registry:
    """Give a registry in which a trip is too dear, with room for everybody or not."""
    return load(SHOP.replace("value: 3", f"value: {seats}"), "shop.yaml")


def alone(report: Report) -> dict[str, float]:
    """Give the values that do alone."""
    return {name: value for way in report.ways if way.kind == "alone" for name, value in way.values.items()}


@pytest.mark.parametrize(
    ("name", "rules", "values"),
    [
        (
            "driving_degradation",
            {"FORWARD-BRAKING", "REAR-DECELERATION"},
            {"decel_max_mps2": 3.599420344, "perception_m": 625 / 9},
        ),
        (
            "flow_reactor",
            {"CONVERSION-MINIMUM", "IMPURITY-LIMIT", "RESIDENCE-TIME-LIMIT"},
            {"tau_max_s": 157.0522074, "impurity_max": 0.0261753679, "conversion_min": 0.9270962123},
        ),
        ("replicas", {"REPLICAS-ENOUGH", "REPLICAS-BUDGET"}, {"budget_usd": 2250, "replicas_min": 2}),
    ],
)
def test_what_is_offered_for_the_published_paradoxes(name: str, rules: set[str], values: dict[str, float]) -> None:
    """The conflict is named, constants are not on offer, and each value is the published threshold, safely rounded."""
    report = reports(name)
    assert {one.rule for one in report.conflicts[0].rules} == rules
    assert sorted(report.corrections) == [(one,) for one in sorted(rules)]
    assert report.complete
    found = alone(report)
    for parameter, value in values.items():
        assert isclose(found[parameter], value, rel_tol=1e-7)
    bound = {one for way in report.ways for one in way.values}
    about = load_registry(name).about
    assert all(about[one].bind == "free" for one in bound)
    assert all(about[one.parameter].bind == "no" for one in report.withheld)
    assert {way.kind for way in report.ways} == {"alone", "exchange", "same share"}


@pytest.mark.parametrize("name", PLANS)
def test_every_way_settles_and_less_does_not(name: str) -> None:
    """Each choice gives a registry that is solved again, the same rules with other values; a bit less does not do."""
    rules, report = load_registry(name), reports(name)
    ground = Ground(rules, PLANS[name])
    assert ground.problem is not None
    for number, way in enumerate(report.ways, 1):
        settled = settle(rules, report.choose(number, "Ada"))
        assert settled.parameters == rules.parameters | way.values
        assert (settled.version, settled.invariants) == ("1.1.0", rules.invariants)
        assert settled.digest != rules.digest
        judged = Ground(settled, PLANS[name]).judge(dict(way.witness))
        assert (judged.fault, judged.verdicts) == ("", ())
        assert way.tight
        less = ground.problem
        for one in way.changes:
            before, after = (Fraction(repr(x)) for x in (one.before, one.after))
            less = with_parameter(less, one.parameter, before + (after - before) * Fraction(999, 1000))
        assert isinstance(decide(less), Infeasible)


def test_costs_are_shares_times_weights() -> None:
    """Half of the price costs ten times as much as half of the budget would; what is 0 is measured by its range."""
    report = negotiate(Ground(shop(), "trip"))
    changes = {one.parameter: one for way in report.ways if way.kind == "alone" for one in way.changes}
    assert {name: (one.after, one.share) for name, one in changes.items()} == {"price": (25, 0.375)}
    assert changes["price"].cost == 3.75
    assert str(changes["price"]) == "price 40 -> 25 USD"
    both = [way for way in report.ways if way.kind == "exchange"]
    assert both
    for way in both:
        one, other = way.changes
        assert way.cost == pytest.approx((one.cost or 0) + (other.cost or 0))


def test_what_is_not_on_offer_and_why() -> None:
    """A constant, one that may only get narrower, and those that no value within their range would help."""
    report = negotiate(Ground(shop(3), "trip"))
    why = {one.parameter: one.why for one in report.withheld}
    assert why["people"].startswith("a constant")
    assert why["seats"] == "no value would do from 0 to 3; only lower values may be bound (narrower: lower)"
    assert alone(report) == {}
    assert report.ways == ()
    assert {one.rule for conflict in report.conflicts for one in conflict.rules} == {"ALL", "PAID", "ROOM"}
    assert len(report.conflicts) == 2
    assert cheapest(report) is None
    with pytest.raises(UsageError, match="there is no way 1"):
        report.choose(1, "Ada")


def test_what_cannot_move_is_told_with_the_reason() -> None:
    """A limit that may only get lower and is at the low end of its range, and one whose range is one number."""
    text = SHOP.replace("range: {min: 0, max: 9}", "range: {min: 3, max: 9}")
    text = text.replace("range: {min: 0, max: 50}", "range: {min: 0, max: 0}")
    why = {one.parameter: one.why for one in negotiate(Ground(load(text, "shop.yaml"), "trip")).withheld}
    assert why["seats"] == "it cannot move: only lower values may be bound (narrower: lower), and its range ends at 3"
    assert why["start"] == "it cannot move: its range ends at 0"


ROSTER = """\
registry: roster
version: 1.0.0
default: allow
parameters:
  nurses: {value: 7, range: {min: 5, max: 20}, bind: free, whole: true}
  hours_week: {value: 40, unit: h, bind: free, range: {min: 20, max: 60}}
  posts: {value: 7, bind: free, whole: true}
artifacts:
  week:
    schema: {type: object, required: [shifts], properties: {shifts: {type: integer, minimum: 0, maximum: 99}}}
invariants:
- {id: POSTS, on: artifact, artifact: week, require: artifact.shifts >= params.posts}
- {id: HOURS, on: artifact, artifact: week, require: artifact.shifts * 60 <= params.nurses * params.hours_week}
"""


@pytest.mark.parametrize("room", [Fraction(0), Fraction(1, 10)])
def test_whole_parameters_are_settled_whole(room: Fraction) -> None:
    """Nurses come whole, alone and with others, and every way settles; without room a bit less never does."""
    rules = load(ROSTER, "roster.yaml")
    report = negotiate(Ground(rules, "week"), room=room)
    assert alone(report) == (
        {"nurses": 11, "hours_week": 60, "posts": 4} if room == 0 else {"nurses": 12, "hours_week": 60, "posts": 3}
    )
    assert {way.kind for way in report.ways} == {"alone", "exchange", "same share"}
    for number, way in enumerate(report.ways, 1):
        assert all(type(way.values[name]) is int for name in way.values if name != "hours_week")
        settled = settle(rules, report.choose(number, "Ada"))
        at = settled.parameters
        assert 60 * at["posts"] <= at["nurses"] * at["hours_week"]
        if room == 0 and way.tight:
            fewer = dict(at) | {name: at[name] - 1 for name in way.values if name == "nurses"}
            fewer |= {name: at[name] + 1 for name in way.values if name == "posts"}
            assert fewer == at or 60 * fewer["posts"] > fewer["nurses"] * fewer["hours_week"]
    assert len({json.dumps(way.values) for way in report.ways}) == len(report.ways)
    with pytest.raises(RegistryError, match=r"nurses=10.5 is no whole number"):
        settle(rules, replace(report.choose(1, "Ada"), values={"nurses": 10.5}))


def test_what_is_whole_is_not_moved_further_by_the_share_than_needed() -> None:
    """The share that takes nurses from 7 to 9 is more than the hours need, which are drawn back; all of it is tight."""
    text = ROSTER.replace("posts: {value: 7, bind: free, whole: true}", "posts: 7")
    report = negotiate(Ground(load(text, "roster.yaml"), "week"))
    kinds = {way.kind: way for way in report.ways}
    assert "same share" not in kinds  # 9 nurses of 46.67 hours: the exchange offers that already
    assert {"nurses": 9, "hours_week": 46.666667} in [way.values for way in report.ways if way.kind == "exchange"]
    assert all(way.tight for way in report.ways)


def line(*parameters: tuple[str, int], needed: int) -> Registry:
    """Give a registry in which a number has to be so much at least, and each of some parameters at most."""
    stated = ", ".join(f"{name}: {{value: {value}, bind: free}}" for name, value in parameters)
    rules = "".join(
        f"- {{id: R-{name}, on: artifact, artifact: point, require: {needed} <= artifact.x <= params.{name}}}\n"
        for name, _ in parameters
    )
    fields = "{type: object, required: [x], properties: {x: {type: number, minimum: -99, maximum: 99}}}"
    return load(
        f"registry: line\nversion: 1\ndefault: allow\nparameters: {{{stated}}}\n"
        f"artifacts: {{point: {{schema: {fields}}}}}\ninvariants:\n{rules}",
        "line.yaml",
    )


def test_without_a_range_a_parameter_crosses_0() -> None:
    """From -1 to 0 and beyond, at a cost that is told; and two that have to cross together."""
    (way,) = negotiate(Ground(line(("k", -1), needed=0), "point")).ways
    assert (way.values, way.cost, way.tight) == ({"k": 0}, 1, True)
    (way,) = negotiate(Ground(line(("k", -1), needed=7), "point")).ways
    assert (way.values, way.cost) == ({"k": 7}, 8)
    ways = negotiate(Ground(line(("k", -1), ("m", -2), needed=3), "point")).ways
    assert {"k": 3, "m": 3} in [way.values for way in ways]
    (never,) = negotiate(Ground(line(("k", -1), needed=98765), "point")).withheld
    assert never.why == "no value would do from -1000 to 1000"


def test_what_is_asked_is_said() -> None:
    """Each question of a report is announced, in its order, and a proof that is there already is not looked for."""
    rules, said = load_registry("replicas"), list[str]()
    ground = Ground(rules, "deployment")
    assert ground.problem is not None
    known = decide(ground.problem)
    assert isinstance(known, Infeasible)
    assert negotiate(ground, known=known, say=said.append) == reports("replicas")
    assert said == [
        "which rules are in conflict",
        "replicas_min alone",
        "replica_usd alone",
        "budget_usd alone",
        "replica_usd and replicas_min in exchange",
        "replica_usd, replicas_min, budget_usd by the same share",
    ]


def test_a_zero_is_moved_within_its_range() -> None:
    """A start of 0 has no share; its range tells how far it goes, and it is never moved by a share of itself."""
    wide = load(SHOP.replace("value: 3", "value: 9").replace("max: 50", "max: 80"), "shop.yaml")
    report = negotiate(Ground(wide, "trip"))
    (change,) = [one for way in report.ways if way.kind == "alone" for one in way.changes if one.parameter == "start"]
    assert (change.after, change.share, change.cost) == (60, 0.75, 0.75)
    assert all("start" not in way.values for way in report.ways if way.kind == "same share")


def test_what_is_given_stays_given() -> None:
    """At a given speed both rules are broken: what does is one parameter of each, and the speed is that in the end."""
    rules = load_registry("driving_degradation")
    report = negotiate(Ground(rules, "driving_plan", {"v_kmh": 70}))
    assert [{one.rule for one in conflict.rules} for conflict in report.conflicts] == [
        {"FORWARD-BRAKING"},
        {"REAR-DECELERATION"},
    ]
    (way, share) = report.ways
    assert (way.kind, share.kind) == ("exchange", "same share")
    assert way.witness == {"v_kmh": 70}
    assert way.values == pytest.approx({"friction": (70 / 3.6) ** 2 / (2 * 30 * 9.8), "v0_kmh": 106}, rel=1e-7)
    named = negotiate(Ground(rules, "driving_plan", {"v_kmh": 70}), trade=("perception_m", "decel_max_mps2")).ways[0]
    sight, braking = (70 / 3.6) ** 2 / (2 * 0.4 * 9.8), 50 / 18
    assert named.values == pytest.approx({"perception_m": sight, "decel_max_mps2": braking}, rel=1e-7)
    settled = settle(rules, report.choose(1, "Ada"))
    assert Ground(settled, "driving_plan", {"v_kmh": 70}).judge({}).satisfied == {rule.id for rule in rules.invariants}


@pytest.mark.parametrize(
    ("most", "kind", "values"),
    [
        (400, "same share", {"price": 80, "budget": 200, "more": 8}),
        (110, "together", {"price": 50, "budget": 105, "more": 8}),
    ],
)
def test_three_that_do_only_together(most: int, kind: str, values: dict[str, int]) -> None:
    """Three rules want one parameter each: all move by the same share, or, where a range forbids that, as they must."""
    rules = "".join(
        f"- {{id: R{at}, on: artifact, artifact: trip, require: artifact.n >= {least} and params.{name} >= {least}}}\n"
        for at, (name, least) in enumerate((("price", 50), ("budget", 105), ("more", 8)))
    )
    head = SHOP[: SHOP.index("- {id: ALL")].replace("max: 110", f"max: {most}").replace("maximum: 99", "maximum: 999")
    text = head.replace("  people: 4", "  more: {value: 4, bind: free, range: {max: 80}}") + rules
    (way,) = negotiate(Ground(load(text, "shop.yaml"), "trip")).ways
    assert (way.kind, way.values) == (kind, values)


def test_room_leaves_more_than_a_point() -> None:
    """With a tenth more of the move a whole window of speeds fits."""
    rules = load_registry("driving_degradation")
    report = negotiate(Ground(rules, "driving_plan"), room=Fraction(1, 10))
    value = alone(report)["perception_m"]
    assert value == pytest.approx(30 + 1.1 * (625 / 9 - 30), rel=1e-7)
    number = next(at for at, way in enumerate(report.ways, 1) if [*way.values] == ["perception_m"])
    settled = settle(rules, report.choose(number, "Ada"))
    problem = Ground(settled, "driving_plan").problem
    assert problem is not None
    assert all(all(certainly(problem, (Fraction(speed),)).values()) for speed in (84, 85, 86))


def test_policies_choose_by_cost() -> None:
    """The cheapest costs least of all; the balanced one has the smallest largest move; both say who they are."""
    report, rules = reports("driving_degradation"), load_registry("driving_degradation")
    one, other = cheapest(report), balanced(report)
    assert one is not None
    assert other is not None
    assert one.by == "policy cheapest"
    costs = {tuple(way.values.items()): way.cost for way in report.ways}
    largest = {tuple(way.values.items()): max(change.cost or 0 for change in way.changes) for way in report.ways}
    assert costs[tuple(one.values.items())] == min(cost for cost in costs.values() if cost is not None)
    assert largest[tuple(other.values.items())] == min(largest.values())
    assert settle(rules, other).parameters == rules.parameters | dict(other.values)


def test_a_choice_is_refused_where_it_does_not_fit() -> None:
    """Of another version, of values that are not enough, of a constant, and by nobody."""
    rules, report = load_registry("driving_degradation"), reports("driving_degradation")
    choice = report.choose(1, "Ada")
    with pytest.raises(UsageError, match="negotiate anew"):
        settle(rules.bind(window_s=6), choice)
    with pytest.raises(UsageError, match="infeasible still: FORWARD-BRAKING, REAR-DECELERATION"):
        settle(rules, replace(choice, values={"perception_m": 69}))
    with pytest.raises(RegistryError, match="may not be bound"):
        settle(rules, replace(choice, values={"gravity_mps2": 20}))
    with pytest.raises(UsageError, match="not said who"):
        report.choose(1, " ")
    with pytest.raises(UsageError, match="is undecided still"):
        settle(
            load_registry("flow_reactor"),
            Choice(load_registry("flow_reactor").digest, "operating_point", {}, {"tau_max_s": 157.0522074645}, "Ada"),
            budget=Budget(boxes=1, resources=0),
        )


def test_there_is_nothing_to_negotiate_where_something_fits() -> None:
    """Only what is certified infeasible is negotiated; and only rules that can be solved."""
    fitting = load_registry("driving_degradation").bind(perception_m=90)
    with pytest.raises(UsageError, match="nothing to negotiate: driving_plan is feasible"):
        negotiate(Ground(fitting, "driving_plan"))
    text = SHOP.replace("artifact.n <= params.seats}", "len(text(artifact.n)) <= params.seats}")
    with pytest.raises(UsageError, match="cannot be solved"):
        negotiate(Ground(load(text, "shop.yaml"), "trip"))


@pytest.mark.parametrize("name", PLANS)
def test_a_file_holds_what_was_settled(name: str, tmp_path: Path) -> None:
    """It extends the registry as it was, loads to the same digest, and says who chose, of which digest."""
    rules, report = load_registry(name), reports(name)
    choice = report.choose(len(report.ways), "Ada: 'of \"course\"'\nno # comment")
    settled = settle(rules, choice)
    (tmp_path / "new.yaml").write_text(amendment(rules, settled, choice, name), "utf-8")
    read = load_registry(tmp_path / "new.yaml")
    assert read.digest == settled.digest
    for parameter in choice.values:
        table = read.places[f"parameters.{parameter}"].plain()
        assert choice.by in table["source"]
        assert rules.digest in table["source"]
        assert read.about[parameter] == rules.about[parameter]
    assert {one.name for one in read.overrides} == set(choice.values)
    again = Ground(read, PLANS[name])
    assert again.problem is not None
    assert decide(again.problem) == decide(Ground(settled, PLANS[name]).problem or again.problem)


def test_a_session_under_the_settled_registry_accepts_what_was_blocked(tmp_path: Path) -> None:
    """The artifact that a rule blocked before is accepted after."""
    rules, report = load_registry("replicas"), reports("replicas")
    number = next(at for at, way in enumerate(report.ways, 1) if way.values == {"budget_usd": 2250})
    settled = settle(rules, report.choose(number, "Ada"))
    told = check_artifact("deployment", {"replicas": 5}, registry=rules)
    assert [one.rule for one in told.verdicts] == ["REPLICAS-BUDGET"]
    assert check_artifact("deployment", {"replicas": 5}, registry=settled).verdicts == ()
    with harness.Harness(settled).session(trace=tmp_path / "trace") as session:
        session.artifact("deployment", {"replicas": 5})


def test_the_record_says_what_became_of_what() -> None:
    """From which digest to which, by whom, and the values before and after."""
    rules, report = load_registry("replicas"), reports("replicas")
    choice = report.choose(1, "Ada")
    settled = settle(rules, choice)
    assert record(rules, settled, choice) == {
        "of": rules.digest,
        "artifact": "deployment",
        "given": {},
        "values": {"replica_usd": 240},
        "by": "Ada",
        "registry": "replicas",
        "before": {"replica_usd": 450},
        "version": "1.1.0",
        "to": settled.digest,
    }


def test_a_report_is_the_same_as_data_page_and_lines() -> None:
    """Every way has its number and its values in all three, and every rule in conflict its place."""
    report = reports("replicas")
    facts, page, lines = report.facts(), report.markdown(), "\n".join(report.lines())
    assert [one["number"] for one in facts["ways"]] == [*range(1, len(report.ways) + 1)]
    for way in report.ways:
        for change in way.changes:
            assert f"{change.parameter} {change.before} -> {change.after}" in lines
            assert f"`{change.parameter}` {change.before} → {change.after}" in page
    for party in report.conflicts[0].rules:
        assert party.place in lines
        assert party.place in page
    assert facts == negotiate(Ground(load_registry("replicas"), "deployment")).facts()


@given(
    st.fractions(-1000, 1000, max_denominator=10**6),
    st.fractions(-1000, 1000, max_denominator=10**9),
    st.integers(1, 15),
)
def test_rounding_goes_away_from_what_is_stated(stated: Fraction, value: Fraction, digits: int) -> None:
    """Never back towards it, by less than one step of the last digit, and what is short already stays."""
    found = away(stated, value, digits)
    assert (found - value) * (value - stated) >= 0
    assert abs(found - value) * 10 ** (digits - 1) <= abs(value)
    assert away(stated, found, digits) == found


@settings(max_examples=50)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_the_next_version_is_higher(numbers: list[int]) -> None:
    """Number by number, and with as many numbers as before where there were two or more."""
    version = ".".join(map(str, numbers))
    after = [int(one) for one in next_version(version).split(".")]
    assert after > numbers
    assert len(after) == max(len(numbers), 2)


def test_a_version_that_is_no_number_gets_one() -> None:
    """A date or a word is kept, and counted."""
    assert next_version("2026-11") == "2026-11.1"
