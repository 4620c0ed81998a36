"""How a stream reaches a client."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.proxy.delivery import Delivery

CHAT = [b'data: {"a":"x\\n\\ny"}\n\n', b": a comment\n\n", b'data: {"b":2}\r\n\r\n', b"data: [DONE]\n\n"]
LASTS = [
    b"data: [DONE]\n\n",
    b"data:[DONE]\r\n\r\n",
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    b'event: response.completed\ndata: {"type":"response.completed"}\n\n',
    b'data: {"type":"response.incomplete","response":{}}\n\n',
    b'data: {"error": {"message": "no"}}\n\n',
    b'event: error\ndata: {"type":"error"}\n\n',
]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at places."""
    ends = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[one:two] for one, two in itertools.pairwise(ends)]


@given(st.lists(st.integers(0, 1000)), st.sampled_from(LASTS))
def test_however_a_stream_is_cut_the_client_gets_its_bytes_and_the_end_last(places: list[int], last: bytes) -> None:
    """Nothing is lost or doubled, only whole events go, and the last one goes when everything has come."""
    stream = b"".join(CHAT[:3]) + last
    delivery, gone = Delivery(), b""
    for piece in cut(stream, places):
        gone += delivery.take(piece)
        assert gone == b"" or gone.endswith((b"\n\n", b"\r\n\r\n"))
        assert last not in gone
    assert delivery.ending
    assert gone == b"".join(CHAT[:3])
    assert gone + delivery.rest() == stream


@given(st.lists(st.sampled_from([b"data: {}\n\n", b'data: {"text":"[DONE] error message_stop"}\n\n'])))
def test_what_is_not_the_end_is_not_taken_for_it(events: list[bytes]) -> None:
    """The words that end a stream end none where they stand inside of an event's data."""
    delivery = Delivery()
    assert b"".join(map(delivery.take, events)) == b"".join(events)
    assert not delivery.ending


@pytest.mark.parametrize("rest", [b"data: ha", b"", b"data: {}\n"])
def test_a_half_event_waits(rest: bytes) -> None:
    """What is left of a stream that breaks off in an event is not handed out as one."""
    delivery = Delivery()
    assert delivery.take(CHAT[0] + rest) == CHAT[0]
    assert delivery.rest() == rest
