"""Python values as JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from harness.determinism.canonical import decode, encode
from harness.errors import NotRecordable
from harness.trace.value import decode_value, encode_value, holds_objects
from tests.strategies import atoms, text

hashable = atoms | st.binary(max_size=8) | st.decimals(allow_nan=False) | st.datetimes() | st.dates() | st.times()
hashable = hashable | st.timedeltas() | st.uuids() | st.tuples(atoms, atoms)
values: st.SearchStrategy[Any] = st.recursive(
    hashable | st.sets(text, max_size=3) | st.frozensets(st.integers(), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(text | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


class Parcel(BaseModel):
    weight: int = Field(alias="weightGrams")


@dataclass(frozen=True)
class Tag:
    name: str


class Booking(BaseModel):
    code: str
    price: Decimal


@dataclass
class Seat:
    row: int
    booking: Booking


@given(values)
def test_every_value_of_the_closed_list_comes_back_equal(value: Any) -> None:
    """JSON data, bytes, decimals, dates, tuples, sets and odd keys survive a trace, types included."""
    back = decode_value(decode(encode(encode_value(value))))
    assert back == value
    assert type(back) is type(value)


def test_objects_come_back_by_annotation() -> None:
    """Dataclasses and pydantic models are rebuilt from the annotation, also inside a list."""
    seats = [Seat(1, Booking(code="X", price=Decimal("9.90")))]
    data = encode_value(seats)
    assert holds_objects(data)
    assert decode_value(data, list[Seat]) == seats
    assert decode_value(data) == [{"row": 1, "booking": {"code": "X", "price": Decimal("9.90")}}]


def test_fields_come_back_by_their_names() -> None:
    """A model whose fields have other names in JSON comes back as itself."""
    parcel = Parcel(weightGrams=5)
    assert decode_value(encode_value(parcel), Parcel) == parcel


def test_objects_in_a_set_come_back() -> None:
    """What can stand in a set as itself, and not as the dict of its fields, is in the set again."""
    tags = {Tag("a"), Tag("b")}
    assert decode_value(encode_value(tags), set[Tag]) == tags


@pytest.mark.parametrize("value", [object(), {"a": [1, open]}, 1j, type("Text", (str,), {})("a")])
def test_anything_else_is_refused_with_its_place(value: Any) -> None:
    """An object a trace cannot give back is refused by type, with the cure."""
    with pytest.raises(NotRecordable, match="cannot be written") as refused:
        encode_value(value)
    assert "pydantic model" in refused.value.cure


def test_the_place_of_a_refused_value_is_a_pointer() -> None:
    """The error names where in the arguments the value stands."""
    with pytest.raises(NotRecordable) as refused:
        encode_value({"rows": [{}, {"file": object()}]})
    assert refused.value.where == "/rows/1/file"


def test_user_data_cannot_pretend_to_be_ours() -> None:
    """A dict that has our own key comes back as the dict it was."""
    value = {"$type": "bytes", "value": "AAAA"}
    assert decode_value(encode_value(value)) == value


def test_an_unknown_type_is_an_error_on_reading() -> None:
    """A type of a newer version is named, not guessed."""
    with pytest.raises(ValueError, match="unknown \\$type 'quaternion'"):
        decode_value({"$type": "quaternion", "value": []})


def test_a_set_is_written_in_one_order() -> None:
    """The bytes of a set do not depend on the hash seed."""
    assert encode_value({"b", "a", "c"}) == {"$type": "set", "value": ["a", "b", "c"]}


def test_times_keep_their_zone() -> None:
    """Aware and naive times, dates and spans come back as they were."""
    for value in (
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        date(2026, 1, 2),
        time(3, 4),
        timedelta(days=-1, microseconds=1),
        UUID(int=7),
    ):
        assert decode_value(encode_value(value)) == value


@pytest.mark.parametrize("fold", [0, 1])
def test_a_zone_comes_back_as_itself_and_not_as_the_offset_of_one_day(fold: int) -> None:
    """Sixty days later summer time holds, and of the two hours at its end it is the same one."""
    berlin = ZoneInfo("Europe/Berlin")
    at = decode_value(decode(encode(encode_value(datetime(2026, 3, 1, 12, tzinfo=berlin)))))
    assert str(at + timedelta(days=60)) == "2026-04-30 12:00:00+02:00"
    for value in (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold), time(2, 30, tzinfo=berlin, fold=fold)):
        back = decode_value(encode_value(value))
        assert (back, back.tzinfo, back.fold) == (value, berlin, fold)
    assert decode_value(encode_value(time(2, 30, fold=fold))).fold == fold


def test_a_zone_that_is_not_here_is_an_error_on_reading() -> None:
    """A host without that zone says so, and does not take another one."""
    with pytest.raises(ValueError, match="no time zone 'Mars/Base'"):
        decode_value({"$type": "datetime", "value": "2026-01-01T00:00:00+01:00", "zone": "Mars/Base"})
