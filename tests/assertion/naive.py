"""An oracle: a run judged by going through its whole history again at each event, in the exact meaning only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.registry.invariant import Expression, Invariant
from harness.registry.registry import Registry
from harness.registry.scope import tool_names
from harness.registry.tree import Fold
from harness.registry.values import Undefined, truth
from harness.tool import ToolSpec
from harness.trace.chat import read_message
from harness.trace.event import Event
from tests.registry.naive import Naive, Told

Found = dict[str, tuple[str, tuple[int, ...]]]  # by rule: truth and evidence
LATER = "later"


class History:
    """The events of a run so far, seen afresh."""

    def __init__(self, registry: Registry, events: list[Event]) -> None:
        self.registry, self.events = registry, events
        self.actions = [one for one in events if one.kind == "action"]
        self.outcomes = {one.body["action"]: one for one in events if one.kind == "observation"}
        # a block after the outcome withholds the result; the call was performed all the same
        self.blocked = {
            one.body["action"]
            for at, one in enumerate(events)
            if one.kind == "decision" and not any(_answers(other, one) for other in events[:at])
        }

    @property
    def step(self) -> int:
        """The number of the latest step."""
        return len(self.actions) - 1

    def names(self, action: Event) -> dict[str, Any]:
        """Give the names of a call, with its outcome if that is known."""
        spec = self.registry.tools.get(action.body["tool"], ToolSpec(action.body["tool"]))
        names = {"call": action.body, "tool": tool_names(spec), "agent": "main", "step": self.actions.index(action)}
        outcome = self.outcomes.get(action.seq)
        if outcome is None:
            return names
        body, names = outcome.body, names | {"seq": outcome.seq}
        if "ok" in body:
            return names | {"result": body["ok"], "failed": False}
        return names | ({"failed": True} if "failed" in body else {})

    def told(self) -> Iterator[Told]:
        """Yield every past event."""
        step = -1
        for one in self.events:
            step += one.kind == "action"
            if one.kind == "action" and one.seq not in self.blocked:
                yield Told("action", one.seq, step, one.at, self.names(one))
            elif one.kind == "observation" and "ok" in one.body:
                action = next((each for each in self.actions if each.seq == one.body["action"]), None)
                if action:
                    yield Told("result", one.seq, step, one.at, self.names(action))
            elif one.kind == "message":
                yield Told("message", one.seq, step, one.at, said(one))
            elif one.kind == "route":
                yield Told("route", one.seq, step, one.at, self.names_of_route(one))
            elif one.kind == "decision" and one.body["decision"] == "block":
                yield Told("refusal", one.seq, step, one.at, self.names_of_refusal(one))

    def names_of_refusal(self, block: Event) -> dict[str, Any]:
        """Give the names of a call that was refused, or whose result was."""
        refused = {one.seq: one for one in self.actions}
        action = refused[block.body["action"]]
        same = [
            one
            for one in self.events
            if one.kind == "decision"
            and one.seq <= block.seq
            and (one.body["rule"], one.agent) == (block.body["rule"], block.agent)
            and refused[one.body["action"]].body["tool"] == action.body["tool"]
        ]
        told = {"rule": block.body["rule"], "reason": block.body["reason"], "severity": "high", "retryable": False}
        names = {name: value for name, value in self.names(action).items() if name in ("call", "tool", "agent")}
        return names | {"refusal": told | {"times": len(same)}, "seq": block.seq}

    def names_of_route(self, route: Event) -> dict[str, Any]:
        """Give the names of what a route does."""
        names = {"route": route.body, "seq": route.seq, "agent": "main"}
        tool = route.body.get("tool")
        return names | ({"tool": tool_names(self.registry.tools.get(tool, ToolSpec(tool)))} if tool else {})


def said(event: Event) -> dict[str, Any]:
    """Give the names of a message."""
    message = read_message(event.body["message"])
    names = {"role": message.role, "text": message.text, "tool_calls": list(message.tool_calls)}
    return names | {"message": dict(names), "agent": "main"}


def judge(registry: Registry, run: dict[str, Any], events: list[Event]) -> list[Found]:
    """Give what is found at each event, and at the end."""
    founds: list[Found] = []
    waiting: list[tuple[Invariant, Event, int, dict[str, Any]]] = []
    for at, one in enumerate(events):
        before, now = History(registry, events[:at]), History(registry, events[: at + 1])
        occasion, names = _step(one, before, now)
        found: Found = {}
        if occasion:
            found, waiting = _due(waiting, before, now.step, one.at, occasion)
        for rule in registry.invariants:
            if not occasion or rule.on != occasion.replace("failed", "result"):
                continue
            if occasion == "failed" and "failed" not in _text(rule):
                continue
            if rule.tools and names.get("call", names.get("route", {})).get("tool") not in rule.tools:
                continue
            given = names | {"run": run, "params": registry.parameters, "elapsed_s": one.at / 1e9}
            verdict = _ask(rule, given, before, now.step, one.at)
            if verdict and verdict[0] == LATER:
                waiting.append((rule, one, now.step, given))
            elif verdict:
                found.setdefault(rule.id, verdict)
        founds.append(found)
    whole = History(registry, events)
    founds.append(_due(waiting, whole, None, None, "end")[0])
    return founds


def _step(one: Event, before: History, now: History) -> tuple[str, dict[str, Any]]:
    """Give the occasion of an event, and the names of its step."""
    if one.kind == "message":
        return "message", {"message": said(one)["message"], "agent": "main", "step": now.step + 1}
    if one.kind == "action":
        return "action", now.names(one)
    if one.kind == "route":
        return "route", now.names_of_route(one) | {"step": now.step + 1}
    if one.kind != "observation":
        return "", {}
    action = next((each for each in before.actions if each.seq == one.body["action"]), None)
    if action is None or action.seq in before.blocked or action.seq in before.outcomes:
        return "", {}
    return "result" if "ok" in one.body else "failed", now.names(action)


def _ask(
    rule: Invariant, names: dict[str, Any], before: History, step: int, at: int
) -> tuple[str, tuple[int, ...]] | None:
    told = list(before.told())
    if rule.when:
        guard = Naive(rule.when.text, names, told, step, at)
        try:
            if not truth(guard.value(rule.when.tree)):
                return None
        except Undefined:
            return "unknown", tuple(sorted(guard.evidence))
    assert isinstance(rule.require, Expression)
    if isinstance(rule.require.tree, Fold) and rule.require.tree.verb == "must_follow":
        return LATER, ()
    asked = Naive(rule.require.text, names, told, step, at)
    try:
        answer = "holds" if truth(asked.value(rule.require.tree)) else "violated"
    except Undefined:
        answer = "unknown"
    return answer, tuple(sorted(asked.evidence)) if answer != "holds" else ()


def _due(
    waiting: list[tuple[Invariant, Event, int, dict[str, Any]]],
    history: History,
    step: int | None,
    at: int | None,
    occasion: str,
) -> tuple[Found, list[tuple[Invariant, Event, int, dict[str, Any]]]]:
    """Judge the steps whose time is up; ``step`` is None at the end of the run."""
    found: Found = {}
    rest = []
    for one in waiting:
        rule, event, begun, names = one
        if event.seq in history.blocked:
            continue
        assert isinstance(rule.require, Expression)
        fold = rule.require.tree
        assert isinstance(fold, Fold)
        scan = Naive(rule.require.text, names, list(history.told()), begun, event.at)
        if step is not None and at is not None:
            scan.step, scan.at = step, at
            trigger = Told("", event.seq, begun, event.at, {})
            if fold.within is None or not scan.outside(fold, trigger):
                rest.append(one)
                continue
        truths = [
            fits
            for each in scan.told
            if each.seq > event.seq and scan.of_kind(fold, each) and (fits := scan.fits(fold, each)) is not False
        ]
        if True not in truths:
            found.setdefault(rule.id, ("unknown" if truths else "violated", (event.seq,)))
    return found, rest


def _answers(other: Event, decision: Event) -> bool:
    return other.kind == "observation" and other.body["action"] == decision.body["action"]


def _text(rule: Invariant) -> str:
    assert isinstance(rule.require, Expression)
    return rule.require.text + (rule.when.text if rule.when else "")
