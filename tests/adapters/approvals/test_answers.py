"""Answers as JSON, and their signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.approvals.answers import answer_to, question_bytes, read_answer, signature, signed
from harness.determinism import canonical
from harness.ports import Approval, Pending, Question

DIGEST = "d" * 64
KEYS = st.binary(min_size=1, max_size=40)
TIMES = st.datetimes(*map(datetime.fromisoformat, ("2000-01-01", "2100-01-01")), timezones=st.just(UTC))


@given(st.booleans(), st.text(), st.text(), st.none() | TIMES, st.just(b"") | KEYS)
def test_an_answer_is_read_as_it_was_given(
    allowed: bool, by: str, reason: str, expires: datetime | None, key: bytes
) -> None:
    """Whatever an answer says, signed or not, comes back."""
    answer = answer_to(DIGEST, allowed=allowed, by=by, reason=reason, expires=expires)
    assert read_answer(json.dumps(signed(answer, key)).encode(), "here", key) == Approval(
        allowed, by, reason, DIGEST, expires
    )


@given(KEYS, KEYS, st.booleans())
def test_another_key_allows_nothing(key: bytes, other: bytes, bare: bool) -> None:
    """Only what is signed with the very key is a yes."""
    answer = answer_to(DIGEST, allowed=True, by="Ann")
    said = read_answer(canonical.encode(answer if bare else signed(answer, other)), "here", key)
    assert isinstance(said, Approval)
    # a key that is padded with zeros is the same key to HMAC
    same = not bare and key.rstrip(b"\0") == other.rstrip(b"\0")
    assert said.allowed is same
    if not same:
        assert said.by == "here"
        assert "in the name of Ann is" in said.reason


def test_the_signature_is_the_one_that_anybody_can_compute() -> None:
    """HMAC-SHA256 over canonical JSON, as the page says, by the standard library alone."""
    answer = {"by": "Ann", "digest": DIGEST, "allowed": True}
    text = json.dumps(answer, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hmac.new(b"key", text.encode(), hashlib.sha256).hexdigest()
    assert signed(answer, b"key")["signature"] == expected == signature(text.encode(), b"key")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b'{"allowed": tr', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"allowed": true, "by": "Ann"}', "no field 'digest'"),
        (b'{"allowed": 1, "by": "Ann", "digest": "d"}', "true or false"),
        (b'{"allowed": true, "by": "Ann", "digest": ""}', "'digest' is empty"),
        (b'{"allowed": true, "by": null, "digest": "d"}', "'by' is None"),
        (b'{"allowed": true, "by": "Ann", "digest": "d", "once": true}', "'once'"),
        (b'{"allowed": true, "by": "Ann", "digest": "d", "expires": "tomorrow"}', "has to be a time"),
        (b'{"allowed": true, "by": "Ann", "digest": "d", "expires": "2100-01-01T00:00:00"}', "has to be a time"),
        (b'{"allowed": true, "by": "Ann", "digest": "d", "signature": "00"}', "no key is set"),
    ],
)
def test_what_cannot_be_read_is_no_answer(text: bytes, why: str) -> None:
    """It is neither a yes nor a no: somebody may still be writing it, and is told what is wrong."""
    said = read_answer(text, "here", b"")
    assert isinstance(said, Pending)
    assert why in said.why


@given(st.binary(max_size=80), st.just(b"") | KEYS)
def test_no_bytes_are_a_yes_by_chance(text: bytes, key: bytes) -> None:
    """Anything at all is read without an error, and is no yes."""
    said = read_answer(text, "here", key)
    assert isinstance(said, Pending) or not said.allowed


def test_a_question_is_written_whole() -> None:
    """Whoever answers sees rule, reason, tool, the exact arguments and the digest."""
    question = Question("ASK", "why", "pay", {"cents": 1.0, "to": "Zoë"}, DIGEST)
    assert json.loads(question_bytes(question)) == question._asdict()
    assert b'"cents":1.0' in question_bytes(question)
