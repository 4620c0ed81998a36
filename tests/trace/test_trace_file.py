"""Writing, reading and proving a trace."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import TamperedTrace, TraceError
from harness.trace.codec import Header, encode_body, event_line, header_line
from harness.trace.event import DOES, Event
from harness.trace.reader import Reader
from harness.trace.redaction import Redactor
from harness.trace.writer import Writer
from tests.strategies import event_lists

RUN = {"entry": None, "seed": 0}
HOST = {"started": "2026-01-01", "folder": "/somewhere"}


def written(events: list[Event], *, host: dict[str, Any] | None = None) -> list[bytes]:
    """Write a sealed trace and give its lines."""
    writer = Writer(Header(RUN, HOST if host is None else host))
    lines = [writer.header_line, *(writer.append(event) for event in events)]
    return [*lines, writer.footer_line("holds")]


def note(seq: int, text: str) -> Event:
    """Give a note."""
    return Event(seq, "note", "main", "0", (), seq, {"text": text})


@given(event_lists())
def test_what_is_written_is_read_back(events: list[Event]) -> None:
    """Every event comes back equal, long and repeated texts included, and the digests agree."""
    lines = written(events)
    reader = Reader(lines)
    assert list(reader) == events
    assert reader.footer is not None
    assert reader.footer.digest == reader.digest
    assert reader.footer.events == len(events) == reader.events


@given(event_lists(max_size=6), st.data())
@settings(max_examples=300)
def test_any_changed_byte_is_found_at_its_line(events: list[Event], data: st.DataObject) -> None:
    """Whatever byte of whatever line is changed, reading fails and names that line."""
    lines = written(events)
    number = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[number]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[number][place]))
    changed = lines[number][:place] + bytes([byte]) + lines[number][place + 1 :]
    file = b"".join([*lines[:number], changed, *lines[number + 1 :]])
    with pytest.raises(TraceError) as found:
        list(Reader(BytesIO(file)))
    assert found.value.line == number + 1


@given(event_lists(max_size=8).filter(lambda events: len(events) > 2), st.data())
def test_dropped_and_reordered_lines_are_found(events: list[Event], data: st.DataObject) -> None:
    """A trace with two lines swapped is not accepted, nor one with a line missing, which is told where it stood."""
    lines = written(events)
    first = data.draw(st.integers(1, len(events) - 1))
    dropped = [line for number, line in enumerate(lines) if number != first]
    swapped = [*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]]
    with pytest.raises(TamperedTrace, match="1 line before this one is missing") as found:
        list(Reader(dropped))
    assert found.value.line == first + 1
    with pytest.raises(TamperedTrace):
        list(Reader(swapped))


@given(event_lists(max_size=6), st.data())
def test_a_torn_tail_is_cut_and_told(events: list[Event], data: st.DataObject) -> None:
    """A file cut anywhere in its last line gives every whole line before it, and says how much is torn."""
    lines = written(events)[:-1]
    if len(lines) == 1:
        return
    cut = data.draw(st.integers(1, len(lines[-1]) - 1))
    reader = Reader([*lines[:-1], lines[-1][:cut]])
    assert list(reader) == events[:-1]
    assert len(reader.torn) == cut
    assert reader.footer is None


def test_the_digest_does_not_depend_on_the_host() -> None:
    """Two hosts that record the same run get the same digest; only the seal of the file differs."""
    events = [note(0, "a"), note(1, "b")]
    one, other = (Reader(written(events, host={"folder": folder})) for folder in ("/a", "/b"))
    assert list(one) == list(other)
    assert one.digest == other.digest


def test_a_changed_host_part_is_found_by_the_seal() -> None:
    """The chain does not cover the host part; the footer does, and names the header."""
    lines = written([note(0, "a")])
    lines[0] = header_line(Header(RUN, {**HOST, "folder": "/elsewhere"}))
    with pytest.raises(TamperedTrace) as found:
        list(Reader(lines))
    assert found.value.line == 1


def test_a_line_after_the_footer_is_refused() -> None:
    """Nothing can be appended to a sealed trace."""
    lines = written([note(0, "a")])
    with pytest.raises(TamperedTrace, match="follows the footer"):
        list(Reader([*lines, lines[1]]))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"format":"mat","host":{},"run":{},"version":2}\n', "version 2 is not known"),
        (b'{"format":"mat","host":{},"run":{},"version":1,"extra":1}\n', "needs format, host, run and version"),
        (b"\x89PNG\r\n", "not a trace"),
        (b"{}\n", "not a trace"),
        (b"", "empty"),
    ],
)
def test_what_is_no_trace_is_told_at_line_one(line: bytes, reason: str) -> None:
    """A future version, a binary file, other JSON and an empty file each give one clear error."""
    with pytest.raises(TraceError, match=reason):
        Reader([line] if line else [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"seq":0}\n', "an event has the fields"),
        (b"[]\n", "not a JSON object"),
        (
            b'{"agent":"main","at":0,"body":{"text":"a","why":1},"kind":"note","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "unknown field: why",
        ),
        (
            b'{"agent":"main","at":0,"body":{},"kind":"dream","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "unknown kind of event 'dream'",
        ),
        (
            b'{"agent":"main","at":0,"body":{"action":0},"kind":"observation","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "exactly one of ok, failed, unknown",
        ),
        (
            b'{"agent":"main","at":0,"body":{"does":"dance","goal":"paid"},"kind":"route","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "a route does 'dance', which is not known here; known: plan, retry",
        ),
        (
            b'{"agent":"main","at":0,"body":{"does":"plan"},"kind":"route","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "the body of this route lacks goal",
        ),
        (
            b'{"agent":"main","at":"0","body":{},"kind":"note","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "field 'at' is '0', not a int",
        ),
        (
            b'{"agent":"main","at":0,"body":{ },"kind":"note","parents":[],"prev":"","seq":0,"task":"0"}\n',
            "not in canonical form",
        ),
    ],
)
def test_reading_is_strict(line: bytes, reason: str) -> None:
    """A line that this version did not write is an error that says why, never a guess."""
    with pytest.raises(TamperedTrace, match=reason) as found:
        list(Reader([header_line(Header(RUN, HOST)), line]))
    assert found.value.line == 2


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("message", {"message": []}, "field 'message' of this message is a list"),
        ("route", {"does": "plan", "goal": "paid", "path": "pay"}, "field 'path' of this route is a str"),
        ("route", {"does": "end", "goal": "paid", "served": 1}, "field 'served' of this route is a int"),
    ],
)
def test_the_types_inside_a_body_are_checked(kind: Any, body: dict[str, Any], said: str) -> None:
    """A well-chained line whose body holds the wrong types is an error with its line and field."""
    event = Event(0, kind, "main", "0", (), 0, body)
    header = Header(RUN, HOST)
    line = event_line(event, encode_body(kind, event.body), header.digest)
    with pytest.raises(TraceError, match=said) as found:
        list(Reader([header_line(header), line]))
    assert found.value.line == 2


def test_everything_a_route_does_is_read_back() -> None:
    """Each deed, with every field that a route event may have, and a call that says which goal it serves."""
    body = {"goal": "paid", "action": 0, "after": 2, "tool": "pay", "path": ["pay"], "cost": 0.3, "why": "down"}
    body |= {"until": 5, "deadlock": {"held": []}, "choice": {"stop": True}, "served": False, "undo": [], "data": {}}
    call = {"surface": "tool", "tool": "pay", "args": {}, "rules": [], "serves": 0}
    bodies: list[tuple[Any, dict[str, Any]]] = [("action", call), *(("route", {"does": does, **body}) for does in DOES)]
    events = [Event(seq, kind, "main", "0", (), seq, body) for seq, (kind, body) in enumerate(bodies)]
    assert list(Reader(written(events))) == events


def test_a_repeated_text_is_written_once() -> None:
    """The second use of a long text costs a reference, not its length."""
    text = "x" * 5000
    lines = written([note(0, text), note(1, text), note(2, text)])
    assert len(lines[1]) > 5000
    assert len(lines[2]) < 300
    assert [event.body["text"] for event in Reader(lines)] == [text] * 3


def test_a_text_used_twice_in_one_event_is_read_back_in_any_order_of_keys() -> None:
    """The first use is the first in the line, whatever order the agent's own dict had."""
    event = Event(0, "note", "main", "0", (), 0, {"data": {"z": "x" * 300, "a": "x" * 300, "m": "y" * 300}, "text": ""})
    assert list(Reader(written([event, note(1, "y" * 300)]))) == [event, note(1, "y" * 300)]


