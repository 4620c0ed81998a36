"""What has to come out, whatever framework the agents are built with, and how it is read from a trace."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.files import open_trace
from harness.trace.chat import messages_in
from harness.trace.event import Event
from tests.adapters.frameworks.scenario.model import ASKED, CAPPED, CHARGED, NOTE, ORDER


class Step(NamedTuple):
    """One action: who acted, what was called, and what was decided about it, in order."""

    agent: str
    tool: str
    decisions: tuple[str, ...] = ("allow",)


STEPS: Final = [
    Step("triage", "check_stock"),
    Step("triage", "find_order"),
    Step("triage", "note", ("rewrite",)),
    Step("triage", "note"),  # the call that was put in its place
    Step("triage", "refund", ("block",)),
    Step("triage", "refund", ("escalate", "allow")),
    Step("triage", "handoff"),
    Step("billing", "charge"),
]
"""The whole run; calls that one answer of the model asks for stand in the order of their names."""

STOPPED: Final = [*STEPS[:5], Step("triage", "refund", ("escalate",))]
"""The run that waits for an answer."""

WRITTEN: Final = [
    ("note", {"order_id": ORDER, "text": NOTE[:20]}),
    ("refund", {"cents": ASKED, "order_id": ORDER}),
    ("charge", {"cents": CHARGED, "order_id": ORDER}),
]
"""The rows of the ledger."""

WRITTEN_FREELY: Final = [
    ("note", {"order_id": ORDER, "text": NOTE}),
    ("refund", {"cents": CAPPED, "order_id": ORDER}),
    ("charge", {"cents": CHARGED, "order_id": ORDER}),
]
"""The rows of the ledger where no rule does anything, or none is there."""

FREE_STEPS: Final = [
    *STEPS[:2],
    Step("triage", "note"),
    Step("triage", "refund"),
    Step("triage", "handoff"),
    Step("billing", "charge"),
]
"""The run where every rule only observes."""

RESULT: Final = f"Your order {ORDER} is settled: charged {CHARGED}, the rest is on its way to you."

_REFUSED: Final = '{"refused":'


def steps_in(trace: Path) -> list[Step]:
    """Give the actions of a trace that are none of a model or a server, with what was decided about them."""
    with open_trace(trace) as reader:
        events = list(reader)
    decided: dict[int, list[str]] = {}
    for event in events:
        if event.kind == "decision":
            decided.setdefault(event.body["action"], []).append(event.body["decision"])
    actions = [event for event in events if event.kind == "action" and event.body["surface"] != "server"]
    turns = groupby(actions, key=lambda event: event.body["surface"] == "model")
    return [_step(event, decided) for model, turn in turns if not model for event in _in_order(list(turn))]


def refusals_in(trace: Path) -> list[dict[str, Any]]:
    """Give the refusals that the model was shown as results of tools, as data."""
    with open_trace(trace) as reader:
        said = [message for event in reader for message in messages_in(event) if message.role == "tool"]
    results = [_result(message.text) for message in said]
    found = [text[text.index(_REFUSED) :] for text in results if _REFUSED in text]
    return [json.JSONDecoder().raw_decode(text)[0]["refused"] for text in found]


def _result(text: str) -> str:
    """Give the text of a result; some frameworks write that of a failed tool as ``{"error": TEXT}``."""
    try:
        said = json.loads(text)
    except ValueError:
        return text
    return str(said["error"]) if isinstance(said, dict) and "error" in said else text


def speakers_in(trace: Path) -> list[str]:
    """Give who asked the model, without repetitions."""
    with open_trace(trace) as reader:
        asked = [event.agent for event in reader if event.kind == "action" and event.body["surface"] == "model"]
    return [agent for agent, _ in groupby(asked)]


def _step(action: Event, decided: dict[int, list[str]]) -> Step:
    return Step(action.agent, action.body["tool"], tuple(decided.get(action.seq, ("allow",))))


def _in_order(turn: list[Event]) -> list[Event]:
    """Order what an answer of the model asks for by name, and leave each call with those put in its place."""
    return sorted(turn, key=lambda event: event.body["tool"])
