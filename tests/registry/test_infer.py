"""What is known of the parts of an expression, and the mistakes that this finds."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry

HEAD = """registry: shop
version: 1
default: refuse
parameters: {limit: 5, table: {value: {a: {x: 1, y: 2}, b: {x: 3, y: 4}}}, known: [pay, lok]}
tools:
  pay:
    arguments: {type: object, properties: {cents: {type: integer}, to: {type: object,
      properties: {iban: {type: string}}}}}
    result: {schema: {type: object, properties: {status: {type: string}, parts: {type: array, items: {type: object,
      properties: {cents: {type: integer}}}}}}}
  look: {effect: read, arguments: {type: object, properties: {id: {}}},
    result: {schema: {type: object, properties: {name: {type: string}}}}}
artifacts:
  plan: {schema: {type: object, properties: {total_usd: {type: number}, stops: {type: array, items: {type: object,
    properties: {city: {type: string}}}}}}}
"""


def rule(text: str) -> Registry:
    """Load a registry of one rule."""
    return load(f"{HEAD}invariants:\n- {{id: A, {text}}}\n", "shop.yaml")


def mistakes(text: str) -> list[str]:
    """Give the mistakes of one rule with their cures."""
    with pytest.raises(RegistryError) as caught:
        rule(text)
    return [f"{one.message} | {one.cure}" for one in caught.value.mistakes]


SOUND = [
    """on: action, require: "all(r.status == 'x' for r in [last(result, call.tool == 'pay').result])\"""",
    "on: action, require: 'params.table.a.x + params.table[call.tool].y > 3'",
    "on: artifact, artifact: plan, require: artifact.total_usd <= params.limit",
    """on: artifact, artifact: plan, require: "all(stop.city != 'x' for stop in artifact.stops) and step > 0\"""",
    "on: artifact, artifact: plan, schema: {artifact: {required: [total_usd]}}",
    "on: artifact, artifact: plan, require: 'happened(result, result.name == artifact.stops[0].city)'",
    """on: action, require: "total(result, result.body.usage.total_tokens, call.surface == 'model') < 5\"""",
    """on: action, require: "total(result, result.body.usage, call.surface != 'tool' and agent == now.agent) < 5\"""",
    "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cents: 'min(call.args.cents, 5)'}",
    "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.to.iban: last(result).call.args.id}",
]


@pytest.mark.parametrize("text", SOUND)
def test_what_may_be_right_is_not_complained_of(text: str) -> None:
    """Fields that exist, of lists too, and of model calls, whose fields nobody declares."""
    loaded = rule(text)
    assert load(loaded.to_yaml(), "again.yaml").digest == loaded.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "on: action, require: \"all(r.statu == 'x' for r in [last(result, call.tool == 'pay').result])\"",
            "unknown field 'r.statu' of tool 'pay' | did you mean 'status'?",
        ),
        (
            "on: end, require: \"all(c > 0 for c in [p.cent for p in last(result, tool.name == 'pay').result.parts])\"",
            "unknown field 'p.cent' of tool 'pay' | did you mean 'cents'?",
        ),
        (
            "on: action, require: \"all(r.nam == 'x' for r in sorted([last(result, call.tool == 'look').result]))\"",
            "did you mean 'name'?",
        ),
        (
            "on: action, require: \"all(r.nam == 'x' for r in items(last(result, call.tool == 'look').result))\"",
            "did you mean 'name'?",
        ),
        (
            "on: action, require: \"all(r.nam for r in [last(result, call.tool == 'look').result for x in [1]])\"",
            "did you mean 'name'?",
        ),
        ("on: action, require: \"{'a': 1}.b == 1\"", "unknown field"),
        ("on: action, require: params.table.c == 1", "unknown field 'params.table.c' | params.table has: a, b"),
        ("on: action, require: params.table.a.z == 1", "unknown field 'params.table.a.z'"),
        ("on: action, require: 'params.table[call.tool].z == 1'", "unknown field '….z'"),
        ('on: action, require: "call.tool in params.known"', "unknown tool 'lok' | did you mean 'look'?"),
        (
            "on: action, require: \"happened(result, result.statu == 'x' and call.surface == 'tool')\"",
            "did you mean 'status'?",
        ),
        (
            "on: artifact, artifact: plan, require: artifact.total <= 5",
            "of artifact 'plan' | did you mean 'total_usd'?",
        ),
        (
            "on: artifact, artifact: plan, require: \"all(s.cit == 'x' for s in artifact.stops)\"",
            "'s.cit' of artifact 'plan'",
        ),
        ("on: artifact, artifact: plan, require: artifact.total_usd == 'x'", "a number is never equal to text"),
        ("on: artifact, artifact: plan, require: call.args.cents > 5", "there is no 'call' here"),
        (
            "on: artifact, artifact: plam, require: 'True'",
            "no declared artifact is called 'plam' | did you mean 'plan'?",
        ),
        ("on: artifact, require: 'True'", "it is not stated which artifact the rule speaks of"),
        ("on: action, artifact: plan, require: 'True'", "a rule on: action speaks of no artifact"),
        ("on: artifact, artifact: plan, tool: pay, require: 'True'", "a rule on: artifact speaks of no tool"),
        ("on: action, schema: {artifact: {}}", "the schema of artifact is checked on: artifact"),
        ("on: action, require: artifact.total_usd > 1", "there is no 'artifact' here"),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cent: '5'}",
            "unknown argument 'args.cent' | did you mean 'cents'?",
        ),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.to.ibn: \"'x'\"}",
            "unknown argument 'args.to.ibn' | did you mean 'iban'?",
        ),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cents: \"'x'\"}",
            "expected a number, got text",
        ),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cents: 5 +}",
            "not an expression",
        ),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {cents: '5'}",
            "'cents' is no argument",
        ),
        (
            "on: action, tool: pay, otherwise: rewrite, require: 'False'",
            "it is not stated what the call is rewritten to",
        ),
        ("on: action, tool: pay, require: 'False', rewrite: {args.cents: '5'}", "'rewrite' needs otherwise: rewrite"),
        ("on: action, otherwise: rewrite, require: 'False', rewrite: {args.cents: '5'}", "only calls of named tools"),
        (
            "on: result, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cents: '5'}",
            "only calls of named tools",
        ),
    ],
)
def test_what_cannot_be_right_is_told(text: str, message: str) -> None:
    """One mistake each."""
    found = mistakes(text)
    assert any(message in said for said in found), found
    assert len(found) == 1


def test_what_is_rewritten_is_part_of_the_meaning() -> None:
    """Another new value is another digest, and it is bound and walked like every other tree of the rule."""
    text = "on: action, tool: pay, otherwise: rewrite, require: 'False', rewrite: {args.cents: %s}"
    one, two = (rule(text % value) for value in ("count(action)", "count(result)"))
    assert one.digest != two.digest
    assert one.invariants[0].meaning()["rewrite"].keys() == {"args.cents"}
    ((place, bound),) = one.program.rules[0].rewrite
    assert (place, bound.tree.index) == ("args.cents", 0)  # type: ignore[union-attr]
    assert one.program.plans[0].verb == "count"
