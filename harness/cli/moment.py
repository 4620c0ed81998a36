"""One step of a run as its agent saw it: what it asked for, what it knew by then, what came back, what rules said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from harness.cli.output import by_margin
from harness.trace.chat import Message, messages_in, read_message
from harness.trace.event import Event
from harness.trace.history import restored


def at_action(events: list[Event], seq: int) -> dict[str, Any]:
    """Gather everything about the action ``seq`` as JSON data. O(size of the run)."""
    steps = {event.seq: step for step, event in enumerate(event for event in events if event.kind == "action")}
    about = [event for event in events[seq + 1 :] if event.body.get("action") == seq]
    return _facts(events[seq], about, events[:seq], steps)


def _facts(action: Event, about: list[Event], before: list[Event], steps: dict[int, int]) -> dict[str, Any]:
    *_, (_, (tool, args)) = restored([*before, action])
    return {
        "step": steps[action.seq],
        "seq": action.seq,
        "agent": action.agent,
        "task": action.task,
        "at": action.at,
        "surface": action.body["surface"],
        "tool": tool,
        "args": args,
        "known": [*_known(before, steps)],
        "outcome": next((_outcome(event) for event in about if event.kind == "observation"), None),
        "said": [
            _spoken(message) for event in about if event.kind == "observation" for message in messages_in(event, action)
        ],
        "faults": [_fault(event.body, action) for event in about if event.kind == "fault"],
        "rules": list(action.body["rules"]),
        "verdicts": [event.body for event in about if event.kind == "verdict"],
        "decisions": [event.body for event in about if event.kind == "decision"],
    }


def _known(before: list[Event], steps: dict[int, int]) -> Iterator[dict[str, Any]]:
    """Give what the agent had been told before: messages, what it read, and the outcomes of its calls."""
    actions = {event.seq: event for event in before if event.kind == "action"}
    for event in before:
        if event.kind == "message":
            yield {"seq": event.seq, "message": event.body["message"]}
        elif event.kind == "read":
            yield {"seq": event.seq, "reads": event.body["reads"]}
        elif event.kind == "observation" and (asked := actions.get(event.body["action"])) is not None:
            call = {"step": steps[asked.seq], "tool": asked.body["tool"]}
            if asked.body["surface"] == "model":
                said = [_spoken(message) for message in messages_in(event, asked)]
                yield {"seq": event.seq, **call, "said": said}
            else:
                yield {"seq": event.seq, **call, "args": asked.body["args"], "outcome": _outcome(event)}


def _outcome(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.body.items() if name != "action"}


def _fault(body: dict[str, Any], action: Event) -> dict[str, Any]:
    """Give what the trace says of a fault, and what a model said in truth where it says so."""
    came = Event(action.seq, "observation", "", "", (), 0, {"action": action.seq, **body.get("clean", {})})
    said = [_spoken(message) for message in messages_in(came, action)] if "clean" in body else []
    return {name: value for name, value in body.items() if name != "action"} | {"said": said}


def _spoken(message: Message) -> dict[str, Any]:
    return {"role": message.role, "text": message.text, "calls": list(message.tool_calls)}


def told(facts: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that tell a step to people, long texts in full."""
    seconds = f"{facts['at'] / 1e9:.4f} s"
    yield f"step {facts['step']}   {facts['tool']}   agent {facts['agent']}, task {facts['task']}   {seconds}"
    yield ""
    yield from _request(facts) if facts["surface"] == "model" else _named("arguments", facts["args"])
    yield from _section("known before", (line for known in facts["known"] for line in _fact(known)))
    yield from _section("outcome", _came(facts))
    for fault in facts["faults"]:
        yield from _section("fault", _struck(fault))
    if not facts["verdicts"]:
        yield (
            f"verdict    holds, by {', '.join(facts['rules'])}" if facts["rules"] else "verdict    no rule spoke of it"
        )
    for verdict in facts["verdicts"]:
        yield from _judged(verdict)
    for decision in facts["decisions"]:
        reason = f": {decision['reason']}" if decision["reason"] else ""
        yield f"decision   {decision['decision']} by {decision['rule']}{reason}"
        if decision.get("alternative"):
            yield f"           the agent was told: {decision['alternative']}"


def _request(facts: dict[str, Any]) -> Iterator[str]:
    name = "input" if "input" in facts["args"] else "messages"
    messages = facts["args"].get(name, [])
    spoken = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    yield from _section(name, (line for raw in spoken if isinstance(raw, dict) for line in _message(raw)))
    yield from _named("options", {key: value for key, value in facts["args"].items() if key != name})


def _message(raw: dict[str, Any]) -> Iterator[str]:
    message = read_message(raw)
    yield from _speech(message.role, message.text, message.tool_calls)


def _speech(role: str, text: str, calls: Iterable[dict[str, Any]]) -> Iterator[str]:
    first, *rest = text.splitlines() or [""]
    if text:
        yield f"{role:<10} {first}"
    yield from (f"{'':<10} {line}" for line in rest)
    for call in calls:
        yield f"{role:<10} wants {call['tool']}({_json(call['args'])})"


def _fact(known: dict[str, Any]) -> Iterator[str]:
    if "message" in known:
        yield from _message(known["message"])
    elif "reads" in known:
        yield from (f"{'read':<10} {source} = {_json(value)}" for source, value in known["reads"])
    elif "said" in known:
        for message in known["said"]:
            yield from _speech(message["role"], message["text"], message["calls"])
    else:
        yield f"{'step ' + str(known['step']):<10} {known['tool']}({_json(known['args'])}) = {_json(known['outcome'])}"


def _came(facts: dict[str, Any]) -> Iterator[str]:
    if facts["outcome"] is None:
        yield "none: the call was not made, or the run was cut off"
    elif facts["said"]:
        for message in facts["said"]:
            yield from _speech(message["role"], message["text"], message["calls"])
    else:
        yield from (f"{kind:<10} {_json(value)}" for kind, value in facts["outcome"].items())


def _struck(fault: dict[str, Any]) -> Iterator[str]:
    where = f" at {fault['at']}" if "at" in fault else ""
    yield f"{fault['fault']} ({fault['kind']}){where if fault['effective'] else ' changed nothing'}"
    yield from (f"{'sent':<10} {_json(value)} at {place}" for place, value in fault.get("sent", {}).items())
    if "to" in fault:
        yield f"{'went to':<10} {', '.join(fault['to'])}"
    for message in fault["said"]:
        yield from (f"in truth   {line}" for line in _speech(message["role"], message["text"], message["calls"]))
    if "clean" in fault and not fault["said"]:
        yield f"{'in truth':<10} {_json(fault['clean'])}"


def _judged(verdict: dict[str, Any]) -> Iterator[str]:
    said = verdict["says"] or verdict.get("reason", "")
    yield f"verdict    {verdict['rule']} {verdict['verdict']}{by_margin(verdict)}{f': {said}' if said else ''}"
    yield from (f"           {name} = {_json(value)}" for name, value in verdict["values"].items())
    if verdict["evidence"]:
        yield f"           evidence: events {', '.join(map(str, verdict['evidence']))}"


def _named(title: str, values: dict[str, Any]) -> Iterator[str]:
    yield from _section(title, (f"{name:<10} {_json(value)}" for name, value in values.items()))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield title
        yield from (f"  {line}" for line in listed)
        yield ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
