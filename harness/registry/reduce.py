"""Work out the parts of an expression that are known before a step is made.

For a step on a given tool, ``call.tool``, ``tool.*`` and ``params.*`` are known. A guard that speaks of nothing else
becomes true or false, so that a step is judged by no rule that cannot speak of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.registry.explain import Explanation
from harness.registry.tree import Choice, Constant, Each, Field, Fold, Logic, Name, Node, children, dotted, rebuild
from harness.registry.values import Undefined


def known_of(tool: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is known of a step by its dotted name; ``tool`` is the declaration, None where there is no call."""
    known = {f"params.{name}": value for name, value in parameters.items()}
    if tool is not None:
        here = {f"tool.{name}": value for name, value in tool.items()} | {"call.tool": tool["name"]}
        known |= here | {f"now.{name}": value for name, value in here.items()}
    return known


def reduce(node: Node, known: Mapping[str, Any]) -> Node:
    """Give the tree with everything known put in and worked out; its value is the same wherever it has one."""
    if isinstance(node, Field) and (name := dotted(node)) in known:
        return Constant(node.span, known[name])
    if isinstance(node, Fold):
        if node.index >= 0:  # bound to its monitor, which knows better
            return node
        # inside, call and tool speak of the past event
        known = {name: value for name, value in known.items() if name.startswith(("params.", "now."))}
    node = rebuild(node, lambda child: reduce(child, known))
    if isinstance(node, Logic):
        return _logic(node)
    if isinstance(node, Choice) and isinstance(node.test, Constant) and type(node.test.value) is bool:
        return node.then if node.test.value else node.otherwise
    return node if isinstance(node, Constant | Name | Fold | Each) else _worked_out(node)


def _worked_out(node: Node) -> Node:
    if not all(isinstance(child, Constant) for child in children(node)):
        return node
    try:
        return Constant(node.span, Explanation("", {}).value(node))
    except Undefined:
        return node


def _logic(node: Logic) -> Node:
    decisive = node.operator == "or"
    parts = tuple(part for part in node.parts if not (isinstance(part, Constant) and part.value is (not decisive)))
    if any(isinstance(part, Constant) and part.value is decisive for part in parts):
        return Constant(node.span, decisive)
    return Logic(node.span, node.operator, parts) if parts else Constant(node.span, not decisive)
