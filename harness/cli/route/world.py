"""Simulated tools over one ledger: what they are told to do wrong they do, everything else serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from harness.determinism.canonical import digest_of
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.routing.graph import Graph
from harness.trace.outcome import Failed, Ok, Outcome, Unknown

KINDS: Final = {
    "down": "it refuses the connection: nothing has happened",
    "timeout": "no answer, and nothing has happened, which nobody knows",
    "commit-then-timeout": "no answer, and it has happened, which nobody knows",
    "error": "an error which says that nothing has happened, and that trying again will not help",
    "wrong": "it happens, and the answer is not what was promised",
    "refused": "a rule or a person says no before it happens",
}
_PROMISED: Final = {"right": True}
_WRONG: Final = {"right": False}


class Fault(NamedTuple):
    """What goes wrong with a tool, the next ``times`` that it is called; None is for ever."""

    kind: str
    times: int | None = None


class World:
    """The tools of a graph, simulated. ``effects`` are the writes that stand, by what they were made of.

    A write that may be repeated has its effect once for equal arguments, keys included. What a result says is not
    simulated: where a tool declares a contract for it, the fault ``wrong`` breaks that, else nobody can notice it.
    """

    def __init__(self, graph: Graph, faults: dict[str, list[Fault]]) -> None:
        self.graph = _without_values(graph)
        self._faults = {tool: list(of) for tool, of in faults.items()}
        self.effects: list[tuple[str, str]] = []

    def call(self, tool: str, args: dict[str, Any], undoes: str = "") -> tuple[Outcome | None, str]:
        """Call a tool: its outcome, or None and why it was refused."""
        kind = self._fault(tool)
        if kind in ("", "wrong", "commit-then-timeout"):
            self._happens(tool, args, undoes)
        match kind:
            case "refused":
                return None, f"{tool} is refused"
            case "down":
                return Failed({"type": "ConnectionRefusedError", "message": f"{tool} is down"}), ""
            case "error":
                return Failed({"type": "Error", "message": f"{tool} says no", "happened": False}), ""
            case "timeout" | "commit-then-timeout":
                return Unknown("timeout"), ""
            case "wrong":
                return Ok(_WRONG), ""
        return Ok(_PROMISED), ""

    def happened(self, tool: str, args: dict[str, Any]) -> bool:
        """Tell whether a call has had its effect, as a probe would."""
        return self._effect(tool, args) in self.effects

    def ledger(self) -> dict[str, int]:
        """Give how many effects of each tool stand."""
        return dict(Counter(tool for tool, _ in self.effects))

    def _fault(self, tool: str) -> str:
        planned = self._faults.get(tool, [])
        if not planned:
            return ""
        kind, times = planned[0]
        if times is not None:
            planned[:1] = [Fault(kind, times - 1)] if times > 1 else []
        return kind

    def _happens(self, tool: str, args: dict[str, Any], undoes: str) -> None:
        spec = self.graph.tools[tool]
        effect = self._effect(tool, args)
        if undoes:
            self.effects = _without_last(self.effects, undoes)
        elif spec.effect == "write" and not (spec.repeatable(args) and effect in self.effects):
            self.effects.append(effect)

    @staticmethod
    def _effect(tool: str, args: dict[str, Any]) -> tuple[str, str]:
        return tool, digest_of(args)


def read_faults(said: Sequence[str], graph: Graph) -> dict[str, list[Fault]]:
    """Read ``TOOL[:KIND[:TIMES]]``, several of one tool one after the other; UsageError for what is none."""
    faults: dict[str, list[Fault]] = {}
    for text in said:
        tool, *rest = text.split(":")
        kind, *times = rest or ["down"]
        if tool not in graph.tools:
            cure = nearest(tool, graph.tools) or f"it has: {', '.join(graph.tools)}"
            raise UsageError(f"the graph has no tool {tool!r}", where=f"--fail {text}", cure=cure)
        if kind not in KINDS:
            cure = nearest(kind, KINDS) or f"one of: {', '.join(KINDS)}"
            raise UsageError(f"there is no failure {kind!r}", where=f"--fail {text}", cure=cure)
        if len(times) > 1 or any(not (one.isdecimal() and int(one)) for one in times):
            raise UsageError("how often it fails is no whole number", where=f"--fail {text}", cure=f"{tool}:{kind}:2")
        faults.setdefault(tool, []).append(Fault(kind, int(times[0]) if times else None))
    return faults


def _without_values(graph: Graph) -> Graph:
    """Give a graph whose calls need no values: nothing is bound but keys, and a result is right or wrong."""
    arcs = tuple(replace(arc, args=(), results=()) for arc in graph.arcs)
    tools = {
        name: replace(spec, arguments=None, result=None if spec.result is None else {"const": _PROMISED})
        for name, spec in graph.tools.items()
    }
    return replace(graph, arcs=arcs, tools=tools, undo_args={})


def _without_last(effects: list[tuple[str, str]], tool: str) -> list[tuple[str, str]]:
    at = max((at for at, (name, _) in enumerate(effects) if name == tool), default=len(effects))
    return effects[:at] + effects[at + 1 :]
