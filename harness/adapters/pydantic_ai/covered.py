"""Which surfaces of an agent of pydantic-ai pass the door, and which do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from pydantic_ai.models import Model, infer_model
from pydantic_ai.toolsets import AbstractToolset, ExternalToolset, FunctionToolset

from harness.adapters.pydantic_ai.models import mediated, paths_of
from harness.adapters.pydantic_ai.tools import serves
from harness.trace.covered import Covered

_SEARCH: Final = "tool_search"
"""Every agent has it: the provider looks for tools among those it was offered, and does nothing with them."""


def covered(
    agent: Any, outputs: Iterable[str] = (), toolsets: Sequence[AbstractToolset[Any]] = (), model: Any = None
) -> list[Covered]:
    """List the surfaces of an agent, with the ``outputs`` that are functions, and a run's own ``toolsets`` and model.

    Not listed: what tools and capabilities of the program do past pydantic-ai, and realtime sessions.
    """
    found = [
        *_models(model or agent.model),
        *(one for toolset in (*agent.toolsets, *toolsets) for one in _tools(toolset)),
        *(Covered("tool", name, "mediated", "an output function") for name in outputs),
        *_hosted(agent),
        Covered("handoff", "handoff", "mediated", "to agents that are wrapped too"),
    ]
    return list(dict.fromkeys(found))


def _models(model: Any) -> Iterator[Covered]:
    if isinstance(model, str):
        model = _by_name(model)
    if isinstance(model, Model):
        why = "" if mediated(model) else "its client is none that can be wrapped"
        for path in paths_of(model):
            yield Covered("model", path, "unseen" if why else "mediated", why)
    elif isinstance(model, str):
        yield Covered("model", model, "unseen", "it cannot be made here")


@cache
def _by_name(name: str) -> Any:
    """Make a model to see what it is; give back the name of one that cannot be made."""
    try:
        return infer_model(name)
    except Exception:  # noqa: BLE001 - whatever a provider misses, such as a key or a package
        return name


def _tools(toolset: AbstractToolset[Any]) -> list[Covered]:
    found: list[Covered] = []

    def visit(leaf: AbstractToolset[Any]) -> None:
        leaf = getattr(leaf, "wrapped", leaf)
        if isinstance(leaf, FunctionToolset):
            found.extend(Covered("tool", name, "mediated") for name in leaf.tools)
        elif isinstance(leaf, ExternalToolset):
            why = "made by the program after the run; the model is shown what it hands in"
            found.extend(Covered("tool", one.name, "observed", why) for one in leaf.tool_defs)
        elif serves(leaf):
            found.append(Covered("server", str(leaf.label), "mediated", "an MCP server"))
        else:
            found.append(Covered("tool", str(leaf.label), "mediated", "its tools are known when it is asked for them"))

    toolset.apply(visit)
    return found


def _hosted(agent: Any) -> Iterator[Covered]:
    for tool in agent.root_capability.get_native_tools():
        kind = str(getattr(tool, "kind", None) or getattr(tool, "__name__", "native tool"))
        if kind != _SEARCH:
            yield Covered("hosted", kind, "observed", "run by the provider; its answer tells of it")
