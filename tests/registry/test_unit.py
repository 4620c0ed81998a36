"""Units: what may be added and compared."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.unit import LITERAL, PLAIN, Unit, UnitError, clash, joined, power, product, read_unit, root

NAMES = ("s", "min", "h", "m", "km", "kg", "USD", "cent", "EUR", "token", "1", "%", "N", "J", "W", "Hz")
units = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-3, 3).filter(bool)), max_size=4).map(
    lambda factors: read_unit("1" + "".join(f"*{name}^{exponent}" for name, exponent in factors))
)


def rule(require: str) -> list[str]:
    """Give the mistakes of a rule on units, with their cures."""
    text = f"""registry: shop
version: 1
default: refuse
parameters:
  usd: {{value: 5, unit: USD}}
  cents: {{value: 5, unit: cent}}
  wait: {{value: 5, unit: min}}
  rest: 5
  steps: {{value: [[1, 2], [3]], unit: cent}}
  table: {{value: {{a: 1, b: {{c: 2}}}}, unit: s}}
tools:
  pay:
    effect: write
    arguments:
      type: object
      properties:
        usd: {{type: number, unit: USD}}
        cents: {{type: integer, unit: cent}}
        other: {{type: number}}
        parts: {{type: array, items: {{type: object, properties: {{cents: {{type: integer, unit: cent}}}}}}}}
invariants:
- id: A
  on: action
  require: {require}
