"""The Unified Assertion Interface: one object that judges a run, event by event.

At the door it is asked before an action is performed and before an outcome is delivered; offline it is fed the same
events from a file. Both ways it sees the same events in the same order, so it gives the same verdicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from harness.assertion.occasion import NOTHING, Hear, Occasions
from harness.assertion.past import Entries, Happening, Past
from harness.assertion.provenance import Kind
from harness.assertion.trust import Fall, Standing
from harness.determinism.address import effects_around, enclosing
from harness.registry.program import Group
from harness.registry.registry import Registry
from harness.tool import ToolSpec
from harness.trace.again import performs_again
from harness.trace.chat import Message, messages_in
from harness.trace.coverage import Coverage
from harness.trace.covered import Covered
from harness.trace.event import ACTS, Event
from harness.trace.history import Requests
from harness.trace.verdict import DEFAULT_REFUSE, KILL_SWITCH, Judgement, Severity, Verdict

# whose messages say where a value comes from; what a model or a tool says is learnt elsewhere, or proves nothing
_TOLD_BY: Final[dict[str, Kind]] = {"user": "user", "system": "system", "developer": "system"}
_SILENT: Final = Judgement((), ())


class _Open(NamedTuple):
    """An action without an outcome so far, as the past knows it, and where the past keeps it."""

    event: Event
    group: Group
    known: Happening
    entries: Entries
    clean: bool


class Checker:
    """Judge the events of one run, in their order. Not thread-safe; one for each run.

    ``run`` is what rules see under that name: seed, tenant, subject, conversation, input. What is remembered of the
    past is what the registry's rules ask about. ``hear`` is told of each rule that compares numbers how far each step
    is from its boundary, which takes much longer than judging. Not verified: events that it is not given, and whether
    the trace they come from is sound.
    """

    def __init__(self, registry: Registry, run: Mapping[str, Any] | None = None, hear: Hear | None = None) -> None:
        self._registry, self._program = registry, registry.program
        self._trust = Standing(registry.trust) if registry.trust else None
        self._past = Past(self._program, registry.parameters, dict(run or {}), self._trust)
        self._occasions = Occasions(registry, self._past, hear)
        self._clock = self._past.clock
        self._requests = Requests()
        self._asked: set[int] = set()  # actions whose questions have no answer so far
        self._open: dict[int, _Open] = {}
        self._ended: _Open | None = None  # the action whose outcome came last, which may be withheld now
        self._times: Counter[tuple[str, str, str]] = Counter()  # refusals, by agent, tool and rule
        pasts = {plan.past for plan in self._program.plans}
        # a message may be asked about, say where a value comes from, or come after a deadline
        self._hears = bool(
            "message" in pasts
            or self._program.group("message").rules
            or self._past.asks_sources
            or self._past.obligations
        )
        spoken_of = self._program.group("surface")
        self._coverage = Coverage() if spoken_of.rules or spoken_of.promises else None
        # whether anything will be said of the outcome of a call, or of the call later on
        after = self._trust is not None or any(rule.on == "result" for rule in self._program.rules)
        self._follows = self._hears or bool(pasts) or after

    def judge(self, event: Event) -> Judgement:
        """Say which rules spoke of an event, and every verdict that is not ``holds``.

        To be called once for each event, before anything is done about it; the rules see the events before it as the
        past. Chat messages that the event carries are judged with it. Events of other kinds change nothing. O(rules
        that can speak of it + questions it can answer), whatever the length of the run, but for questions whose plan
        says ``history``.
        """
        if self._coverage is not None:
            return self._with_surfaces(event, self._coverage)
        if event.kind == "action":
            return self._action(event)
        if event.kind == "observation":
            return self._observation(event)
        return self._other(event)

    def _with_surfaces(self, event: Event, coverage: Coverage) -> Judgement:
        """Judge an event, and then the use of each surface that it tells of."""
        calls = {"action": self._action, "observation": self._observation}
        judgement = calls.get(event.kind, self._other)(event)
        for surface in coverage.heard(event):
            judgement = _join(judgement, self._surface(event, surface))
        return judgement

    def _other(self, event: Event) -> Judgement:
        if event.kind == "message":
            return self._messages(event, _SILENT) if self._hears else _SILENT
        if event.kind == "note" and "artifact" in event.body:
            return self._artifact(event)
        if event.kind == "route":
            return self._route(event)
        if event.kind == "decision":
            self._decided(event)
        elif event.kind == "note" and performs_again(event):
            self._begun_again(event)
        return _SILENT

    def trust_in(self, agent: str) -> float:
        """Tell how far an agent is trusted now, from 0 to 1."""
        return self._past.trust_of(agent)

    def falls(self) -> list[Fall]:
        """Give the losses of trust since this was last asked."""
        return self._trust.taken_up() if self._trust is not None else []

    def finish(self) -> Judgement:
        """Judge the rules on the end of a run, and what its steps have left undone."""
        group = self._program.group("end")
        judgement = self._occasions.ask(group, self._occasions.arguments(group, agent="", step=self._clock.step + 1))
        for surface in self._coverage.finish() if self._coverage is not None else ():
            judgement = _join(judgement, self._surface(None, surface))
        return _join(judgement, Judgement((), tuple(map(self._occasions.undone, self._past.unmet()))))

    def _action(self, event: Event) -> Judgement:
        if event.body["surface"] == "model":
            event = self._requests.told(event)
        seq, _, agent, _, _, at, body = event
        past, clock = self._past, self._clock
        step = clock.step = clock.step + 1
        clock.at = at
        surface = body["surface"]
        group = self._program.group("action", surface, body["tool"])
        arguments = (body, group.tool, NOTHING, NOTHING, agent, step, past, past.asked)
        judgement = self._occasions.ask(group, arguments)
        if group.unspoken and self._registry.default == "refuse":
            judgement = _join(judgement, _refused(body["tool"], self._registry))
        if self._hears:
            if surface == "model":
                judgement = self._messages(event, judgement)
            elif surface in ("message", "handoff"):
                past.told(body["args"])
        if self._follows:
            names = {"call": body, "tool": group.tool, "agent": agent, "step": step}
            known = Happening(seq, step, at, names, arguments)
            entries = past.happened(group.watches, known, settled=False) if group.watches.plans else []
            clean = not judgement.verdicts or self._is_clean(agent, judgement)
            self._open[seq] = _Open(event, group, known, entries, clean)
            self._occasions.oblige(seq, arguments)
        return judgement

    def _observation(self, event: Event) -> Judgement:
        self._requests.answered(event.body["action"])
        opened = self._open.pop(event.body["action"], None)
        if opened is None:
            return _SILENT
        past, clock = self._past, self._clock
        clock.at = event.at
        action, begun_group, begun, entries, clean = self._ended = opened
        surface, tool = action.body["surface"], action.body["tool"]
        spec = self._program.spec(surface, tool)
        outcome = _outcome(event, spec)
        group = self._program.group("result" if "result" in outcome else "failed", surface, tool)
        arguments = (action.body, group.tool, outcome, NOTHING, action.agent, begun.step, past, past.asked)
        judgement = self._occasions.ask(group, arguments)
        if surface == "model":
            judgement = self._messages(event, judgement, action) if self._hears else judgement
        elif past.asks_sources:
            said = outcome["result"] if "result" in outcome else event.body.get("failed")
            past.returned(action.body, said, ok="result" in outcome, trust=spec.trust, seq=event.seq)
        begun.names.update(outcome)
        if entries or begun_group.late.plans:
            past.settle(entries, begun_group.late, begun, arguments)
        if group.watches.plans and "result" in outcome:
            past.happened(group.watches, Happening(event.seq, clock.step, event.at, begun.names, arguments))
        self._occasions.oblige(event.seq, arguments)
        if self._trust is not None:
            clean = self._is_clean(action.agent, judgement) and clean
            if clean and "result" in outcome and surface in ACTS:
                self._trust.clean(action.agent)
        return judgement

    def _is_clean(self, agent: str, judgement: Judgement) -> bool:
        """Tell whether a step violates nothing, and let it be held against its agent if it does."""
        if self._trust is not None:
            self._trust.violated(agent, judgement.verdicts)
        return all(verdict.truth != "violated" for verdict in judgement.verdicts)

    def _decided(self, event: Event) -> None:
        action, decision = event.body["action"], event.body["decision"]
        if decision == "escalate":
            self._asked.add(action)
        else:
            self._asked.discard(action)
        if decision in ("block", "rewrite"):
            self._decision(event)

    def _begun_again(self, event: Event) -> None:
        """Take back what was asked about, without an answer, inside an effect that is performed again: so is that."""
        effect = enclosing(event.task)
        for action in sorted(self._asked & self._open.keys()):
            opened = self._open[action]
            if effect in effects_around(opened.event.task):
                del self._open[action]
                self._asked.discard(action)
                self._past.take_back(action, opened.entries)

    def _decision(self, event: Event) -> None:
        """Take back what was not done, or was done otherwise, and remember what was refused."""
        body = event.body
        self._requests.refused(body["action"])
        opened = self._open.pop(body["action"], None)
        if opened:  # one that has an outcome was performed, and only its result withheld
            self._past.take_back(opened.event.seq, opened.entries)
        elif self._ended is not None and self._ended.event.seq == body["action"]:
            opened = self._ended
        rule = body["rule"]
        if opened is None or rule == KILL_SWITCH:
            return
        severity = _severity_of(rule, self._registry)
        if self._trust is not None:
            self._trust.refused(event.agent, rule, severity, answered="answer" in body)
        if body["decision"] == "block":
            self._refusal(event, opened, severity)

    def _refusal(self, event: Event, refused: _Open, severity: Severity) -> None:
        """Keep a refusal for the rules that ask about refusals."""
        action, body = refused.event.body, event.body
        group = self._program.group("refusal", action["surface"], action["tool"])
        if not group.watches:
            return
        which = event.agent, action["tool"], body["rule"]
        self._times[which] += 1
        told = {
            "rule": body["rule"],
            "reason": body["reason"],
            "severity": severity,
            "retryable": body.get("retryable", False),
            "times": self._times[which],
        }
        outcome, step = {"refusal": told, "seq": event.seq}, self._clock.step
        arguments = (action, group.tool, outcome, NOTHING, event.agent, step, self._past, self._past.asked)
        names = {"call": action, "tool": group.tool, "agent": event.agent, **outcome}
        self._past.happened(group.watches, Happening(event.seq, step, event.at, names, arguments))

    def _messages(self, event: Event, judgement: Judgement, action: Event | None = None) -> Judgement:
        """Judge the messages that an event carries, each for itself; what the event has promised is still to begin."""
        self._clock.at, promised = event.at, self._occasions.promised
        for message in messages_in(event, action):
            judgement = _join(judgement, self._message(event, message))
        self._occasions.promised = promised
        return judgement

    def _message(self, event: Event, message: Message) -> Judgement:
        said = {"role": message.role, "text": message.text, "tool_calls": list(message.tool_calls)}
        group, step = self._program.group("message"), self._clock.step
        arguments = self._occasions.arguments(group, message=said, agent=event.agent, step=step + 1)
        judgement = self._occasions.ask(group, arguments)
        if role := _TOLD_BY.get(message.role):
            self._past.learn_message(message.text, role, seq=event.seq, relayed=event.kind == "action")
        names = {**said, "message": said, "agent": event.agent}
        self._past.happened(group.watches, Happening(event.seq, step, event.at, names, arguments))
        self._occasions.oblige(event.seq, arguments)
        return judgement

    def _artifact(self, event: Event) -> Judgement:
        """Judge something that the run made, by the rules on artifacts of its name."""
        self._clock.at = event.at
        group = self._program.group("artifact", None, event.body["artifact"])
        outcome = {"artifact": event.body["data"]}
        arguments = self._occasions.arguments(group, outcome, agent=event.agent, step=self._clock.step + 1)
        judgement = self._occasions.ask(group, arguments)
        self._occasions.oblige(event.seq, arguments)
        return judgement

    def _route(self, event: Event) -> Judgement:
        """Judge what a route does, and keep it: by the tool it is about, where it is about one."""
        self._clock.at, tool = event.at, event.body.get("tool")
        group = self._program.group("route", "tool", tool) if tool else self._program.group("route")
        told = {"route": event.body, "seq": event.seq}
        arguments = self._occasions.arguments(group, told, agent=event.agent, step=self._clock.step + 1)
        judgement = self._occasions.ask(group, arguments)
        names = {**told, "agent": event.agent} | ({"tool": group.tool} if tool else {})
        self._past.happened(group.watches, Happening(event.seq, self._clock.step, event.at, names, arguments))
        self._occasions.oblige(event.seq, arguments)
        return judgement

    def _surface(self, event: Event | None, surface: Covered) -> Judgement:
        """Judge the use of a surface that an event tells of, or at the end that nothing did."""
        group, agent = self._program.group("surface"), "" if event is None else event.agent
        step = self._clock.step + (event is None or event.kind != "action")
        arguments = self._occasions.arguments(group, {"surface": surface._asdict()}, agent=agent, step=step)
        judgement = self._occasions.ask(group, arguments)
        if event is not None:
            self._occasions.oblige(event.seq, arguments)
        return judgement


def _join(one: Judgement, other: Judgement) -> Judgement:
    return Judgement(one.rules + other.rules, one.verdicts + other.verdicts)


def _refused(tool: str, registry: Registry) -> Judgement:
    says = f"The tool {tool} is not declared in {registry.file}: add it under 'tools:' or name it in a rule."
    reason = f"{registry.name} says default: refuse, and speaks of no tool {tool}"
    verdict = Verdict(DEFAULT_REFUSE, "violated", "high", says, "block", {"call.tool": tool}, reason=reason)
    return Judgement((DEFAULT_REFUSE,), (verdict,))


def _severity_of(rule: str, registry: Registry) -> Severity:
    """Give the severity of a rule; what is refused without one is refused for want of authority, which is grave."""
    known = registry.invariant(rule)
    return known.severity if known else "high"


def _outcome(event: Event, spec: ToolSpec) -> dict[str, Any]:
    """Give ``result`` and ``failed``, neither where it is unknown whether the call had an effect, and ``seq``."""
    seq, body = event.seq, event.body
    if "ok" in body:
        result = body["ok"]
        if type(result) is str and spec.result_format == "json":
            result = _parsed(result)
        return {"result": result, "failed": False, "seq": seq}
    return {"failed": True, "seq": seq} if "failed" in body else {"seq": seq}


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # not what was promised: rules that look inside find nothing there, and say unknown