def test_a_reference_to_nowhere_is_an_error() -> None:
    """A forged reference is told with its line."""
    event = Event(0, "note", "main", "0", (), 0, {"data": {"$same": "7:0"}, "text": ""})
    header = Header(RUN, HOST)
    forged = event_line(event, encode_body("note", event.body), header.digest)
    with pytest.raises(TraceError, match="where no text stands"):
        list(Reader([header_line(header), forged]))


def test_secrets_never_reach_a_line() -> None:
    """Registered values and declared fields are replaced, also inside JSON text, and equal secrets stay equal."""
    redactor = Redactor(fields=["password"], values={"sk-abcdef123456": "api_key"})
    writer = Writer(Header({"input": "sk-abcdef123456"}, {}), redactor)
    data = {"password": "hunter22", "again": 'say {"password": "hunter22"}', "key": "Bearer sk-abcdef123456"}
    lines = writer.header_line + writer.append(Event(0, "note", "main", "0", (), 0, {"data": data, "text": ""}))
    assert b"hunter22" not in lines
    assert b"sk-abcdef123456" not in lines
    event = next(iter(Reader([writer.header_line, lines[len(writer.header_line) :]])))
    assert event.body["data"] == {
        "password": "⟦secret:password:1⟧",
        "again": 'say {"password": "⟦secret:password:1⟧"}',
        "key": "Bearer ⟦secret:api_key:1⟧",
    }