"""
    try:
        load(text, "shop.yaml")
    except RegistryError as error:
        return [f"{mistake.message} | {mistake.cure}" for mistake in error.mistakes]
    return []


@pytest.mark.parametrize(
    ("text", "size", "dimension"),
    [
        ("km/h", Fraction(5, 18), (("length", 1), ("time", -1))),
        ("m/s^2", 1, (("length", 1), ("time", -2))),
        ("m / s ** 2", 1, (("length", 1), ("time", -2))),
        ("N*m", 1, read_unit("J").dimension),
        ("kWh", 3_600_000, read_unit("W*s").dimension),
        ("cent", Fraction(1, 100), read_unit("USD").dimension),
        ("%", Fraction(1, 100), ()),
        ("1/s", 1, (("time", -1),)),
        ("1", 1, ()),
        ("step", 1, ()),
    ],
)
def test_a_unit_has_a_size_and_a_dimension(text: str, size: Any, dimension: Any) -> None:
    """Each against the definitions of the SI."""
    unit = read_unit(text)
    assert (unit.size, unit.dimension) == (size, dimension)


@pytest.mark.parametrize(
    ("text", "message", "cure"),
    [
        ("secnd", "unknown unit 'secnd'", "write 1 for a plain count"),
        ("USDD", "unknown unit 'USDD'", "did you mean 'USD'?"),
        ("", "'' is no unit", "km/h"),
        ("m s", "'m s' is no unit", "km/h"),
        ("m*", "'m*' is no unit", "km/h"),
        ("/s", "'/s' is no unit", "km/h"),
        ("m^100", "'m^100' is no unit", "km/h"),
        ("*".join("m" * 17), "is no unit", "km/h"),
    ],
)
def test_what_is_no_unit_is_refused_with_a_cure(text: str, message: str, cure: str) -> None:
    """Unknown names, and texts that are no product."""
    with pytest.raises(UnitError) as caught:
        read_unit(text)
    assert message in caught.value.message
    assert cure in caught.value.cure


@given(units, units, units)
def test_products_form_a_group(one: Unit, two: Unit, three: Unit) -> None:
    """Associative, commutative, with a neutral element and inverses; sizes and text follow."""
    assert product(product(one, two), three) == product(one, product(two, three))
    assert product(one, two) == product(two, one)
    assert product(one, PLAIN) == one
    assert product(one, one, -1) == PLAIN
    both = product(one, two)
    assert both is not None
    assert both.size == one.size * two.size
    assert read_unit(both.text) == both
    assert root(power(one, 2)) == one


@given(units, units)
def test_the_factor_that_is_told_is_right(one: Unit, two: Unit) -> None:
    """Units clash both ways or not at all, and multiplying as the cure says makes the sizes equal."""
    found = clash(one, two)
    assert (found is None) == (clash(two, one) is None)
    assert (found is None) == (one.dimension == two.dimension and one.size == two.size)
    if found and found[1]:
        source, written = found[1].removeprefix("multiply ").split(" by ")
        factor = Fraction(written.split(" to have ")[0].replace(" ", ""))
        sizes = {one.text: one.size, two.text: two.size}
        assert sizes[source] == factor * sizes[written.split(" to have ")[1]]


@given(units, units)
def test_a_literal_and_an_unknown_fit_anything(one: Unit, two: Unit) -> None:
    """A product with a number written out keeps its dimension only; an unknown factor makes all unknown."""
    assert clash(one, LITERAL) is None
    assert clash(one, None) is None
    assert joined(one, LITERAL) == joined(LITERAL, one) == joined(one, None) == one
    assert product(one, None) is None
    rough = product(one, LITERAL)
    assert (clash(rough, two) is None) == (not one.dimension or one.dimension == two.dimension)


@pytest.mark.parametrize(
    "require",
    [
        "call.args.usd <= params.usd",
        "call.args.usd * 100 <= params.cents",
        "call.args.usd <= params.cents / 100",
        "call.args.cents + 5 <= params.cents - 1",
        "call.args.other <= params.usd and call.args.other <= params.wait and call.args.cents < params.rest",
        "sum(one.cents for one in call.args.parts) <= params.cents",
        "max(call.args.cents, 0) <= abs(-params.cents)",
        "count(action) * params.cents <= 100 * params.cents",
        "total(action, call.args.cents) + call.args.cents <= params.cents",
        "call.args.usd / params.usd < 2 and call.args.usd / call.args.usd < count(action)",
        "elapsed_s / 60 < params.wait",
        "call.args.usd * call.args.usd <= params.usd ** 2",
        "sqrt(params.usd * params.usd) <= call.args.usd",
        "default(call.args.cents, 0) <= params.cents",
        "call.args.cents in [1, 2, 3]",
        "params.table.a <= elapsed_s and params.table.b.c <= params.table[call.id]",
        "round(call.args.cents / 3) <= int(params.cents)",
        "(call.args.cents if call.args.other > 1 else params.usd) > 3",
    ],
)
def test_what_fits_is_not_complained_of(require: str) -> None:
    """Literals and unknown units fit, products combine, a conversion by a literal is believed."""
    assert rule(require) == []


@pytest.mark.parametrize(
    ("require", "message"),
    [
        (
            "call.args.usd <= params.cents",
            "cannot compare USD and cent: they differ by a factor of 100 | multiply USD by 100",
        ),
        (
            "elapsed_s < params.wait",
            "cannot compare s and min: they differ by a factor of 60 | multiply min by 60 to have s",
        ),
        ("call.args.usd + params.wait > 3", "cannot add USD and min: money in USD is not time"),
        ("call.args.usd - params.cents > 3", "cannot subtract USD and cent"),
        ("call.args.usd % params.cents > 3", "cannot divide USD and cent"),
        ("call.args.usd * 100 < params.wait", "cannot compare USD and min"),
        ("call.args.usd == params.cents", "cannot compare USD and cent"),
        ("1 < call.args.usd < params.cents", "cannot compare USD and cent"),
        ("call.args.usd / elapsed_s <= params.usd", "cannot compare USD/s and USD"),
        ("call.args.usd ** 2 <= params.usd", "cannot compare USD^2 and USD"),
        ("-call.args.usd <= params.cents", "cannot compare USD and cent"),
        ("max(call.args.usd, params.cents) > 1", "cannot compare USD and cent"),
        ("max(call.args.usd, 0) > params.cents", "cannot compare USD and cent"),
        ("sum(one.cents for one in call.args.parts) <= params.usd", "cannot compare cent and USD"),
        ("sum([one.cents for one in call.args.parts]) <= params.usd", "cannot compare cent and USD"),
        ("total(action, call.args.cents) <= params.usd", "cannot compare cent and USD"),
        ("count(action) <= params.usd", "cannot compare 1 and USD: a plain number is not money in USD"),
        ("len(call.args.parts) <= params.usd", "cannot compare 1 and USD"),
        ("step <= params.wait", "cannot compare 1 and min"),
        ('seconds_between("2024-01-01", "2024-01-02") < params.wait', "cannot compare s and min"),
        ("default(call.args.usd, params.cents) > 0", "cannot compare USD and cent"),
        ("call.args.usd in [params.cents]", "cannot compare USD and cent"),
        ("any(call.args.usd < pair[0] for pair in params.steps)", "cannot compare USD and cent"),
        ("params.table.b.c < call.args.usd", "cannot compare s and USD"),
        ("happened(action, call.args.usd > now.call.args.cents)", "cannot compare USD and cent"),
    ],
)
def test_what_does_not_fit_is_named_with_its_factor(require: str, message: str) -> None:
    """Each wrong sum and comparison is one mistake that names both units."""
    found = rule(f"'{require}'")
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ("parameters: {p: {value: 1, unit: meter}}", "4:34  unknown unit 'meter'"),
        ("parameters: {p: {value: a, unit: m}}", "only numbers have a unit"),
        ("tools: {pay: {arguments: {properties: {a: {unit: secs}}}}}", "unknown unit 'secs'"),
        ("tools: {pay: {arguments: {properties: {a: {items: {unit: secs}}}}}}", "unknown unit 'secs'"),
        ("tools: {pay: {result: {schema: {properties: {a: {anyOf: [{unit: secs}]}}}}}}", "unknown unit 'secs'"),
        ("artifacts: {plan: {schema: {properties: {a: {unit: secs}}}}}", "unknown unit 'secs'"),
    ],
)
def test_a_unit_that_is_none_is_a_mistake_where_it_stands(part: str, place: str) -> None:
    """In parameters and in every schema of the file."""
    text = f"registry: r\nversion: 1\ndefault: allow\n{part}\ninvariants: [{{id: A, on: action, require: 'True'}}]\n"
    with pytest.raises(RegistryError, match=place):
        load(text, "shop.yaml")


def test_data_in_a_schema_is_no_unit() -> None:
    """A property called unit, and a unit inside of data, are not those of a number."""
    schema = "{properties: {unit: {const: {unit: secs}}}, examples: [{unit: secs}], enum: [{unit: secs}]}"
    text = f"registry: r\nversion: 1\ndefault: allow\ntools: {{pay: {{arguments: {schema}}}}}\n"
    assert load(text + "invariants: [{id: A, on: action, require: 'True'}]\n", "r.yaml").tools["pay"].arguments
