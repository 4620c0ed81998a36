"""How an agent went about a conversation: its calls, those that failed, and those that it made again.

Two calls are the same where tool and arguments are equal. What this does not verify: that a repeated call was of no
use; after a change, or while one waits for something, it may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.determinism import canonical
from harness.trace.event import Event

from .claims import USER


class Conduct(NamedTuple):
    """``steps`` are the agent's calls, ``turns`` its messages; ``failed`` are calls that a tool answered by an error.

    ``repeated`` are calls that were made before, ``failed_again`` failed ones that had failed before.
    """

    steps: int
    turns: int
    failed: int
    repeated: int
    failed_again: int


def conduct_of(events: Iterable[Event]) -> Conduct:
    """Count what the agent of a conversation did; the calls of a simulated user are not its own. O(events)."""
    calls: dict[int, bytes] = {}
    failed: list[bytes] = []
    turns = 0
    for event in events:
        if event.kind == "message":
            turns += event.body["message"]["role"] == "assistant"
        elif event.kind == "action" and event.agent != USER:
            calls[event.seq] = canonical.encode([event.body["tool"], event.body["args"]])
        elif event.kind == "observation" and "failed" in event.body and event.body["action"] in calls:
            failed.append(calls[event.body["action"]])
    made = list(calls.values())
    return Conduct(len(made), turns, len(failed), len(made) - len({*made}), len(failed) - len({*failed}))
