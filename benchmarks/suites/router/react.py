"""A step-by-step agent: it asks a model what to do, does it, shows the model what came of it, and asks again.

The loop is a real one over the OpenAI client. Its model is scripted, and as good as a model can be here: at every step
it says what the oracle would do next, knowing no more than the conversation tells. So what is counted is a floor: no
agent that asks before every step asks less.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from openai import OpenAI

from harness.testing.model_server import ModelRequest, ModelServer, Policy, Reply, call_tool, say

from .oracle import Case, End, Mood, Outcome, predict
from .world import World

_UNDO: Final = "undo_"
_DONE: Final = "done"
_NO_WAY: Final = "there is no way"


def react(case: Case, world: World) -> tuple[Outcome, int]:
    """Let the agent work in a world; give what came of it and how many requests its model was sent.

    ``found`` counts the calls that failed; the agent has no plans, so it makes no new ones.
    """
    with ModelServer(_policy(case)) as server, OpenAI(base_url=server.base_url, api_key="scripted") as client:
        said, found = _loop(client, world)
        asked = len(server.requests)
    end: End = "served" if said == _DONE else "escalated"
    path, attempts, undone = tuple(world.answered), tuple(world.attempts), tuple(world.undone)
    return Outcome(end, path, attempts, found, 0, undone, world.ledger.net()), asked


def _loop(client: OpenAI, world: World) -> tuple[str, int]:
    """Ask and act until the model calls no tool any more; give what it says then, and how many calls failed."""
    tools = _tools(world)
    offered: Any = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in tools
    ]
    messages: list[Any] = [{"role": "user", "content": f"Get to {world.case.goal}, one tool after another."}]
    found = 0
    while True:
        answer = client.chat.completions.create(model="scripted", messages=messages, tools=offered)
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return message.content or "", found
        for call in message.tool_calls:
            assert call.type == "function"
            result = _called(tools[call.function.name])
            found += "error" in result
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})


def _called(tool: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return tool()
    except OSError as error:
        return {"error": str(error)}


def _tools(world: World) -> dict[str, Callable[[], dict[str, Any]]]:
    kinds = world.case.kinds
    calls = {tool: world.function(world.call, tool) for tool in world.case.tools}
    undos = {_UNDO + tool: world.function(world.undo, tool) for tool, kind in kinds.items() if kind == "undoable"}
    return calls | undos


def _policy(case: Case) -> Policy:
    """Give the model: it looks at which calls have failed so far, and does what is right if nothing else does."""

    def policy(request: ModelRequest) -> Reply:
        called = [call["function"]["name"] for message in request.messages for call in message.get("tool_calls", ())]
        results = [json.loads(one["content"]) for one in request.messages if one["role"] == "tool"]
        failed: dict[str, tuple[Mood, ...]] = {
            tool: ("refused",) for tool, result in zip(called, results, strict=True) if "error" in result
        }
        right = predict(replace(case, moods=failed))
        steps = [*right.attempts, *(_UNDO + tool for tool in right.undone)]
        if len(results) < len(steps):
            return call_tool(steps[len(results)])
        return say(_DONE if right.end == "served" else _NO_WAY)

    return policy
