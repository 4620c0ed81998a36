"""What two traces must agree on to be the same run: their steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.adapters.files import open_trace, trace_files
from harness.adapters.otel.export import otlp_json
from harness.adapters.otel.runs import conversations
from harness.adapters.transcripts.conversation import Conversation, Imported, write_traces
from harness.trace.chat import messages_in, read_message, tokens_of
from harness.trace.event import Event
from harness.trace.history import Histories

ROOT = Path(__file__).parents[3]
GOLDEN = trace_files([ROOT / "traces"])
FIXTURES = Path(__file__).parent / "fixtures"


def written(folder: Path, events: list[Event], **run: Any) -> Path:
    """Write events as a trace."""
    write_traces([Conversation("made", {}, events, {}, run=run)], "test", folder / "made.json", folder / "made")
    return folder / "made" / "made.mat.jsonl"


def exported(trace: Path, folder: Path, *, content: bool = True) -> Path:
    """Export a trace into a folder."""
    out = folder / f"{trace.name}.otlp.json"
    out.write_text("".join(otlp_json(trace, "1.0", content=content)), encoding="utf-8")
    return out


def imported(sources: list[Path], out: Path) -> tuple[list[Path], Imported]:
    """Import files of OTLP JSON; gives the traces and what was counted."""
    counted = write_traces(conversations(sources), "otel", sources[0], out)
    return trace_files([out]), counted


def events_of(trace: Path) -> list[Event]:
    """Read a trace, checking every line."""
    with open_trace(trace) as reader:
        events = list(reader)
        assert reader.footer is not None
    return events


def steps_of(events: list[Event], *, content: bool = True) -> list[dict[str, Any]]:
    """Give the steps of a run: who did what, inside and after which other step, and what came of it."""
    histories = Histories()
    number = {event.seq: step for step, event in enumerate(one for one in events if one.kind == "action")}
    outcomes = {event.body["action"]: event for event in events if event.kind == "observation"}
    found = []
    for event in events:
        if event.kind != "action":
            continue
        body, ended = event.body, outcomes.get(event.seq)
        model = body["surface"] == "model"
        asked = histories.restore(body["tool"], body["args"], event.seq) if model else body["args"]
        step = {
            "agent": event.agent,
            "at": event.at,
            "id": body.get("id"),
            "inside": [number.get(int(part.partition(".")[0]), "?") for part in event.task.split("/")[1:]],
            "outcome": kind_of(ended),
            "retryable": ended is not None and ended.body.get("failed", {}).get("retryable"),
            "rules": list(body["rules"]),
            "serves": number.get(body.get("serves", -1)),
            "surface": body["surface"],
            "tool": body["tool"],
        }
        if content:
            step["asked"] = said(asked) if model else asked
            step["came"] = answered(event, ended) if model else ended and whole(ended)
            step["model"] = asked.get("model")
        found.append(step)
    return found


def kind_of(observation: Event | None) -> str | None:
    """Give the kind of an outcome."""
    return next((kind for kind in ("ok", "failed", "unknown") if observation and kind in observation.body), None)


def whole(observation: Event) -> Any:
    """Give an outcome without the number of its action."""
    return {name: value for name, value in observation.body.items() if name != "action"}


def said(request: dict[str, Any]) -> list[Any]:
    """Give the messages of a model's request as roles, texts and calls."""
    items = request.get("messages", request.get("input")) or []
    return [plain(read_message(item)) for item in items]


def answered(action: Event, observation: Event | None) -> Any:
    """Give what a model answered as roles, texts, calls and tokens."""
    if observation is None or "ok" not in observation.body:
        return observation and whole(observation)
    messages = [plain(message) for message in messages_in(observation, action)]
    return messages, tokens_of(observation.body["ok"])


def plain(message: Any) -> Any:
    """Give a message as role, text and calls; an answer of a tool with the id of its call."""
    return message.role, message.text, list(message.tool_calls), message.raw.get("tool_call_id")
