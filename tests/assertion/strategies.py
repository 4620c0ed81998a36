"""Random runs for the checker."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.trace.event import Event

TOOLS = ["pay", "look", "other"]
arguments = st.fixed_dictionaries({}, optional={"id": st.integers(0, 2), "cents": st.integers(-1, 3) | st.just("5")})


def event(seq: int, kind: Any, body: dict[str, Any]) -> Event:
    """Make an event."""
    return Event(seq, kind, "main", "0", (), seq, body)


def action(seq: int, tool: str, args: dict[str, Any]) -> Event:
    """Make the event of a tool call."""
    return event(seq, "action", {"surface": "tool", "tool": tool, "args": args, "rules": ()})


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """Give the events of a run: messages, calls, outcomes in any order, and calls that were blocked."""
    events: list[Event] = []
    waiting: list[int] = []
    for choice in draw(st.lists(st.sampled_from(["say", "call", "call", "answer", "answer", "block"]), max_size=14)):
        seq = len(events)
        if choice == "say":
            message = {
                "role": draw(st.sampled_from(["user", "assistant"])),
                "content": draw(st.sampled_from(["yes", "no"])),
            }
            events.append(event(seq, "message", {"message": message}))
        elif choice == "call":
            waiting.append(seq)
            events.append(action(seq, draw(st.sampled_from(TOOLS)), draw(arguments)))
        elif waiting:
            body: dict[str, Any] = {"action": waiting.pop(draw(st.integers(0, len(waiting) - 1)))}
            if choice == "block":
                events.append(event(seq, "decision", body | {"decision": "block", "rule": "A", "reason": ""}))
            else:
                failed = {"failed": {"error": {}, "retryable": False}}
                outcome = draw(
                    st.sampled_from([{"ok": {"n": 1}}, {"ok": '{"n": 2}'}, failed, {"unknown": {"reason": ""}}])
                )
                events.append(event(seq, "observation", body | outcome))
    return events
