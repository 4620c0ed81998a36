"""The writer of a replay, which knows the lines that are expected."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.trace.codec import Header
from harness.trace.event import Event
from harness.trace.reader import Entry, Reader
from harness.trace.redaction import Redactor
from harness.trace.writer import Writer
from tests.strategies import event_lists

HEADER = Header({"entry": None, "seed": 0}, {})
SECRET = "sk-live-0123456789"


def entries_of(events: list[Event]) -> list[Entry]:
    """Give the record of some events."""
    writer = Writer(HEADER, Redactor(values={SECRET: "key"}))
    lines = [writer.header_line, *(writer.append(event) for event in events)]
    return list(Reader([*lines, writer.footer_line("holds")]).entries())


def call(seq: int, **args: Any) -> Event:
    """Give the intent of a call."""
    return Event(seq, "action", "main", "0", (), seq, {"surface": "tool", "tool": "t", "args": args, "rules": ()})


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Give a recorded run and what is written now: the same, or another from some event on; secrets and long text."""
    said = st.sampled_from(["long " * 60, f"longer {SECRET} " * 30, SECRET, "⟦secret:key:1⟧", 1])
    args = st.dictionaries(st.sampled_from(["text", "note", "password"]), said, min_size=1)
    bodies = draw(st.lists(args, max_size=8))
    other = draw(st.lists(args, max_size=4))
    place = draw(st.integers(0, len(bodies)))
    recorded, now = ([call(seq, **one) for seq, one in enumerate(run)] for run in (bodies, bodies[:place] + other))
    return recorded, now


def check(recorded: list[Event], now: list[Event]) -> None:
    """Check that a record changes nothing of what is written."""
    plain = Writer(HEADER, Redactor(values={SECRET: "key"}))
    knowing = Writer(HEADER, Redactor(values={SECRET: "key"}), entries_of(recorded))
    for event in now:
        assert knowing.append(event) == plain.append(event)
        assert (knowing.head, knowing.seq) == (plain.head, plain.seq)


@given(runs())
@settings(max_examples=300)
def test_a_record_changes_no_line(run: tuple[list[Event], list[Event]]) -> None:
    """Whatever was recorded, the lines, their digests and numbers are those of a writer without a record."""
    check(*run)


@given(event_lists(max_size=8))
def test_a_record_of_the_same_events_changes_no_line(events: list[Event]) -> None:
    """The same holds for events of every kind."""
    check(events, events)
