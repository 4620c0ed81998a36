"""Agents of LangGraph and LangChain at the door: graphs, tools, chat models and stores, wrapped where they are.

A graph is wrapped by wrapping what it is made of (``parts``): its tools, the models over the clients of OpenAI and
Anthropic, the stores, and the graphs inside of it. Everything stays the object it was, and is changed in place: whoever
holds it, such as a second graph, holds what passes the door. Outside a session all of it works as before. Not covered:
tools and models that are made while a graph runs, checkpointers, graphs that run elsewhere, and what nodes do by
themselves.
"""

from __future__ import annotations

from typing import Any

from harness.adapters.exchange import Doorway
from harness.adapters.langgraph.calls import destination
from harness.adapters.langgraph.graphs import pass_graph
from harness.adapters.langgraph.models import pass_model, path_of
from harness.adapters.langgraph.parts import Parts, makes_models, parts_of
from harness.adapters.langgraph.stores import pass_store
from harness.adapters.langgraph.tools import pass_tool
from harness.errors import UsageError
from harness.trace.covered import Covered

__all__ = ["covered", "wrap_langgraph"]


def wrap_langgraph(client: Any, doorway: Doorway) -> Any:
    """Give a graph, a tool, a chat model, a store, or a chain of them, with what it does passing the door.

    The same object is given back. UsageError for what nothing of the kind can be found in, and for a chat model over
    another client.
    """
    parts = parts_of(client)
    for tool in parts.tools:
        pass_tool(tool, doorway)
    passing = [model for model in parts.models if pass_model(model, doorway)]
    stores = [store for store in parts.stores if pass_store(store, doorway)]
    for graph in parts.graphs:
        pass_graph(graph, doorway, covered(client) if graph is client else ())
    if not (parts.graphs or parts.tools or passing or stores):
        kind = type(client)
        raise UsageError(
            f"cannot wrap a {kind.__module__}.{kind.__name__}",
            cure="wrap a compiled graph, a tool, a store, or a chat model such as ChatOpenAI or ChatAnthropic",
        )
    return client


def covered(graph: Any) -> list[Covered]:
    """List the surfaces of a wrapped graph, chain or tool, as far as they can be seen before it runs."""
    parts = parts_of(graph)
    return [*_tools(parts), *_models(parts), *_memory(parts)]


def _tools(parts: Parts) -> list[Covered]:
    found = []
    for tool in parts.tools:
        to = destination(tool)
        if to is None:
            found.append(Covered("tool", tool.name, "mediated"))
        else:
            found.append(Covered("handoff", to, "mediated", f"by {tool.name}"))
    hosted = "run by the provider of the model; what came of it stands in the model's answer"
    return found + [Covered("hosted", kind, "observed", hosted) for kind in parts.hosted]


def _models(parts: Parts) -> list[Covered]:
    found = []
    for model in parts.models:
        path, kind = path_of(model), type(model).__name__
        if not path:
            found.append(Covered("model", kind, "unseen", "not over a client of OpenAI or Anthropic"))
        elif makes_models(model):
            found.append(Covered("model", path, "mediated", "made by name when it is called"))
        else:
            found.append(Covered("model", path, "mediated", kind))
    return found


def _memory(parts: Parts) -> list[Covered]:
    kept = "a graph's own state, not what agents share"
    return [
        *(
            Covered("memory", type(store).__name__, "mediated")
            if hasattr(store, "harness_door")
            else Covered("memory", type(store).__name__, "unseen", "it collects calls for a task of its own")
            for store in parts.stores
        ),
        *(Covered("memory", type(one).__name__, "unseen", kept) for one in parts.checkpointers),
    ]
