"""A session as a machine without I/O: an input goes in, the next effects come out.

Theory of operation. Every action passes the same states, whoever proposes it and whether it is recorded or replayed::

    Propose ──▶ judged ──allow──▶ performing ──Complete──▶ done (or refused, where a rule blocks the result)
                  ├──rewrite──▶ another call is proposed in its place
                  ├──block──▶ refused
                  └──escalate──▶ asked ──Answer──▶ performing | refused

Two rules of this file. What is written comes before what is done: an effect's lines are to be kept, with a barrier,
before it is performed. And an input that is not legal in the present state raises and leaves everything as it was.

The machine decides nothing about time, disks or people: each input brings its time, and each effect is carried out by
a driver (``run.drive``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from harness.assertion.interface import Checker
from harness.determinism import canonical
from harness.errors import HarnessError, NotRecordable
from harness.mediation.approval import objection, written
from harness.mediation.decision import ALLOW, LET_PASS, STOPPED, Decision, Mode, decide
from harness.mediation.refusal import Refusals
from harness.registry.registry import Registry
from harness.routing.health.monitors import Signal
from harness.run.changes import Forks
from harness.run.inputs import Answer, Close, Complete, Effects, Input, Propose, Read, Say
from harness.run.questions import Questions
from harness.run.remarks import Remarks
from harness.run.shared import Shared
from harness.run.signals import signals_of
from harness.run.states import Action, State, expected
from harness.tool import ToolSpec
from harness.trace.codec import Header
from harness.trace.event import ACTS, Event
from harness.trace.history import Histories
from harness.trace.outcome import to_body
from harness.trace.reader import Entry
from harness.trace.redaction import Redactor
from harness.trace.verdict import Judgement, Truth, worst
from harness.trace.writer import Writer

MAX_REWRITES: Final = 4  # of one call, before it is blocked: rules may undo each other's work for ever


class SessionMachine:
    """Hold the state of one session. Not thread-safe: the driver serialises calls.

    ``fsync_writes`` asks for the disk before a write that is not idempotent is performed; ``record`` is what a replay
    is expected to write. ``at`` is the time of the last input, ``shared`` what the agents of the run share.
    """

    def __init__(
        self,
        header: Header,
        registry: Registry,
        *,
        mode: Mode = "enforce",
        redactor: Redactor | None = None,
        fsync_writes: bool = True,
        record: Sequence[Entry] = (),
    ) -> None:
        self.steps = 0
        self.closed = False
        self.at = 0
        self._registry, self._mode, self._fsync_writes = registry, mode, fsync_writes
        self._agent: str = header.run.get("agent", "main")
        self._observed = frozenset[str](header.run.get("rollout", {}).get("observes", ()))
        self._checker = Checker(registry, header.run)
        self._redactor = redactor
        self._signals = signals_of(registry, redactor)
        self._writer = Writer(header, redactor, record)
        self._remarks = Remarks(self._writer, self._checker, self._signals, mode, self._observed)
        self._histories = Histories()
        self._forks = Forks(header.run["forked_from"]) if "forked_from" in header.run else None
        self._open: dict[int, Action] = {}
        self._refusals = Refusals()
        self._questions = Questions()
        self.shared = Shared()
        self._handlers = {
            Propose: self._propose,
            Answer: self._answer,
            Complete: self._complete,
            Say: self._say,
            Read: self._read,
            Close: self._close,
        }

    @property
    def seq(self) -> int:
        """The number of the next event."""
        return self._writer.seq

    @property
    def digest(self) -> str:
        """The head of the chain."""
        return self._writer.head

    @property
    def header_line(self) -> bytes:
        """The first line of the trace."""
        return self._writer.header_line

    @property
    def verdict(self) -> Truth:
        """The verdict of the run so far."""
        return worst(list(self._remarks.truths))

    @property
    def questions(self) -> Questions:
        """The questions that this run, or those it goes on with, have left without an answer."""
        return self._questions

    @property
    def against(self) -> tuple[Signal, ...]:
        """What monitors say now against further calls of a route."""
        return () if self._signals is None else self._signals.against

    @property
    def agent(self) -> str:
        """Who acts where nobody else is named."""
        return self._agent

    def under_way(self, action: int) -> tuple[Event, ToolSpec]:
        """Give an action that has begun and not ended, secrets and all, with the declaration in force."""
        return self._open[action].event, self._open[action].spec

    def rewritten(self, action: int) -> dict[str, Any] | None:
        """Give the arguments that an action under way is to be performed with, None where they are the agent's own."""
        return self._open[action].rewritten

    def learn_secret(self, secret: str, name: str) -> None:
        """Keep a value out of every line from now on."""
        if self._redactor is not None:
            self._redactor.learn(secret, name)

    def step(self, said: Input) -> Effects:
        """Take one input and give the effects it calls for, in order; HarnessError where it is not legal now."""
        if self.closed:
            raise HarnessError("the session is closed; open a new one for further calls")
        self.at = said.at
        effects: Effects = self._handlers[type(said)](said)  # type: ignore[operator]
        return effects if self._signals is None else effects._replace(against=self.against)

    def adopt(self, entry: Entry) -> None:
        """Take over a recorded event that is not said again, because the effect that said it is not performed again."""
        event = entry.event
        self._checker.judge(event)
        self._writer.adopt(entry)
        self._questions.heard(entry)
        self.shared.adopt(event)
        self._refusals.adopt(event)
        self._checker.falls()  # the record tells of them
        if self._signals is not None:
            self._signals.heard(event)
        if event.kind == "action":
            self.steps += 1
            if event.body["surface"] == "model":
                self._histories.restore(event.body["tool"], event.body["args"], event.seq)
        elif event.kind == "verdict":
            self._remarks.truths.add(event.body["verdict"])

    # --- handlers ----------------------------------------------------------------------------------------------------

    def _propose(self, said: Propose, lines: bytes = b"", rewrites: int = 0) -> Effects:
        changed: dict[str, Any] | None = None
        if self._forks is not None and not rewrites:
            wanted = self._forks.applied(said.call, self.steps)
            changed = None if wanted is said.call else wanted.args
            said = said._replace(call=wanted)
        event, judgement, line = self._announced(said)
        seq, announced, (surface, _, args, spec, *_) = event.seq, self._writer.head, said.call
        self.steps += 1
        lines += line + self._remarks.noticed(event)
        decision, watched = ALLOW, said.killed and self._registry.kill == "fail_open"
        if judgement.verdicts:
            lines += self._remarks.verdicts(judgement, event, watched=watched)
            decision = ALLOW if watched else decide(judgement, self._registry, spec, self._mode, self._observed)
        if said.killed:
            decision = ALLOW if watched else STOPPED
            lines += self._remarks.decided(event, LET_PASS) if watched else b""
        rewritten = args if rewrites else changed
        if decision.decision == "allow":
            disk = self._fsync_writes and surface == "tool" and spec.effect == "write" and not spec.idempotent
            self._open[seq] = Action(event, spec, State.PERFORMING, rewritten=rewritten, watched=watched)
            return Effects(seq, lines, True, disk, args=rewritten)
        if decision.decision == "rewrite":
            put = args | (decision.changes or {})
            if surface != "model" and rewrites < MAX_REWRITES and _is_writable({"args": put}):
                return self._rewrite(said, event, decision, put, lines, rewrites + 1)
            decision = replace(decision, decision="block")
        decided = self._writer.seq
        lines += self._remarks.decided(event, decision)
        if decision.decision == "block":
            refused = self._refusals.refused(decision, event.agent, said.call.tool, judgement)
            return Effects(seq, lines, True, refused=refused, seq=decided, at=said.at)
        shown = (self._redactor or Redactor(())).redact(event.body["args"])  # nobody is shown a secret
        call = event.task, said.call.tool, shown
        question, announced = self._questions.ask(decision, call, announced, self._registry.digest)
        self._open[seq] = Action(event, spec, State.ASKED, decision, rewritten, question, announced=announced)
        return Effects(seq, lines, True, question=question)

    def _rewrite(
        self, said: Propose, event: Event, decision: Decision, args: dict[str, Any], lines: bytes, rewrites: int
    ) -> Effects:
        """Propose the call that a rule puts in the place of another; it is judged like any other call."""
        again = said._replace(call=said.call._replace(args=args), parents=(self._writer.seq,))
        lines += self._remarks.decided(event, decision, args=args)
        return self._propose(again, lines, rewrites)

    def _announced(self, said: Propose) -> tuple[Event, Judgement, bytes]:
        """Judge an action and write it down, with the rules that spoke of it."""
        at, (surface, tool, args, _, call_id, serves), task, parents, agent, _ = said
        seq = self._writer.seq
        if surface == "model":
            args = self._histories.shorten(tool, args, seq)
        body: dict[str, Any] = {"surface": surface, "tool": tool, "args": args, "rules": ()}
        if call_id is not None:
            body["id"] = call_id
        if serves is not None:
            body["serves"] = serves
        event = Event(seq, "action", agent or self._agent, task, parents, at, body)
        try:
            for part in (body, event.agent):  # first: what is judged is remembered, and no line would tell of it
                canonical.encode(part)
        except NotRecordable:
            self._histories.forget(seq)
            raise
        judgement = self._checker.judge(event)
        body["rules"] = judgement.rules
        return event, judgement, self._writer.append(event)

    def _answer(self, said: Answer) -> Effects:
        action = expected(self._open, said)
        assert action.decision is not None
        assert action.question is not None
        approval = said.approval
        stopped = said.killed and self._registry.kill == "fail_closed"
        decision = STOPPED if stopped else action.decision
        void = STOPPED.reason if stopped else objection(approval, action.question)
        allowed = approval.allowed and not void
        body = {
            "action": said.action,
            "decision": "allow" if allowed else "block",
            "rule": decision.rule,
            "reason": void or approval.reason,
            "answer": written(approval),
        }
        intent = action.event
        event = Event(self._writer.seq, "decision", intent.agent, intent.task, (said.action,), said.at, body)
        self._checker.judge(event)
        lines = self._writer.append(event) + self._remarks.noticed(event) + self._remarks.fallen(event)
        if allowed:
            self._open[said.action] = action._replace(state=State.PERFORMING)
            args = intent.body["args"] if intent.body["surface"] in ACTS else action.rewritten
            return Effects(said.action, lines, True, self._fsync_writes, args=args)
        del self._open[said.action]
        reason = void or f"{approval.by} said no{': ' + approval.reason if approval.reason else ''}"
        if approval.later and not stopped:
            reason = approval.reason
            self._questions.left.append(((intent.task, action.question.tool, action.question.args), action.announced))
        # after an answer that does not count, or is none yet, the same call may be asked about
        retryable = (bool(void) or approval.later) and not stopped
        decision = replace(decision, reason=reason, retryable=retryable)
        refused = self._refusals.refused(decision, intent.agent, intent.body["tool"])
        return Effects(said.action, lines, True, refused=refused, seq=event.seq, at=said.at)

    def _complete(self, said: Complete) -> Effects:
        at, number, outcome = said
        action = expected(self._open, said)
        intent = action.event
        body = {"action": number, **to_body(outcome)}
        event = Event(self._writer.seq, "observation", intent.agent, intent.task, (number,), at, body)
        lines = self._writer.append(event)
        judgement = self._checker.judge(event)
        lines += self._remarks.noticed(event)
        del self._open[number]
        decision = ALLOW
        if judgement.verdicts:
            lines += self._remarks.verdicts(judgement, event, watched=action.watched)
            if not action.watched:
                decision = decide(judgement, self._registry, action.spec, self._mode, self._observed)
        if decision.decision == "allow":
            return Effects(number, lines, seq=event.seq, at=at)
        lines += self._remarks.decided(event, decision)
        refused = self._refusals.refused(decision, intent.agent, intent.body["tool"], judgement)
        return Effects(number, lines, refused=refused, seq=event.seq, at=at)

    def _say(self, said: Say) -> Effects:
        agent = said.agent or self._agent
        event = Event(self._writer.seq, said.kind, agent, said.task, said.parents, said.at, said.body)
        lines = self._writer.append(event)
        judgement = self._checker.judge(event)
        lines += self._remarks.noticed(event) + self._remarks.verdicts(judgement, event)
        if "artifact" not in said.body or not judgement.verdicts:
            return Effects(event.seq, lines)
        name = said.body["artifact"]
        decision = decide(judgement, self._registry, ToolSpec(name), self._mode, self._observed)
        if decision.decision == "allow":
            return Effects(event.seq, lines)
        return Effects(event.seq, lines, refused=self._refusals.refused(decision, agent, name, judgement))

    def _read(self, said: Read) -> Effects:
        body = {"reads": [[source, value] for source, value in said.reads]}
        event = Event(self._writer.seq, "read", said.agent or self._agent, said.task, said.parents, said.at, body)
        lines = self._writer.append(event)
        judgement = self._checker.judge(event)
        return Effects(event.seq, lines + self._remarks.noticed(event) + self._remarks.verdicts(judgement, event))

    def _close(self, said: Close) -> Effects:
        end = Event(-1, "note", self._agent, "0", (), said.at, {})
        seq = self._writer.seq
        lines = self._remarks.verdicts(self._checker.finish(), end)
        self.closed = True
        return Effects(seq, lines + self._writer.footer_line(self.verdict), True)


def _is_writable(value: Any) -> bool:
    """Tell whether a value that a rule has made is JSON that a trace can hold."""
    try:
        canonical.encode(value)
    except NotRecordable:
        return False
    return True
