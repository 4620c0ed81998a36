"""Everything a trace can say, as one closed set of frozen events.

An event is given its number, time and address; it never takes them itself, or a replay could not be equal to its
record. ``Event.body`` holds plain JSON; the shapes are in ``BODIES`` and any other key is an error, on writing and
on reading.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, get_args

Kind = Literal["message", "action", "observation", "verdict", "decision", "read", "note", "route", "state", "fault"]
KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

# what a route can do, as its events say it; ``signal`` is what a monitor has noticed of the session
Does = Literal["plan", "retry", "reroute", "settle", "undo", "escalate", "answer", "end", "signal"]
DOES: Final[tuple[str, ...]] = get_args(Does)

Surface = Literal["tool", "model", "escalation", "server", "message", "handoff", "memory"]
"""What an action goes to: a tool, a model, or whoever is asked what to do where a route has no way on.

``server`` is what a client and a server of tools settle between them: the handshake, the lists of what there is.
"""
ACTS: Final[frozenset[str]] = frozenset(("tool", "message", "handoff", "memory"))
"""The surfaces of what an agent does itself: it calls tools, speaks to other agents, hands over to them, and keeps."""


class Event(NamedTuple):
    """One line of a trace.

    ``seq`` counts from 0 without gaps. ``task`` is the address of the asyncio task or thread that spoke: the
    parent's address and a number, and ``/N`` where it spoke inside the effect of action N. ``parents`` are the
    numbers of the events this one follows from. ``at`` is nanoseconds on the session's clock.
    """

    seq: int
    kind: Kind
    agent: str
    task: str
    parents: tuple[int, ...]
    at: int
    body: dict[str, Any]


class Shape(NamedTuple):
    """State which keys a body must have and may have, and the JSON types of their values."""

    required: dict[str, type | tuple[type, ...]]
    optional: dict[str, type | tuple[type, ...]]


BODIES: Final[dict[str, Shape]] = {
    # a chat message as it was said: {"role": …, "content": …, …}
    "message": Shape({"message": dict}, {}),
    # an intent, written before anything happens. args: canonical JSON; id: the model's own id of a tool call;
    # rules: ids of the rules that spoke of this call; serves: of a call that a route makes, the number of the call that
    # asked for the goal
    "action": Shape({"surface": str, "tool": str, "args": dict, "rules": list}, {"id": str, "serves": int}),
    # what came back: exactly one of ok, failed {"error", "retryable"}, unknown {"reason"}
    "observation": Shape({"action": int}, {"ok": object, "failed": dict, "unknown": dict}),
    # a rule that did not hold: verdict violated | unknown; would: what it would have done if not in observe mode;
    # gradient: the nearest values that would have been right
    "verdict": Shape(
        {"rule": str, "verdict": str, "severity": str, "says": str, "values": dict, "evidence": list},
        {"action": int, "margin": (int, float), "reason": str, "would": str, "gradient": list},
    ),
    # what the harness did about it, where that is not a plain allow; answer: what an approver said; args: those of the
    # call that is proposed instead, where it is rewritten
    "decision": Shape(
        {"action": int, "decision": str, "rule": str, "reason": str},
        {"alternative": str, "retryable": bool, "answer": dict, "args": dict},
    ),
    # what the speaker took from clocks, chance and the environment since it last spoke: [[source, value], …]
    "read": Shape({"reads": list}, {}),
    # anything worth keeping that is none of the above; the agent's own result is {"returned": …} or {"raised": …}
    # artifact: the name of something the run made, which is data
    "note": Shape({}, {"returned": object, "raised": dict, "text": str, "data": object, "artifact": str}),
    # what a machine of harness has come to: the round of a convergence loop, the tally of a vote, a node of a plan
    "state": Shape({"machine": str, "name": str, "data": dict}, {}),
    # a fault of a plan that struck an action; it stands inside of the action's effect, where there is one. clean: what
    # came in truth, as an observation says it, where anything was performed; at: where the agent's outcome first
    # differs from what it was before, for a model's whole or streamed answer a pointer into the answer, and into the
    # request where that was changed; sent: by such pointers, what the request said there instead; to: who got a message
    # instead; not effective: the fault is inert here
    "fault": Shape(
        {"action": int, "fault": str, "kind": str, "effective": bool},
        {"clean": dict, "at": str, "sent": dict, "to": list},
    ),
    # what a route to a goal does, one of DOES. action: the call that asked for the goal; after: the failed observation,
    # or the decision, that this disposes of; tool: the one that failed, or that has undone; path: the tools on the way
    # from here to the goal, at the end those whose work stands; cost: of the path, at the end what was spent; until:
    # the session's nanoseconds before which nothing is tried again; undo: the tools whose writes are to be taken back,
    # in that order, or the one whose write was; deadlock: why there is no way; choice: what a person or a model made
    # of that; data: of a signal, its monitor, priority and subject
    "route": Shape(
        {"does": str, "goal": str},
        {
            "action": int,
            "after": int,
            "tool": str,
            "path": list,
            "cost": (int, float),
            "why": str,
            "until": int,
            "deadlock": dict,
            "choice": dict,
            "served": bool,
            "undo": list,
            "data": dict,
        },
    ),
}


def plain(event: Event) -> dict[str, Any]:
    """Give an event as the JSON object that people read."""
    return {**event._asdict(), "parents": list(event.parents)}
