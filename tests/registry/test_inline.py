"""Shared schemas are put in the place of references to them."""

from __future__ import annotations

import pytest

from harness.errors import RegistryError
from harness.registry.load import load
from harness.registry.registry import Registry

HEAD = "registry: r\nversion: 1\ndefault: refuse\n"
REST = """tools:
  look: {effect: read, arguments: {properties: {id: {$ref: "#/schemas/id"}}}, result: {schema: {$ref: "#/schemas/all"}}}
artifacts: {plan: {schema: {type: array, items: {$ref: "#/schemas/all"}}}}
agents: {clerk: {may: [{tool: look, args: {properties: {id: {$ref: "#/schemas/id"}}}}]}}
invariants:
- {id: A, on: result, tool: look, schema: {result: {allOf: [{$ref: "#/schemas/all"}]}}}
- {id: B, on: result, tool: look, require: result.enum.cents > 1}
"""
ID = "{type: string, minLength: 2}"
ALL = "{properties: {enum: {properties: {cents: {type: integer}, id: %s}}, kind: {const: {$ref: '#/schemas/id'}}}}"
SHARED = f"schemas:\n  id: {ID}\n  all: {ALL}\n" % '{$ref: "#/schemas/id"}'


def registry(schemas: str, rest: str = REST) -> Registry:
    """Load a registry; its schemas begin in line 5."""
    return load(HEAD + schemas + rest, "r.yaml")


def mistakes(schemas: str, rest: str = REST) -> list[str]:
    """Give the mistakes of such a registry, with line and column."""
    with pytest.raises(RegistryError) as caught:
        registry(schemas, rest)
    return [f"{one.line}:{one.column} {one.message} | {one.cure}" for one in caught.value.mistakes]


def test_a_registry_with_shared_schemas_is_the_one_written_out() -> None:
    """In tools, artifacts, agents and rules, also below fields that are called like keywords; data is left alone."""
    whole = REST.replace('{$ref: "#/schemas/all"}', ALL % ID).replace('{$ref: "#/schemas/id"}', ID)
    one, other = registry(SHARED), registry("", whole)
    assert one.digest == other.digest
    assert (one.tools, one.artifacts, one.agents) == (other.tools, other.artifacts, other.agents)
    assert one.artifacts["plan"]["items"]["properties"]["kind"] == {"const": {"$ref": "#/schemas/id"}}
    assert load(one.to_yaml(), "again.yaml").digest == one.digest


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        ("schemas:\n  id: {type: strin}\n  all: {}\n", "5:14 not a JSON Schema: 'strin' is not valid under any"),
        ("schemas:\n  id: {typ: string}\n  all: {}\n", "5:8 unknown keyword 'typ' of a JSON Schema"),
        (f"schemas:\n  al: {{}}\n  id: {ID}\n", "no shared schema is called 'all' | did you mean 'al'?"),
        (
            'schemas:\n  id: {}\n  all: {items: {$ref: "#/schemas/all"}}\n',
            "6:24 the schema 'all' contains itself: all → all",
        ),
        (
            'schemas:\n  id: {not: {$ref: "#/schemas/all"}}\n  all: {items: {$ref: "#/schemas/id"}}\n',
            "6:24 the schema 'id' contains itself: id → all → id | leave the inner one open: {type: object}",
        ),
        (
            'schemas:\n  id: {}\n  all: {$ref: "#/schemas/id", title: x}\n',
            "6:31 'title' beside a reference to a shared",
        ),
        ('schemas:\n  id: {}\n  all: {$ref: "#/$defs/id"}\n', "6:16 no shared schema is called '#/$defs/id'"),
    ],
)
def test_mistakes_are_told_once_at_their_place(schemas: str, told: str) -> None:
    """However often a schema is used."""
    said = mistakes(schemas)
    assert [one for one in said if told in one] and len(set(said)) == len(said)
    assert {one.split(" ", 1)[1] for one in said if "unknown field" not in one} == {
        one.split(" ", 1)[1] for one in said if told.split(" ", 1)[-1] in one
    }


def test_what_schemas_grow_to_is_bounded() -> None:
    """Each three times the one before, and one inside the other without end."""
    ref = '{$ref: "#/schemas/s%d"}'
    wide = "".join(f"  s{n}: {{allOf: [{', '.join([ref % (n - 1)] * 9)}]}}\n" for n in range(1, 9))
    rest = 'invariants: [{id: A, on: result, schema: {result: {$ref: "#/schemas/s8"}}}]\n'
    assert any("more than 20000 parts" in one for one in mistakes(f"schemas:\n  s0: {{}}\n{wide}", rest))
    deep = "".join(f"  s{n}: {{not: {ref % (n + 1)}}}\n" for n in range(2000))
    assert any("more than 10 deep" in one for one in mistakes(f"schemas:\n{deep}  s2000: {{}}\n", rest))
