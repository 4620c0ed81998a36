"""What the rules of a registry may speak of, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from harness.registry.complaint import nearest
from harness.registry.invariant import Invariant
from harness.registry.kinds import Kind, kinds_of_names
from harness.registry.program import NOT_A_TOOL, applies, can_be_true
from harness.registry.scope import NAMES, PAST_NAMES
from harness.registry.tree import Fold
from harness.tool import ToolSpec

Env = Mapping[str, Kind]


class Context(NamedTuple):
    """What rules may refer to.

    ``declared`` are the tools that the registry itself declares, ``default`` says whether others are let through
    (``allow``) or refused.
    """

    parameters: Mapping[str, Any]
    tools: Mapping[str, ToolSpec]
    declared: frozenset[str]
    default: str


def names_of_step(rule: Invariant, context: Context) -> Env:
    """Give the kinds of the names in a rule's expressions."""
    kinds = _kinds(context, lambda tool: applies(rule, "tool", tool, context.parameters))
    return {name: kinds[name] for name in NAMES[rule.on]}


def names_of_past(fold: Fold, context: Context) -> Env:
    """Give the kinds of the names of the past events that a question can be about."""
    condition = fold.condition
    kinds = _kinds(context, lambda tool: condition is None or can_be_true(condition, tool, context.parameters))
    return {name: kinds[name] for name in PAST_NAMES[fold.past]}


def _kinds(context: Context, concerned: Callable[[ToolSpec], bool]) -> dict[str, Kind]:
    if context.default == "allow" and concerned(ToolSpec(NOT_A_TOOL)):
        return kinds_of_names([], context.parameters)  # of a tool that nobody declared any field may be there
    return kinds_of_names([tool for tool in context.tools.values() if concerned(tool)], context.parameters)


def tools_cure(name: str, context: Context) -> str:
    """Say which tool was probably meant."""
    return nearest(name, context.declared) or f"declared tools: {', '.join(sorted(context.declared))}"
