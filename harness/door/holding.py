"""What holds at a call, and in a whole test, as far as it decides whether two findings go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.errors import UsageError
from harness.registry.complaint import ExpressionError
from harness.registry.explain import Explanation
from harness.registry.parse import parse
from harness.registry.tree import Name, Node, walk
from harness.registry.values import Undefined
from harness.stress.causes.calls import Told
from harness.stress.causes.effects import Local
from harness.tool import ToolSpec

_NAMES: Final = ("call", "agent", "input")
_CURE: Final = f"write an expression in the language of rules, over {', '.join(_NAMES)}"


class Holding:
    """Give conditions: who acts, which modes a call is made in, and what expressions say.

    A mode is an argument that is true or false, or one of the few that the tool's schema lists. ``stated`` are
    expressions in the language of rules, by name, over ``call`` (tool, args, surface, and ``underway``: how many calls
    to the same place had not come back when it was made), ``agent`` and ``input``; one that speaks of the input alone
    holds in the whole test. What lacks its data says nothing, and agrees with anything.
    UsageError for an expression that cannot be read, or speaks of something else.
    """

    def __init__(self, tools: Mapping[str, ToolSpec], stated: Mapping[str, str]) -> None:
        self._modes = {name: _listed(spec) for name, spec in tools.items()}
        trees = {name: (text, _tree(name, text)) for name, text in stated.items()}
        speaks = {name: _speaks_of(tree) for name, (_, tree) in trees.items()}
        self._of_tests = {name: known for name, known in trees.items() if speaks[name] <= {"input"}}
        self._of_calls = {name: known for name, known in trees.items() if name not in self._of_tests}

    def under(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give what holds in a whole test of this input."""
        return _values(self._of_tests, {"input": dict(given)})

    def local(self, given: Mapping[str, Any]) -> Local:
        """Give what says, in a test of this input, what holds at a call."""

        def at(made: Told) -> dict[str, Any]:
            body = made.event.body
            listed = self._modes.get(body["tool"], frozenset())
            modes = {
                f"args.{name}": value
                for name, value in body["args"].items()
                if name in listed or isinstance(value, bool)
            }
            call = {name: body[name] for name in ("tool", "args", "surface")} | {"underway": made.underway}
            names = {"call": call, "agent": made.event.agent, "input": dict(given)}
            return {"agent": made.event.agent} | modes | _values(self._of_calls, names)

        return at


def _listed(spec: ToolSpec) -> frozenset[str]:
    """Name the arguments whose values the schema lists."""
    properties = (spec.arguments or {}).get("properties", {})
    return frozenset(name for name, said in properties.items() if isinstance(said, dict) and "enum" in said)


def _tree(name: str, text: str) -> Node:
    try:
        tree = parse(text)
    except ExpressionError as error:
        raise UsageError(f"{name}: {error.message}", where=text, cure=error.cure or _CURE) from None
    for other in sorted(_speaks_of(tree) - {*_NAMES}):
        raise UsageError(f"{name}: there is no {other} here", where=text, cure=_CURE)
    return tree


def _speaks_of(tree: Node) -> set[str]:
    return {node.name for node in walk(tree) if isinstance(node, Name)}


def _values(stated: Mapping[str, tuple[str, Node]], names: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for name, (text, tree) in stated.items():
        try:
            values[name] = Explanation(text, names).value(tree)
        except Undefined:
            pass  # it lacks its data
    return values
