"""Read a trace line by line: strictly, in constant memory, naming the line of every fault."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from harness.determinism import canonical
from harness.errors import TamperedTrace, TraceError, UnknownVersion
from harness.trace import codec
from harness.trace.content import Window
from harness.trace.event import Event
from harness.trace.redaction import PLACEHOLDER


class Entry(NamedTuple):
    """One event as it was meant, the line it was written as, and the line's digest.

    ``plain`` says that the body stands in the line as it was said: no long text in it, and no secret taken out.
    """

    event: Event
    line: bytes
    digest: str
    plain: bool


class Reader:
    """Iterate over the events of a trace given as lines (bytes, with their newlines).

    After the iteration ``footer`` is the footer or None (unsealed), ``digest`` the head of the chain, and ``torn``
    the bytes of a last line that was cut off while it was written. TamperedTrace names the line that is not the one
    that was written; TraceError a line that cannot be read at all.
    """

    def __init__(self, lines: Iterable[bytes], file: str = "trace") -> None:
        self.file = file
        self.footer: codec.Footer | None = None
        self.torn = b""
        self.events = 0
        self._lines = iter(lines)
        self._window = Window()
        first = next(self._lines, b"")
        if not first:
            raise TraceError(file, 0, "the file is empty", cure="was the run killed before its first event?")
        try:
            self.header = codec.read_header(first, file)
        except UnknownVersion:
            raise
        except TraceError as error:
            raise self._doubtful_header(error) from None
        self._header_digest = hashlib.sha256(first).hexdigest()
        self.digest = self.header.digest

    def __iter__(self) -> Iterator[Event]:
        return (entry.event for entry in self.entries())

    def entries(self) -> Iterator[Entry]:
        """Yield every event with its line, checking the chain on the way."""
        broken: int | None = None  # a line whose ``prev`` does not fit: it or the line before it was changed
        missing = 0  # events that its number skips
        for number, line in enumerate(self._lines, start=2):
            if not line.endswith(b"\n"):
                if _is_json(line[:-1]):
                    raise self._tampered(number, "the line ends in a byte that was not written")
                self.torn = line
                break
            said = self._read(line, number, broken)
            if isinstance(said, codec.Footer):
                if broken is not None:
                    raise self._doubted(broken, missing, kept=said.digest == self.digest)
                self._close(said, number)
                return
            event, prev, body = said
            if broken is not None:  # did the doubtful line keep its own content?
                raise self._doubted(broken, missing, kept=prev == self.digest)
            if prev != self.digest:
                broken, missing = number, event.seq - self.events
            elif event.seq != self.events:
                raise self._tampered(number)
            self.digest = hashlib.sha256(line).hexdigest()
            self.events += 1
            if broken is None:
                concerned = self._window.concerns(body)
                whole = self._whole(event, number, folded=concerned)
                yield Entry(whole, line, self.digest, not concerned and PLACEHOLDER not in line)
        if broken is not None:
            raise self._tampered(broken)

    def _read(self, line: bytes, number: int, broken: int | None) -> codec.Line | codec.Footer:
        try:
            return codec.read_line(line, self.file, number)
        except TraceError as error:
            raise TamperedTrace(
                self.file, number if broken is None else broken, error.reason, cure=error.cure
            ) from None

    def _whole(self, event: Event, number: int, *, folded: bool) -> Event:
        if folded:
            try:
                event = event._replace(body=self._window.unfold(event.body, event.seq))
            except (LookupError, TypeError, AttributeError) as place:
                raise TraceError(self.file, number, f"the line points at {place}, where no text stands") from None
        codec.check_types(event, self.file, number)
        return event

    def _close(self, footer: codec.Footer, number: int) -> None:
        if footer.digest != self.digest and footer.events > self.events:
            raise self._taken_out(number, footer.events - self.events)
        if footer.digest != self.digest or footer.events != self.events:
            raise self._tampered(number - 1)
        if footer.header != self._header_digest:
            raise self._tampered(1)
        if next(self._lines, None) is not None:
            raise self._tampered(number + 1, "a line follows the footer")
        self.footer = footer

    def _doubtful_header(self, error: TraceError) -> TraceError:
        """Tell a header that was changed, which events follow, from a file that never was a trace."""
        for number, line in enumerate(islice(self._lines, 2), start=2):
            try:
                codec.read_line(line, self.file, number)
                return self._tampered(1)
            except TraceError:
                continue
        return error

    def _doubted(self, number: int, missing: int, *, kept: bool) -> TamperedTrace:
        """Tell what a line that does not follow the one before it says, where it kept its own content or did not."""
        if not kept:
            return self._tampered(number)
        return self._taken_out(number, missing) if missing > 0 else self._tampered(number - 1)

    def _taken_out(self, number: int, lines: int) -> TamperedTrace:
        return self._tampered(
            number, f"{lines} line{'s' * (lines != 1)} before this one {'are' if lines > 1 else 'is'} missing"
        )

    def _tampered(self, number: int, reason: str = "") -> TamperedTrace:
        return TamperedTrace(self.file, number, reason or "the line is not the one that was written")


def read_after(line: bytes, before: Iterable[Event], file: str) -> Event:
    """Read an event that was written after some others, texts they were the first to use put in their places."""
    window = Window()
    for event in before:
        if window.concerns(codec.encode_body(event.kind, event.body)):
            window.fold(event.body, event.seq, sorted_keys=codec.sorts(event.kind))
    said = codec.read_line(line, file, 0)
    assert isinstance(said, codec.Line)
    return said.event._replace(body=window.unfold(said.event.body, said.event.seq))


def _is_json(line: bytes) -> bool:
    try:
        canonical.decode(line)
    except ValueError:
        return False
    return True
