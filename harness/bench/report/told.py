"""One event of a trace as one line of a report: what it is, in a word or two, and what it says, in short."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from harness.trace.chat import messages_in
from harness.trace.event import Event

Tone = Literal["", "good", "bad", "doubt"]
LONGEST: Final = 220

_OPEN: Final[Mapping[str, Tone]] = {"reroute": "doubt", "settle": "doubt", "escalate": "bad"}


class Told(NamedTuple):
    """A line: ``head`` says what happened, ``tone`` whether that is good news; ``text`` is at most LONGEST letters."""

    head: str
    tone: Tone
    text: str


def told(event: Event, action: Event | None) -> Told:
    """Tell an event; ``action`` is the one that it is about, where there is one."""
    head, tone, text = _TELLERS[event.kind](event, action)
    return Told(head, tone, short(text))


def short(text: Any) -> str:
    """Bring a text to one line of LONGEST letters at most."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def call_text(action: Event) -> str:
    """Give a call as its tool and arguments; of a model's call, what was said to it since the last one."""
    if action.body["surface"] == "model":
        return "  ".join(f"{message.role}: {message.text}" for message in messages_in(action) if message.text)
    return f"({_arguments(action.body['args'])})"


def _action(event: Event, _: Event | None) -> Told:
    return Told(event.body["tool"], "", call_text(event))


def _observation(event: Event, action: Event | None) -> Told:
    body = event.body
    if "failed" in body:
        return Told("failed", "bad", body["failed"]["error"].get("message", ""))
    if "unknown" in body:
        return Told("unknown", "doubt", body["unknown"]["reason"])
    if action is None or action.body["surface"] != "model":
        return Told("ok", "good", _json(body["ok"]))
    said = [
        part
        for message in messages_in(event, action)
        for part in (message.text, *(f"{call['tool']}({_arguments(call['args'])})" for call in message.tool_calls))
        if part
    ]
    return Told("ok", "good", "  ".join(said))


def _verdict(event: Event, _: Event | None) -> Told:
    body, violated = event.body, event.body["verdict"] == "violated"
    says = body["says"] if violated else body.get("reason", "")
    return Told(body["verdict"], "bad" if violated else "doubt", f"{body['rule']}: {says}" if says else body["rule"])


def _decision(event: Event, _: Event | None) -> Told:
    return Told(event.body["decision"], "bad", f"{event.body['rule']}: {event.body['reason']}")


def _message(event: Event, action: Event | None) -> Told:
    said = " ".join(message.text for message in messages_in(event, action))
    return Told(str(event.body["message"].get("role", "message")), "", said)


def _read(event: Event, _: Event | None) -> Told:
    return Told("reads", "", ", ".join(dict.fromkeys(source for source, _ in event.body["reads"])))


def _route(event: Event, _: Event | None) -> Told:
    body = event.body
    served = body.get("served")
    does = {True: "served", False: "not served"}.get(served, body["does"]) if served is not None else body["does"]
    tone: Tone = "good" if served else "bad" if served is False else _OPEN.get(does, "")
    way = " → ".join(map(str, body.get("path", ())))
    parts = [f"to {body['goal']}" if body["goal"] else "", body.get("tool", ""), way, body.get("why", "")]
    return Told(does, tone, " · ".join(part for part in parts if part))


def _fault(event: Event, _: Event | None) -> Told:
    body = event.body
    inert = "" if body["effective"] else " (inert: nothing changed)"
    return Told(f"fault {body['fault']}", "doubt", f"{body['kind']}{inert}")


def _state(event: Event, _: Event | None) -> Told:
    return Told(event.body["machine"], "", f"{event.body['name']}: {_arguments(event.body['data'])}")


def _note(event: Event, _: Event | None) -> Told:
    body = event.body
    if "raised" in body:
        return Told("raised", "bad", f"{body['raised'].get('type', '')}: {body['raised'].get('message', '')}")
    if "returned" in body:
        return Told("returned", "", _json(body["returned"]))
    return Told("note", "", _arguments(body))


_TELLERS: Final[Mapping[str, Callable[[Event, Event | None], Told]]] = {
    "action": _action,
    "observation": _observation,
    "verdict": _verdict,
    "decision": _decision,
    "message": _message,
    "read": _read,
    "route": _route,
    "fault": _fault,
    "state": _state,
    "note": _note,
}


def _arguments(args: Any) -> str:
    if not isinstance(args, dict):
        return _json(args)
    return ", ".join(f"{name}={_json(value)}" for name, value in args.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
