"""What the tests of LangGraph share: an app whose runs are recorded and replayed, and graphs of one node of tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from harness.adapters.files import open_trace
from harness.door.app import Harness
from harness.door.replay import replay
from harness.registry.load import load
from harness.trace.event import Event

HEAD = 'registry: desk\nversion: "1"\ndefault: allow\n'


class Desk:
    """An app with rules, its runs, and what its tools have done for real."""

    def __init__(self, folder: Path, rules: str = "", **options: Any) -> None:
        self.app = Harness(load(HEAD + rules, "desk.yaml") if rules else None, traces=folder / "runs", **options)
        self.done: list[Any] = []

    def record(self, agent: Callable[[], Any]) -> tuple[Any, str]:
        """Run an agent and give its result, or what it raised, and its trace."""
        session = self.app.session()
        try:
            result = session.run(agent)
        except Exception as error:
            result = error
        return result, session.trace.path

    def twice(self, agent: Callable[[], Any]) -> tuple[Any, str]:
        """Record an agent and replay it; assert that all is equal, and that nothing is done again."""
        result, path = self.record(agent)
        done = list(self.done)
        again = replay(path, entry=agent, app=self.app)
        assert again.equal, again.divergence
        assert self.done == done
        same = again.result if again.error is None else again.error
        assert repr(same) == repr(result)
        return result, path


def events(path: str, kind: str = "action") -> list[Event]:
    """Give the events of a kind."""
    with open_trace(path) as reader:
        return [one for one in reader if one.kind == kind]


def calls(path: str) -> list[tuple[str, str, Any]]:
    """Give the actions: surface, tool and arguments."""
    return [(one.body["surface"], one.body["tool"], one.body["args"]) for one in events(path)]


def asked(*wanted: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Give the state in which a model has asked for tools, with ids from ``c0`` on."""
    tool_calls = [{"name": name, "args": args, "id": f"c{at}"} for at, (name, args) in enumerate(wanted)]
    return {"messages": [AIMessage("", tool_calls=tool_calls, id="asked")]}


def node_of(tools: list[Any], **options: Any) -> Any:
    """Give a compiled graph that is one node of tools."""
    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "tools")
    graph.add_edge("tools", END)
    return graph.compile(**options)
