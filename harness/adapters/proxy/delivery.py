"""How a stream reaches a client: whole events only, and its last event not before the trace has all of it.

A client that has seen the end of an answer may act on it. So what says that it is the end waits until the record is
written: no crash of the proxy can lose an answer that a client has seen the end of.
"""

from __future__ import annotations

import re
from typing import Final

_END_OF_EVENT: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LAST_EVENT: Final = re.compile(
    rb"^(?:data: ?\[DONE\]|data: ?\{\"error\"|"
    rb"(?:event: ?|data: ?\{\"type\": ?\")(?:error|message_stop|response\.(?:completed|incomplete|failed))\b)",
    re.MULTILINE,
)


class Delivery:
    """Cut the pieces of one stream of server-sent events where events end. ``ending`` tells that the last one waits."""

    def __init__(self) -> None:
        self._kept = b""
        self.ending = False

    def take(self, piece: bytes) -> bytes:
        """Take what came and give what can go: nothing of an event that is not whole, nothing from the last one on."""
        looked_at, kept = max(len(self._kept) - 3, 0), self._kept + piece
        ends = (place + len(mark) for mark in _END_OF_EVENT if (place := kept.rfind(mark, looked_at)) >= 0)
        end = 0 if self.ending else max(ends, default=0)
        last = _LAST_EVENT.search(kept, 0, end)
        if last is not None:
            self.ending, end = True, last.start()
        self._kept = kept[end:]
        return kept[:end]

    def rest(self) -> bytes:
        """Give what waits, when all has come."""
        kept, self._kept = self._kept, b""
        return kept
