"""Drive the machine without I/O: rounds of bytes in, the bytes that a client sees out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from harness.adapters.answers.answer import Streamed, Whole
from harness.adapters.answers.asked import Asked, Owed, Ruling
from harness.adapters.answers.course import Ask, Owe, Pass, Read, course
from harness.adapters.answers.shape import Shape
from harness.errors import Refused

Rule = Callable[[Asked], Ruling]


class Heard:
    """What one exchange came to: the bytes a client sees, the calls judged, the requests sent, what is owed."""

    def __init__(
        self, shape: Shape, rounds: Sequence[Sequence[bytes]], rule: Rule, *, whole: bool = False, **request: Any
    ) -> None:
        self.pieces: list[bytes] = []
        self.judged: list[Ruling] = []
        self.requests: list[dict[str, Any]] = []
        self.owed: Owed | None = None
        waiting = [list(pieces) for pieces in rounds]
        present = waiting.pop(0)
        steps, said = course(Whole(shape) if whole else Streamed(shape), request), None
        while True:
            try:
                step = steps.send(said)
            except StopIteration:
                return
            said = None
            if isinstance(step, Read):
                said = present.pop(0) if present else None
            elif isinstance(step, Pass):
                self.pieces.append(step.data)
            elif isinstance(step, Ask):
                self.requests.append(step.request)
                if said := bool(waiting):
                    present = waiting.pop(0)
            elif isinstance(step, Owe):
                self.owed = step.owed
            else:
                said = rule(step.asked)
                self.judged.append(said)

    @property
    def data(self) -> bytes:
        """Give all the bytes."""
        return b"".join(self.pieces)

    def events(self) -> list[dict[str, Any]]:
        """Give the events, read by an independent, simple reader."""
        return events_of(self.data)


def events_of(data: bytes) -> list[dict[str, Any]]:
    """Read a stream line by line."""
    lines = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:") and "[DONE]" not in line]


REFUSED = Refused("NO", "it may not be")


def allow(asked: Asked) -> Ruling:
    """Allow every call."""
    return Ruling(asked)


def refuse(*tools: str) -> Rule:
    """Refuse the calls of some tools, or of all."""

    def rule(asked: Asked) -> Ruling:
        if tools and asked.tool not in tools:
            return Ruling(asked)
        return Ruling(asked, refused=REFUSED)

    return rule


def rewrite(tool: str, **args: Any) -> Rule:
    """Give the calls of one tool other arguments."""
    return lambda asked: Ruling(asked, asked.args | args if asked.tool == tool else None)


def stream_of(events: Sequence[dict[str, Any]], *, named: bool, done: bool) -> bytes:
    """Spell events as a server does."""
    out = "".join(
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
        for event in events
    )
    return (out + ("data: [DONE]\n\n" if done else "")).encode(errors="surrogatepass")
