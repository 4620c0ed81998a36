"""Streams cut into events that keep their bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.answers.sse import Splitter, read_sent, respelled

lines = st.sampled_from(
    [
        b"data: {}",
        b'data: {"a": "\xc3\xa9"}',
        b"data: [DONE]",
        b": ping",
        b"event: x",
        b"id: 1",
        b"data:",
        b"data",
        b"\xff",
        b"",
    ]
)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
streams = st.lists(st.tuples(lines, ends), max_size=12).map(lambda found: b"".join(a + b for a, b in found))


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a stream into events after cutting it into pieces."""
    splitter = Splitter()
    places = [0, *sorted(cut for cut in cuts if cut <= len(stream)), len(stream)]
    found = [sent.raw for a, b in pairwise(places) for sent in splitter.feed(stream[a:b])]
    return found + [sent.raw for sent in splitter.end()]


@given(streams, st.lists(st.integers(0, 120), max_size=6))
def test_events_are_the_same_however_a_stream_is_cut(stream: bytes, cuts: list[int]) -> None:
    """The pieces of a network are no boundaries, and no byte is lost."""
    whole = split(stream, [])
    assert split(stream, cuts) == whole == split(stream, list(range(len(stream))))
    assert b"".join(whole) == stream


@given(streams)
def test_an_event_ends_at_a_blank_line_only(stream: bytes) -> None:
    """Every event but the last ends with two line ends, and holds none before."""
    for raw in split(stream, [])[:-1]:
        plain = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert plain.endswith(b"\n\n")
        assert b"\n\n" not in plain[:-1].removeprefix(b"\n")


def test_what_an_event_says_is_read_as_any_client_reads_it() -> None:
    """Data of several lines is joined, constants that are no JSON are read, and bad UTF-8 is noticed."""
    assert read_sent(b'event: x\ndata: {"a":\ndata: 1}\n\n').data == {"a": 1}
    assert read_sent(b'data: {"a": NaN}\n\n').readable
    assert not read_sent(b'data: {"a": "\xff"}\n\n').exact
    assert read_sent(b'data: {"a": "\xff"}\n\n').data == {"a": "\ufffd"}
    assert read_sent(b": ping\n\n").readable
    assert read_sent(b"data: [DONE]\n\n").readable
    for unreadable in (b"data: [1]\n\n", b"data: {\n\n", b"data: word\n\n", b'data: {"a": 1} {}\n\n'):
        assert not read_sent(unreadable).readable


def test_an_event_that_is_spelled_anew_keeps_its_other_lines() -> None:
    """Name, number and comments stay; the data is one line."""
    sent = read_sent(b'event: x\r\nid: 4\r\n: note\r\ndata: {"a":\r\ndata: 1}\r\n\r\n')
    assert respelled(sent, {"b": "\ud800"}) == b'event: x\nid: 4\n: note\ndata: {"b":"\\ud800"}\n\n'
