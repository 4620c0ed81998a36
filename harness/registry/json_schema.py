"""Check the JSON Schemas (Draft 2020-12) that a registry holds, at the part that is wrong."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

import jsonschema_rs

from harness.determinism.canonical import encode
from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.parameter import mistake_in_unit
from harness.registry.program import validator

_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
# keywords with schemas below names of the author's, with one schema or a list of them, with data, with something else
NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_BELOW_TEXT: Final = """
additionalProperties allOf anyOf contains contentSchema else if items not oneOf prefixItems propertyNames then
unevaluatedItems unevaluatedProperties
"""
_BELOW: Final = frozenset(_BELOW_TEXT.split())
DATA: Final = frozenset({"const", "enum", "default", "examples", "example"})
_OTHERS_TEXT: Final = """
$anchor $comment $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary contentEncoding contentMediaType
dependentRequired deprecated description discriminator exclusiveMaximum exclusiveMinimum externalDocs format
maxContains maximum maxItems maxLength maxProperties minContains minimum minItems minLength minProperties multipleOf
nullable pattern readOnly required title type uniqueItems unit writeOnly xml
"""
_OTHERS: Final = frozenset(_OTHERS_TEXT.split())
_KEYWORDS: Final = sorted(NAMED | _BELOW | DATA | _OTHERS)
_LIKENESS: Final = 0.75  # an unknown keyword is allowed, one that is nearly a known one is a mistake


def mistakes_in_schema(place: Written) -> Iterator[Mistake]:
    """Yield what is wrong with a schema: its form, its references and patterns, its units, misspelt keywords."""
    schema = place.plain()
    if _is_plainly_right(schema):
        yield from _annotations(place)
        return
    from jsonschema import Draft202012Validator, SchemaError  # imported here: 80 ms that few schemas need

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tries patterns with Python's own engine, which may doubt their style
            Draft202012Validator.check_schema(schema)
        validator(schema)
    except SchemaError as error:
        wrong = place.find(list(error.absolute_path))
        cure = nearest(error.instance, _TYPES) if isinstance(error.instance, str) else ""
        yield wrong.mistake(f"not a JSON Schema: {error.message}", cure)
    except ValueError as error:
        yield place.mistake(f"not a JSON Schema: {str(error).splitlines()[0]}")
    else:
        yield from _annotations(place)


def _is_plainly_right(schema: Any) -> bool:
    """Tell whether the fast validator finds a schema right, and it has no part of which the reference thinks otherwise.

    Patterns and references are read by engines of their own.
    """
    text = encode(schema)
    return b'"pattern' not in text and b'"$' not in text and jsonschema_rs.meta.is_valid(schema)


def _annotations(place: Written) -> Iterator[Mistake]:
    """Yield the units that are none and the misspelt keywords of a schema and of all below it."""
    for key, inner in (place.entries or {}).items():
        if key == "unit" and isinstance(inner.value, str):
            yield from mistake_in_unit(inner)
        elif key in NAMED:
            for below in (inner.entries or {}).values():
                yield from _annotations(below)
        elif key in _BELOW:
            for below in (inner, *(inner.items or ())):
                yield from _annotations(below)
        elif key not in DATA and key not in _OTHERS:
            close: list[Any] = get_close_matches(key, _KEYWORDS, 1, _LIKENESS)
            if close:
                cure = f"did you mean {close[0]!r}? A keyword of your own is better named x-{key}"
                yield place.keys[key].mistake(f"unknown keyword {key!r} of a JSON Schema", cure)
