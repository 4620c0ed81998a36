"""Addresses inside texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.addresses import MAX_ADDRESSES, addresses_in

FOUND = [
    ("Write to ann.b@x.org, please.", ["ann.b@x.org"]),
    ("See https://x.org/a?b=c.", ["https://x.org/a?b=c"]),
    ("On www.x-y.org/page (today)", ["www.x-y.org/page"]),
    ("IBAN: GB29NWBK60161331926819!", ["GB29NWBK60161331926819"]),
    ({"to": ["a@x.org", None, 5], "cc": "b@x.org"}, ["a@x.org", "b@x.org"]),
    ("a@x.org a@x.org", ["a@x.org"]),
]
NOT_FOUND = ["bill-december-2023.txt", "2024-05-15 10:00", "e.g. this", "@ann", "GB29", "", 7, None, {"a@x.org": 1}]


@pytest.mark.parametrize(("value", "expected"), FOUND)
def test_an_address_is_found_without_what_stands_around_it(value: object, expected: list[str]) -> None:
    """Mail addresses, URLs, host names and account numbers are found in order, each once, at any depth."""
    assert addresses_in(value) == expected


@pytest.mark.parametrize("value", NOT_FOUND)
def test_other_values_hold_no_address(value: object) -> None:
    """File names, times, short codes, numbers and keys of objects are no addresses."""
    assert addresses_in(value) == []


@given(st.lists(st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True), max_size=2 * MAX_ADDRESSES))
def test_every_address_of_a_list_is_found_up_to_the_bound(addresses: list[str]) -> None:
    """Whatever stands between them, addresses come out as they went in; never more than the bound."""
    expected = list(dict.fromkeys(addresses))[:MAX_ADDRESSES]
    assert addresses_in(addresses) == expected
    assert addresses_in([f"<{one}>, and" for one in addresses]) == expected
