"""The Unified Assertion Interface: one object that judges a run, event by event.

At the door it is asked before an action is performed and before an outcome is delivered; offline it is fed the same
events from a file. Both ways it sees the same events in the same order, so it gives the same verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import orjson

from harness.assertion.examine import examine
from harness.registry.program import Group
from harness.registry.registry import Registry
from harness.registry.scope import Past, Remembered
from harness.trace.chat import Message, messages_in
from harness.trace.event import Event
from harness.trace.verdict import Judgement, Verdict

DEFAULT_REFUSE: Final = "DEFAULT-REFUSE"

_SILENT: Final = Judgement((), ())
_NO_OUTCOME: Final[dict[str, Any]] = {}


class _Open(NamedTuple):
    """An action without an outcome so far; ``names`` is how the past knows it, if any rule asks about calls."""

    event: Event
    step: int
    names: dict[str, Any] | None


class Checker:
    """Judge the events of one run, in their order. Not thread-safe; one for each run.

    ``run`` is what rules see under that name: seed, tenant, subject, conversation, input. What is remembered of the
    past is what the registry's rules ask about. Not verified: events that it is not given, and whether the trace they
    come from is sound.
    """

    def __init__(self, registry: Registry, run: Mapping[str, Any] | None = None) -> None:
        self._registry, self._program = registry, registry.program
        self._run = dict(run or {})
        self._past = Past()
        self._open: dict[int, _Open] = {}
        self._steps = 0
        self._remembers_calls = bool(self._program.asked - {"message"})
        self._hears = "message" in self._program.asked or bool(self._program.group("message").rules)
        # whether anything will be said of the outcome of a call, or of the call later on
        self._follows = self._remembers_calls or self._hears or any(rule.on == "result" for rule in registry.invariants)

    def judge(self, event: Event) -> Judgement:
        """Say which rules spoke of an event, and every verdict that is not ``holds``.

        To be called once for each event, before anything is done about it; the rules see the events before it as the
        past. Chat messages that the event carries are judged with it. Events of other kinds change nothing.
        O(rules that can speak of it) where they hold and do not ask about the past, else times the past.
        """
        if event.kind == "action":
            return self._action(event)
        if event.kind == "observation":
            return self._observation(event)
        if event.kind == "message":
            return self._messages(event, _SILENT) if self._hears else _SILENT
        if event.kind == "decision" and event.body["decision"] == "block":
            self._forget(event.body["action"])
        return _SILENT

    def finish(self) -> Judgement:
        """Judge the rules on the end of a run."""
        group = self._program.group("end")
        return self._ask(group, _NO_OUTCOME, _NO_OUTCOME, _NO_OUTCOME, "", self._steps)

    def _action(self, event: Event) -> Judgement:
        body, step = event.body, self._steps
        group = self._program.group("action", body["surface"], body["tool"])
        judgement = self._ask(group, body, _NO_OUTCOME, _NO_OUTCOME, event.agent, step)
        if group.unspoken and self._registry.default == "refuse":
            judgement = _join(judgement, _refused(body["tool"], self._registry))
        if self._hears and body["surface"] == "model":
            judgement = self._messages(event, judgement)
        names = None
        if self._remembers_calls:
            names = {"call": body, "tool": group.tool, "agent": event.agent, "step": step}
            self._remember("action", Remembered(event.seq, names), body["surface"])
        if self._follows:
            self._open[event.seq] = _Open(event, step, names)
        self._steps = step + 1
        return judgement

    def _observation(self, event: Event) -> Judgement:
        opened = self._open.pop(event.body["action"], None)
        if opened is None:
            return _SILENT
        action, step, names = opened
        surface, tool = action.body["surface"], action.body["tool"]
        outcome = self._outcome(event.body, tool, surface)
        group = self._program.group("result" if "result" in outcome else "failed", surface, tool)
        judgement = self._ask(group, action.body, outcome, _NO_OUTCOME, action.agent, step)
        if self._hears and surface == "model":
            judgement = self._messages(event, judgement, action)
        if names is not None:
            kept = self._program.keeps_results
            names |= {name: value for name, value in outcome.items() if kept or name != "result"}
            if "result" in outcome:
                self._remember("result", Remembered(event.seq, names), surface)
        return judgement

    def _outcome(self, body: dict[str, Any], tool: str, surface: Any) -> dict[str, Any]:
        """Give ``result`` and ``failed``; neither where it is unknown whether the call had an effect."""
        if "ok" in body:
            result = body["ok"]
            if type(result) is str and self._program.spec(surface, tool).result_format == "json":
                result = _parsed(result)
            return {"result": result, "failed": False}
        return {"failed": True} if "failed" in body else {}

    def _messages(self, event: Event, judgement: Judgement, action: Event | None = None) -> Judgement:
        for message in messages_in(event, action):
            judgement = _join(judgement, self._message(event, message))
        return judgement

    def _message(self, event: Event, message: Message) -> Judgement:
        said = {"role": message.role, "text": message.text, "tool_calls": list(message.tool_calls)}
        group = self._program.group("message")
        judgement = self._ask(group, _NO_OUTCOME, _NO_OUTCOME, said, event.agent, self._steps)
        if "message" in self._program.asked:
            names = {**said, "message": said, "agent": event.agent}
            self._past.message.append(Remembered(event.seq, names))
        return judgement

    def _remember(self, past: str, remembered: Remembered, surface: str) -> None:
        asked = self._program.asked
        if past in asked and surface == "tool":
            getattr(self._past, past).append(remembered)
        if f"any_{past}" in asked:
            getattr(self._past, f"any_{past}").append(remembered)

    def _forget(self, action: int) -> None:
        """Take back an action that was blocked; one that has an outcome was performed, and only its result withheld."""
        if self._open.pop(action, None):
            for events in (self._past.action, self._past.any_action):
                place = next((at for at in reversed(range(len(events))) if events[at].seq == action), None)
                if place is not None:
                    del events[place]

    def _ask(
        self,
        group: Group,
        call: dict[str, Any],
        outcome: dict[str, Any],
        message: dict[str, Any],
        agent: str,
        step: int,
    ) -> Judgement:
        try:
            judgement = group.holds(call, group.tool, outcome, message, agent, step, self._run, self._past)
            if judgement is not None:
                return judgement  # type: ignore[no-any-return]
        except Exception:  # noqa: BLE001, S110 - data the rules did not expect: their exact meaning says which and why
            pass
        names = {"step": step, "run": self._run, "params": self._registry.parameters, "agent": agent, **outcome}
        names |= {"call": call, "tool": group.tool} if call else {}
        names |= {"message": message} if message else {}
        return self._ask_each(group, names, (call, group.tool, outcome, message, agent, step, self._run, self._past))

    def _ask_each(self, group: Group, names: dict[str, Any], arguments: tuple[Any, ...]) -> Judgement:
        spoke: list[str] = []
        verdicts: list[Verdict] = []
        for rule, holds in zip(group.rules, group.singles, strict=True):
            judgement = None
            with suppress(Exception):  # as above
                judgement = holds(*arguments)
            if judgement is not None:
                spoke += judgement.rules
            elif verdict := examine(rule, self._program, names, self._past):
                spoke.append(rule.id)
                if verdict.truth != "holds":
                    verdicts.append(verdict)
        return Judgement(tuple(spoke), tuple(verdicts))


def _join(one: Judgement, other: Judgement) -> Judgement:
    return Judgement(one.rules + other.rules, one.verdicts + other.verdicts)


def _refused(tool: str, registry: Registry) -> Judgement:
    says = f"The tool {tool} is not declared in {registry.file}: add it under 'tools:' or name it in a rule."
    reason = f"{registry.name} says default: refuse, and speaks of no tool {tool}"
    verdict = Verdict(DEFAULT_REFUSE, "violated", "high", says, "block", {"call.tool": tool}, reason=reason)
    return Judgement((DEFAULT_REFUSE,), (verdict,))


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # not what was promised: rules that look inside find nothing there, and say unknown
