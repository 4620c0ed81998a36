"""One spelling for every JSON value."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.determinism.canonical import (
    decode,
    decode_strictly,
    digest_of,
    encode,
    encode_as_is,
    encode_slowly,
    spell_float,
)
from harness.errors import NotRecordable
from tests.strategies import json_values


@given(json_values)
def test_the_fast_and_the_slow_encoder_give_the_same_bytes(value: object) -> None:
    """orjson and the standard library's stand-in agree on every JSON value."""
    assert encode(value) == encode_slowly(value)
    assert encode_as_is(value) == encode_slowly(value, sort_keys=False)


@given(json_values)
def test_what_is_written_is_read_back(value: object) -> None:
    """Encoding loses nothing: equal values of equal types come back."""
    back = decode(encode(value))
    assert back == value
    assert encode(back) == encode(value)
    assert json.loads(encode(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_spelled_as_orjson_spells_it(value: float) -> None:
    """The stand-in's floats are those of the fast encoder, and read back equal."""
    assert spell_float(value).encode() == encode(value)
    assert float(spell_float(value)) == value


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (1.0, b"1.0"),
        (1e-7, b"1e-7"),
        (1e16, b"1e+16"),
        (1e-5, b"0.00001"),
        (-0.0, b"-0.0"),
        (2**64, b"18446744073709551616"),
        (-(2**70), b"-1180591620717411303424"),
        ({"é": 1, "z": 2, "😀": 3, "\uffff": 4}, '{"z":2,"é":1,"\uffff":4,"😀":3}'.encode()),
        ("\x1f\x7f/\u2028", '"\\u001f\x7f/\u2028"'.encode()),
    ],
)
def test_the_spelling_is_fixed_where_encoders_differ(value: object, spelled: bytes) -> None:
    """Floats keep .0, exponents have no padding, integers any size, keys go by code point, text is not escaped."""
    assert encode(value) == spelled == encode_slowly(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"a": [1, math.nan]}, [None, math.inf]])
def test_nan_and_infinity_are_refused(value: object) -> None:
    """A number without a JSON form is refused, never written as null."""
    with pytest.raises(NotRecordable, match="no JSON form"):
        encode(value)


@pytest.mark.parametrize("value", [b"bytes", {1: "a"}, object(), {"a": {2, 3}}, "\ud800"])
def test_what_is_no_json_is_refused_with_its_place(value: object) -> None:
    """Bytes, odd keys, objects, sets and lone surrogates are refused by name."""
    with pytest.raises(NotRecordable):
        encode(value)


def test_an_integer_that_python_does_not_spell_is_refused_with_its_place() -> None:
    """Beyond Python's own bound on digits an integer is refused like any value that has no JSON form."""
    with pytest.raises(NotRecordable, match="/args/0: an integer of 16610 bits"):
        encode({"args": [10**5000]})


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    """A value nested beyond the limit is refused instead of overflowing the stack."""
    value: object = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotRecordable, match="nested deeper"):
        encode(value)


def test_big_integers_are_read_exactly() -> None:
    """Integers beyond 64 bits, which orjson reads as floats, come back as integers."""
    assert decode(b'{"n":18446744073709551616,"f":1.5}') == {"n": 2**64, "f": 1.5}


@given(json_values)
def test_the_strict_reader_reads_whatever_has_one_meaning(value: object) -> None:
    """What was written comes back from the strict reader as from the other one, in the same order."""
    written = encode_as_is(value)
    assert encode_as_is(decode_strictly(written.decode())) == encode_as_is(decode(written)) == written


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a":1,"a":1}', "a key comes twice"),
        ('[{"b":{"a":1,"\\u0061":2}}]', "a key comes twice"),
        ("[NaN]", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ('{"a":1} {}', "Extra data"),
    ],
)
def test_the_strict_reader_refuses_what_two_readers_could_take_for_two_things(text: str, why: str) -> None:
    """A key that comes twice, at any depth and however it is spelled, and numbers that are none are errors."""
    with pytest.raises(ValueError, match=why):
        decode_strictly(text)


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    """Equal objects have equal digests; 1 and 1.0 have different ones."""
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of(1) != digest_of(1.0)
