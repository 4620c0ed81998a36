"""What a trace says about an event after its own line: verdicts, the decision, trust it costs, what monitors see."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from harness.assertion.interface import Checker
from harness.assertion.trust import Fall
from harness.mediation.decision import Decision, Mode
from harness.run.signals import Signals
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Truth, Verdict
from harness.trace.writer import Writer


class Remarks:
    """Write what is said about the events of one session; each remark is an event itself, judged and noticed as such.

    ``observed`` are the rules that only observe in this conversation. ``truths`` are the verdicts so far.
    """

    def __init__(
        self, writer: Writer, checker: Checker, signals: Signals | None, mode: Mode, observed: AbstractSet[str]
    ) -> None:
        self._writer, self._checker, self._signals = writer, checker, signals
        self._mode, self._observed = mode, observed
        self.truths: set[Truth] = set()

    def verdicts(self, judgement: Judgement, cause: Event, *, watched: bool = False) -> bytes:
        lines = [self._verdict(verdict, cause, watched) for verdict in judgement.verdicts]
        return b"".join(lines) + self.fallen(cause)

    def _verdict(self, verdict: Verdict, cause: Event, watched: bool) -> bytes:
        self.truths.add(verdict.truth)
        body: dict[str, Any] = {
            "rule": verdict.rule,
            "verdict": verdict.truth,
            "severity": verdict.severity,
            "says": verdict.says,
            "values": verdict.values,
            "evidence": verdict.evidence,
        }
        if cause.seq >= 0:  # the verdict at the end of a run is about no single event
            body["action"] = cause.body.get("action", cause.seq)
        if verdict.margin is not None:
            body["margin"] = verdict.margin
        if verdict.reason:
            body["reason"] = verdict.reason
        if verdict.gradient:
            body["gradient"] = [move.facts() for move in verdict.gradient]
        observed = watched or self._mode != "enforce" or verdict.rule in self._observed
        if observed or verdict.otherwise in ("observe", "warn"):
            body["would"] = verdict.otherwise
        parents = (cause.seq,) if cause.seq >= 0 else ()
        event = Event(self._writer.seq, "verdict", cause.agent, cause.task, parents, cause.at, body)
        return self._writer.append(event) + self.noticed(event)

    def decided(self, cause: Event, decision: Decision, **more: Any) -> bytes:
        body = {
            "action": cause.body.get("action", cause.seq),
            "decision": decision.decision,
            "rule": decision.rule,
            "reason": decision.reason,
            "alternative": decision.alternative,
            "retryable": decision.retryable,
            **more,
        }
        event = Event(self._writer.seq, "decision", cause.agent, cause.task, (cause.seq,), cause.at, body)
        self._checker.judge(event)
        return self._writer.append(event) + self.noticed(event) + self.fallen(event)

    def fallen(self, cause: Event) -> bytes:
        """Write what an event has cost its agent of the trust in it."""
        return b"".join(self._fall(cause, fall) for fall in self._checker.falls())

    def _fall(self, cause: Event, fall: Fall) -> bytes:
        data = {"trust": fall.now, "was": fall.was, "rule": fall.rule}
        body = {"machine": "trust", "name": fall.agent, "data": data}
        event = Event(self._writer.seq, "state", cause.agent, cause.task, (cause.seq,), cause.at, body)
        return self._writer.append(event) + self.noticed(event)

    def noticed(self, cause: Event) -> bytes:
        """Let the monitors see an event that has been judged and written; give the lines of what they say of it."""
        body = None if self._signals is None else self._signals.heard(cause)
        if body is None:
            return b""
        event = Event(self._writer.seq, "route", cause.agent, cause.task, (cause.seq,), cause.at, body)
        lines = self._writer.append(event)
        return lines + self.verdicts(self._checker.judge(event), event)
