"""How the calls of one route are made: their arguments, their idempotency keys, and what they could leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.routing.binding import Bindings, constants, opened
from harness.routing.calls import Call
from harness.routing.graph import Graph
from harness.routing.holdings import Holdings, Write


class Caller:
    """Make calls of the arcs of a graph from what a route holds.

    ``nonce`` makes the keys of this route its own. ``asked`` are the arguments of an arc that was asked for by its
    tool's name, in place of those that the graph binds.
    """

    def __init__(
        self,
        graph: Graph,
        bindings: Bindings,
        holdings: Holdings,
        nonce: str,
        asked: tuple[int, Mapping[str, Any]] | None,
    ) -> None:
        self._graph, self._bindings, self._holdings = graph, bindings, holdings
        self._nonce, self._asked = nonce, asked

    def of(self, index: int) -> Call:
        """Give a call of an arc; Unbound where the facts that are held do not make one."""
        arc = self._graph.arcs[index]
        assert arc.tool is not None
        bound = constants(self._asked[1]) if self._asked is not None and self._asked[0] == index else arc.args
        args = self._bindings.arguments(arc.tool, bound, self._holdings.facts, self._mark(arc.tool, arc.gives))
        bit = self._holdings.new_bit() if self._graph.tools[arc.tool].effect == "write" else 0
        return Call(index, arc.tool, args, bit, used=self._holdings.used(arc))

    def taking_back(self, write: Write) -> Call:
        """Give the call that undoes a write: its arguments as the graph states them, else by name of what was passed.

        Unbound where they do not fit.
        """
        tool = self._graph.tools[write.tool].undo
        assert tool is not None
        mark = self._mark(write.tool, ())
        stated = self._graph.undo_args.get(tool)
        if stated is not None:
            args = self._bindings.arguments(tool, stated, self._holdings.facts, mark)
        else:
            args = self._bindings.arguments(tool, constants(self._passed(tool, write)), {}, mark)
        return Call(-1, tool, args, 0, undoes=write)

    def risk(self, index: int) -> int:
        """Rank what a call of an arc could leave behind: nothing, what can be repeated or undone, what is final."""
        spec = self._graph.tools[self._graph.arcs[index].tool or ""]
        if spec.effect == "read":
            return 0
        return 1 if spec.undo is not None or spec.idempotent or spec.idempotency_key is not None else 2

    def written(self, call: Call, result: Any) -> Write:
        """Give what a call has written."""
        key = self._graph.tools[call.tool].idempotency_key
        keyed = key if key is not None and key not in dict(self._graph.arcs[call.arc].args) else ""
        return Write(call.bit, call.tool, call.args, result, keyed)

    def _passed(self, tool: str, write: Write) -> dict[str, Any]:
        spec, result = self._graph.tools[tool], opened(write.result)
        known = {**result, **write.args} if isinstance(result, dict) else dict(write.args)
        if write.keyed and write.keyed == spec.idempotency_key:
            del known[write.keyed]  # the key of the call that is undone, not of the one that undoes it
        takes = (spec.arguments or {}).get("properties", known)
        return {name: value for name, value in known.items() if name in takes}

    def _mark(self, tool: str, gives: Sequence[str]) -> tuple[Any, ...]:
        """Give what an idempotency key stands for: what was taken back and is done again is another call."""
        return self._nonce, *gives, self._holdings.undone.get(tool, 0)
