"""Turn events into the chained lines of one trace; no I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from harness.trace import codec
from harness.trace.content import LARGE, MARKS, Window
from harness.trace.event import Event
from harness.trace.reader import Entry
from harness.trace.redaction import Redactor


class Writer:
    """Number, redact, fold, encode and chain the events of one run, in order.

    ``record`` are the lines of a run that is replayed: one that comes out as it was recorded is not looked through for
    long texts and secrets again, nor is its digest taken again.
    """

    def __init__(self, header: codec.Header, redactor: Redactor | None = None, record: Sequence[Entry] = ()) -> None:
        self.seq = 0
        self._redactor, self._record = redactor, record
        self._window = Window()
        marks = [*MARKS, *(redactor.marks if redactor is not None else ())]
        self._marked = re.compile(b'"(?:%b)' % b"|".join(marks))
        if redactor is not None:
            header = codec.Header(redactor.redact(header.run), redactor.redact(header.host))
        self.head = header.digest
        self.header_line = codec.header_line(header)

    def append(self, event: Event) -> bytes:
        """Give the line of the next event; its ``seq`` must be this writer's. O(size of the body).

        Raises NotRecordable for a body that is not JSON; the writer is then as it was before.
        """
        if event.kind == "verdict" and self._redactor is not None:
            event = event._replace(body=self._redactor.judged(event.body))
        body = codec.encode_body(event.kind, event.body)
        if self.seq < len(self._record):
            recorded = self._record[self.seq]
            if recorded.plain and recorded.line == codec.event_line(event, body, self.head):
                return self._passed(recorded)
        redactor = self._redactor
        # one look tells whether a body is written as it is, as nearly every body is
        if len(body) >= LARGE or self._marked.search(body.lower()) or (redactor is not None and redactor.knows(body)):
            body = self._treated(event, body)
        return self._chained(codec.event_line(event, body, self.head))

    def adopt(self, entry: Entry) -> None:
        """Take over a recorded event that stands next, as it was written."""
        if not entry.plain:
            body = codec.encode_body(entry.event.kind, entry.event.body)
            if self._window.concerns(body):
                self._folded(entry.event, body)
        self._passed(entry)

    def footer_line(self, verdict: str) -> bytes:
        """Seal the trace."""
        header = hashlib.sha256(self.header_line).hexdigest()
        return codec.footer_line(codec.Footer(self.head, self.seq, header, verdict))

    def _treated(self, event: Event, body: bytes) -> bytes:
        if self._redactor is not None and self._redactor.touches(body):
            event = event._replace(body=self._redactor.redact(event.body))
            body = codec.encode_body(event.kind, event.body)
        return self._folded(event, body) if self._window.concerns(body) else body

    def _folded(self, event: Event, body: bytes) -> bytes:
        folded = self._window.fold(event.body, event.seq, sorted_keys=codec.sorts(event.kind))
        return body if folded is event.body else codec.encode_body(event.kind, folded)

    def _passed(self, entry: Entry) -> bytes:
        self.head = entry.digest
        self.seq += 1
        return entry.line

    def _chained(self, line: bytes) -> bytes:
        self.head = hashlib.sha256(line).hexdigest()
        self.seq += 1
        return line