def test_a_secret_field_may_hold_numbers_and_lists() -> None:
    """Numbers are replaced inside JSON text too, and each item of a list; a schema of such a field stays as it is."""
    redactor = Redactor(fields=["PIN"])
    said = {"pin": [1234, "ab"], "text": '{"Pin": 1234, "n": 5}', "properties": {"pin": {"type": "integer"}}}
    assert redactor.redact(said) == {
        "pin": ["⟦secret:pin:1⟧", "⟦secret:pin:2⟧"],
        "text": '{"Pin": "⟦secret:pin:1⟧", "n": 5}',
        "properties": {"pin": {"type": "integer"}},
    }


def test_a_verdict_on_a_secret_does_not_tell_it() -> None:
    """Neither its values, nor what follows from them, nor the refusal that a model reads as JSON text."""
    values = {"call.args.pin": 1234, "call.args.pin - 1": 1233, "call.args.n": 5, "call.args.pin < 9 ": False}
    moves = [{"field": "call.args.pin", "direction": "decrease", "distance": 1225, "boundary": 9}]
    said = {"rule": "A", "verdict": "violated", "severity": "high", "says": "", "evidence": [], "margin": -1225}
    writer = Writer(Header({}, {}), Redactor(fields=["pin"]))
    line = writer.append(Event(0, "verdict", "main", "0", (), 0, {**said, "values": values, "gradient": moves}))
    line += writer.append(note(1, 'refused {"values": {"call.args.pin": 1234}}'))
    assert not any(told in line for told in (b"1234", b"1233", b"1225"))
    assert b'"call.args.n":5' in line


def test_a_footer_cannot_be_forged_field_by_field() -> None:
    """Changing what the footer says breaks its seal."""
    lines = written([note(0, "a")])
    forged = lines[-1].replace(b'"verdict":"holds"', b'"verdict":"kept!"')
    with pytest.raises(TamperedTrace, match="seal") as found:
        list(Reader([*lines[:-1], forged]))
    assert found.value.line == len(lines)
