"""Addresses inside texts: where a message, a payment or a reader could be sent to.

What an address looks like is a matter of form alone: e-mail addresses (RFC 5321, without quoting), URLs and host names
(RFC 3986, RFC 1123) and account numbers in the form of an IBAN (ISO 13616) whether or not its check digits are right.
"""

from __future__ import annotations

from typing import Any, Final

import re2

MAX_ADDRESSES: Final = 100

_ADDRESS: Final = re2.compile(
    r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"  # e-mail
    r"|\bhttps?://[^\s<>\"'`)\]}]*[^\s<>\"'`)\]}.,;:!?]"
    r"|\b(?:www\.)[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[^\s<>\"'`)\]}]*[^\s<>\"'`)\]}.,;:!?])?"
    r"|\b[a-z]{2}[0-9]{2}[a-z0-9]{10,30}\b"  # account number
)


def addresses_in(value: Any) -> list[str]:
    """Give the addresses in the texts inside a value, in their order, each once; at most 100. O(size of the value)."""
    found: dict[str, None] = {}
    waiting = [value]
    while waiting and len(found) < MAX_ADDRESSES:
        one = waiting.pop()
        if type(one) is str:
            found.update(dict.fromkeys(match.group() for match in _ADDRESS.finditer(one)))
        elif type(one) is list:
            waiting += reversed(one)
        elif type(one) is dict:
            waiting += reversed(one.values())
    return list(found)[:MAX_ADDRESSES]
