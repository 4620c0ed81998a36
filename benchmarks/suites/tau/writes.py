"""Each write call of a recorded conversation: what the rules would have done, and what the gold actions say of it.

A call is *refused* where the tool itself refused it, *right* where the task's gold actions hold one of the same name
with equal arguments (equal JSON: the order of keys does not matter, the order of a list does, numbers and texts are
told apart), *wrong* otherwise, *open* where the transcript ends before an answer. An answer belongs to the call before
it, not to every call of its id: the models repeat ids. Each call is judged by itself: a gold action may stand for two
equal calls, and one that is missing is nobody's call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from harness.determinism import canonical
from harness.mediation.decision import decide
from harness.registry.registry import Registry
from harness.trace.event import Event
from harness.trace.verdict import Judgement

from .traced import Traced

HAND_OVER: Final = "transfer_to_human_agents"  # declared a write, and changes no order or reservation


class Write(NamedTuple):
    """One write call; ``against`` are the blocking rules that do not hold, ``decision`` what the door would do."""

    tool: str
    truth: str
    decision: str
    against: Sequence[str]
    undecided: Sequence[str]
    escalating: Sequence[str]


class Judged(NamedTuple):
    """The writes of a conversation, and by number of the message every rule that was violated there; 0 is the end."""

    writes: tuple[Write, ...]
    violated: dict[int, set[str]]


def judged(traced: Traced, registry: Registry, asked: Sequence[Any]) -> Judged:
    """Judge a conversation by a registry; the gold actions, what was ``asked``, are looked at after the last event."""
    message, calls = 0, dict[int, tuple[Event, Judgement]]()
    refused: dict[int, bool] = {}
    violated: dict[int, set[str]] = defaultdict(set)
    for event, judgement in traced.judged():
        message += event.kind == "message"
        violated[message if event.seq >= 0 else 0] |= {
            verdict.rule for verdict in judgement.verdicts if verdict.truth == "violated"
        }
        if event.kind == "action" and _writes(event, registry):
            calls[event.seq] = event, judgement
        elif event.kind == "observation":
            refused[event.body["action"]] = "failed" in event.body
    gold = {_spelled(one["name"], one.get("kwargs", one.get("arguments"))) for one in asked}
    writes = tuple(
        _write(event, judgement, registry, _truth(event, refused.get(seq), gold))
        for seq, (event, judgement) in calls.items()
    )
    return Judged(writes, dict(violated))


def _writes(event: Event, registry: Registry) -> bool:
    tool = event.body["tool"]
    return tool in registry.tools and registry.tools[tool].effect == "write" and tool != HAND_OVER


def _write(event: Event, judgement: Judgement, registry: Registry, truth: str) -> Write:
    tool = event.body["tool"]
    decision = decide(judgement, registry, registry.tools[tool], "enforce").decision

    def rules(truth: str, otherwise: str) -> tuple[str, ...]:
        return tuple(v.rule for v in judgement.verdicts if v.truth == truth and v.otherwise == otherwise)

    against, undecided = rules("violated", "block"), rules("unknown", "block")
    return Write(tool, truth, decision, against, undecided, rules("violated", "escalate"))


def _truth(event: Event, refused: bool | None, gold: set[bytes]) -> str:
    if refused is None:
        return "open"
    if refused:
        return "refused"
    return "right" if _spelled(event.body["tool"], event.body["args"]) in gold else "wrong"


def _spelled(name: str, arguments: Any) -> bytes:
    return canonical.encode([name, arguments])
