"""The questions about calls that a trace leaves without an answer: to be told, and to be asked again as the same."""

from __future__ import annotations

from typing import Any, NamedTuple

from harness.mediation.approval import digest_of_question
from harness.mediation.decision import Decision
from harness.ports import Question
from harness.trace.event import Event
from harness.trace.reader import Entry

Wanted = tuple[str, str, dict[str, Any]]
"""Who wants what: the task, the tool, and the arguments as the trace has them."""


class Unanswered(NamedTuple):
    """A call as it was announced, and the decision to ask about it."""

    announced: Entry
    decision: Event

    @property
    def wanted(self) -> Wanted:
        """The call that it is about."""
        event = self.announced.event
        return event.task, event.body["tool"], event.body["args"]


class Questions:
    """Listen to the entries of a trace, in their order, and know which questions have no answer so far.

    A call inside an effect that is performed again is announced, and asked about, again: with its answer all of them
    are answered. O(1) an entry, but for answers: O(open questions). ``left`` are those that this run itself goes on
    without: what was wanted, and the digest of the line that announced it first.
    """

    def __init__(self) -> None:
        self._announced: Entry | None = None
        self._open: dict[int, Unanswered] = {}
        self.left: list[tuple[Wanted, str]] = []

    @property
    def open(self) -> tuple[Unanswered, ...]:
        """The questions without an answer, in the order in which they were asked."""
        return tuple(self._open.values())

    def heard(self, entry: Entry) -> None:
        """Take the next entry."""
        event, body = entry.event, entry.event.body
        if event.kind == "action":
            self._announced = entry
        elif event.kind == "decision" and body["decision"] == "escalate" and self._announced is not None:
            self._open[body["action"]] = Unanswered(self._announced, event)  # it stands right after the call
        elif event.kind == "decision" and "answer" in body and not body["answer"].get("later"):
            self._answered(body["action"])

    def _answered(self, action: int) -> None:
        asked = self._open.get(action)
        if asked is not None:
            self._open = {seq: one for seq, one in self._open.items() if one.wanted != asked.wanted}

    def ask(self, decision: Decision, wanted: Wanted, announced: str, rules: str) -> tuple[Question, str]:
        """Ask about the call that was announced by the line of this digest, under the rules of that one.

        A call that is announced again, inside an effect that is performed again or by an agent that went on without
        it, has the question that was left without an answer, and the digest of the line that announced it then.
        """
        _, tool, args = wanted
        first = self._taken(wanted) or announced
        digest = digest_of_question(first, rules)
        return Question(decision.rule, decision.reason, tool, args, digest, decision.who), first

    def _taken(self, wanted: Wanted) -> str | None:
        """Give the digest of the line that announced this call when it was first left without an answer, once."""
        asked = [one.announced.digest for one in self._open.values() if one.wanted == wanted]
        asked += [announced for left, announced in self.left if left == wanted]
        if not asked:
            return None
        self._open = {seq: one for seq, one in self._open.items() if one.wanted != wanted}
        self.left = [one for one in self.left if one[0] != wanted]
        return asked[0]
