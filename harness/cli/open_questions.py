"""What a run that is not sealed waits for, as its trace says it."""

from __future__ import annotations

from typing import Any

from harness.mediation.approval import digest_of_question
from harness.trace.event import Event
from harness.trace.reader import Entry


class OpenQuestions:
    """Listen to the entries of a trace, and know at its end which questions have no answer."""

    def __init__(self, registry: str) -> None:
        self._registry = registry
        self._announced: Entry | None = None
        self._open: dict[int, tuple[Entry, Event]] = {}

    def heard(self, entry: Entry) -> None:
        """Take the next entry."""
        event, body = entry.event, entry.event.body
        if event.kind == "action":
            self._announced = entry
        elif event.kind == "decision" and body["decision"] == "escalate" and self._announced is not None:
            self._open[body["action"]] = self._announced, event  # what is decided stands right after the call
        elif "answer" in body and body["action"] in self._open:
            call = _call(self._open[body["action"]][0])
            self._open = {seq: one for seq, one in self._open.items() if _call(one[0]) != call}

    def lines(self) -> list[str]:
        """Give a line or two for each question; one that was asked again stands there once."""
        told: dict[str, list[str]] = {}
        for entry, decision in self._open.values():
            tool, args = entry.event.body["tool"], entry.event.body["args"]
            given = ", ".join(f"{name}={value!r}" for name, value in args.items())
            why = f"{decision.body['rule']}: {decision.body['reason']}"
            digest = digest_of_question(entry.digest, self._registry)
            lines = [f"waits for an answer  {tool}({given})  {why}", f"    question {digest}"]
            told.setdefault(repr(_call(entry)), lines)
        return [line for lines in told.values() for line in lines]


def _call(entry: Entry) -> tuple[str, str, dict[str, Any]]:
    event = entry.event
    return event.task, event.body["tool"], event.body["args"]
