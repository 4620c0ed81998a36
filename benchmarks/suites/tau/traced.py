"""A recorded conversation as a trace that holds what rules say of it, for whoever looks at a row.

Each verdict follows the event that it is about, as in the trace of a run that was judged while it went on; it says what
its rule would have done (``would``), for nothing was done. The label is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.adapters.transcripts.conversation import Conversation, header_of
from harness.assertion.interface import Checker
from harness.registry.registry import Registry
from harness.run.remarks import Remarks
from harness.trace.event import Event
from harness.trace.verdict import Judgement, worst
from harness.trace.writer import Writer

_END: Final = Event(-1, "note", "main", "0", (), 0, {})


class Traced:
    """Judge a conversation event by event and write what is said; ``trace`` is the whole of it when all is judged."""

    def __init__(self, conversation: Conversation, registry: Registry) -> None:
        header = header_of(conversation, "tau", conversation.name)
        rules = [{"digest": registry.digest, "name": registry.name, "version": registry.version}]
        self._conversation = conversation
        self._checker = Checker(registry, {})
        self._writer = Writer(header._replace(run={**header.run, "registries": rules}))
        self._remarks = Remarks(self._writer, self._checker, None, "shadow", frozenset())
        self._places: dict[int, int] = {}
        self.trace = self._writer.header_line

    def judged(self) -> Iterator[tuple[Event, Judgement]]:
        """Yield each event with its number in the trace and what the rules say of it, at last the end of the run."""
        for said in self._conversation.events:
            event = self._placed(said)
            judgement = self._checker.judge(event)
            self.trace += self._writer.append(event) + self._remarks.verdicts(judgement, event)
            yield event, judgement
        judgement = self._checker.finish()
        self.trace += self._remarks.verdicts(judgement, _END)
        self.trace += self._writer.footer_line(worst(list(self._remarks.truths)))
        yield _END, judgement

    def _placed(self, said: Event) -> Event:
        """Give an event the number that comes next, and those of the events that it names."""
        self._places[said.seq] = self._writer.seq
        body: dict[str, Any] = said.body
        if said.kind == "observation":
            body = {**body, "action": self._places[body["action"]]}
        return said._replace(seq=self._writer.seq, parents=tuple(self._places[one] for one in said.parents), body=body)
