"""Simulations of tau2-bench as traces.

A file is one object ``{"info", "tasks", "simulations", …}``. Its messages become Chat Completions messages, the policy
in ``info`` the system message before them; times, costs and raw answers of the provider are left out. The reward, the
gold actions and the tokens that the agent's model says it took are labels. In some domains the simulated user calls
tools as well: the agent of those calls is ``user``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from harness.adapters.transcripts.conversation import Conversation, documents
from harness.adapters.transcripts.openai_chat import chat_events
from harness.adapters.transcripts.tau import outcome_of
from harness.determinism import canonical
from harness.errors import UsageError
from harness.trace.event import Event

_UNJUDGED: Final = "evaluate it with tau2-bench, or leave it out of the file"
_CURE: Final = "expected an object with info, tasks and simulations, as tau2-bench saves it"


def conversations(path: Path) -> Iterator[Conversation]:
    """Yield the simulations of a file; UsageError names the one that is not of this format."""
    for place, said in documents(path):
        try:
            policy = said["info"]["environment_info"]["policy"]
            gold = {task["id"]: task["evaluation_criteria"]["actions"] or [] for task in said["tasks"]}
            simulations = list(said["simulations"])
        except (KeyError, TypeError):
            raise UsageError("not a file of tau2-bench", where=place, cure=_CURE) from None
        for number, simulation in enumerate(simulations):
            yield _conversation(number, simulation, policy, gold, f"{place}, simulation {number}")


def chat_messages(policy: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the messages of a simulation as Chat Completions messages; KeyError or TypeError where one is not of it."""
    return [{"role": "system", "content": policy}, *map(_message, messages)]


def _conversation(
    number: int, simulation: dict[str, Any], policy: str, gold: dict[str, Any], place: str
) -> Conversation:
    try:
        task, trial, judged = simulation["task_id"], simulation["trial"], simulation["reward_info"]
        if judged is None:
            raise UsageError("the simulation was not evaluated: reward_info is null", where=place, cure=_UNJUDGED)
        reward = judged["reward"]
        label = {"gold": gold[task], "reward": reward, "task": task, "trial": trial, **_tokens(simulation["messages"])}
        messages = chat_messages(policy, simulation["messages"])
        users = {message["id"] for message in simulation["messages"] if message.get("requestor") == "user"}
    except (KeyError, TypeError) as error:
        raise UsageError(f"not a simulation of tau2-bench: {error}", where=place, cure=_CURE) from None
    source = {"messages": canonical.digest_of(messages), "task": task, "trial": trial}
    events = _spoken(chat_events(messages, place, outcome_of), users)
    return Conversation(f"simulation-{number:03d}", source, events, label)


def _tokens(messages: list[dict[str, Any]]) -> dict[str, int]:
    """Give the tokens of the agent's requests and answers; nothing where no message tells them."""
    used = [message["usage"] for message in messages if message["role"] == "assistant" and message.get("usage")]
    return {"tokens": sum(one["prompt_tokens"] + one["completion_tokens"] for one in used)} if used else {}


def _message(said: dict[str, Any]) -> dict[str, Any]:
    message = {"role": said["role"], "content": said["content"]}
    if said["role"] == "tool":
        return message | {"tool_call_id": said["id"]}
    return message | ({"tool_calls": list(map(_call, said["tool_calls"]))} if said.get("tool_calls") else {})


def _call(said: dict[str, Any]) -> dict[str, Any]:
    arguments = canonical.encode(said["arguments"]).decode()
    return {"id": said["id"], "type": "function", "function": {"name": said["name"], "arguments": arguments}}


def _spoken(events: Iterator[Event], users: set[str]) -> Iterator[Event]:
    """Say of each call and its answer whether the user made it."""
    made: set[int] = set()
    for event in events:
        if event.kind == "action" and event.body["id"] in users:
            made.add(event.seq)
        calls = event.seq if event.kind == "action" else event.body.get("action")
        yield event._replace(agent="user") if calls in made else event
