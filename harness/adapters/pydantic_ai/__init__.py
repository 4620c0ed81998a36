"""Agents, toolsets and models of pydantic-ai: what they do passes the door.

The seam is public: each run of a wrapped agent is given one capability more, which wraps the toolset of that run, the
model of each request, and the functions that outputs are processed by. A wrapped agent stays the object it was, of a
subclass, so that whoever holds it already passes the door too: tools that run it, decorators that are applied to it
later.

A wrapped agent that is run inside a tool or an output function of another one was handed the work: that is an action
``handoff``. Not covered: realtime sessions, batches, and models whose client is none that an app can wrap.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic_ai.agent import AbstractAgent
from pydantic_ai.models import Model
from pydantic_ai.toolsets import AbstractToolset

from harness.adapters.exchange import Doorway
from harness.adapters.pydantic_ai.agents import passing_agent
from harness.adapters.pydantic_ai.capability import Door
from harness.adapters.pydantic_ai.covered import covered
from harness.adapters.pydantic_ai.models import Clients, passing
from harness.adapters.pydantic_ai.tools import passing_tools
from harness.errors import UsageError

__all__ = ["covered", "wrap_pydantic_ai"]


def wrap_pydantic_ai(wrapped: Any, doorway: Doorway, *, delegates: Collection[str] = ()) -> Any:
    """Give an agent, a toolset or a model with what it does passing the door.

    ``delegates`` names tools and output functions that only hand the work to other agents: they are no action
    themselves, run again on replay, and can be resumed in the middle. UsageError for anything else.
    """
    clients, past = Clients(doorway), frozenset(delegates)
    if isinstance(wrapped, AbstractAgent):
        if isinstance(wrapped.model, Model):
            passing(wrapped.model, clients)  # its key is a secret from now on
        return passing_agent(wrapped, Door(doorway, past, clients))
    if isinstance(wrapped, AbstractToolset):
        return passing_tools(wrapped, doorway, past)
    if isinstance(wrapped, Model):
        return passing(wrapped, clients) or wrapped
    kind = type(wrapped)
    raise UsageError(
        f"cannot wrap a {kind.__module__}.{kind.__name__}",
        cure="wrap a pydantic_ai.Agent, a toolset or a model; a tool is wrapped with its agent",
    )
