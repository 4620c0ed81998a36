"""What the rules of a registry may speak of, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.registry.complaint import nearest
from harness.registry.invariant import Expression, Invariant
from harness.registry.kinds import ANY, Kind, kind_of_value, kinds_of_names, promised
from harness.registry.library import PatternError, searcher
from harness.registry.parameter import Parameter
from harness.registry.plan import window_of
from harness.registry.program import NOT_A_TOOL, applies, can_be_true
from harness.registry.reduce import reduce
from harness.registry.scope import NAMES, PAST_NAMES, STEP_NAMES
from harness.registry.tree import Constant, Field, Fold, Listing, Logic, Node, dotted, mentions, outline, walk
from harness.tool import ToolSpec
from harness.trace.covered import STATUSES, SURFACE_KINDS
from harness.trace.event import DOES

Env = Mapping[str, Kind]

_FIXED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "route.does": ("a route never does", DOES),
    "surface.kind": ("no surface is of the kind", SURFACE_KINDS),
    "surface.status": ("no surface is", STATUSES),
}
"""The names that say one of a few words, what is told of another word, and the words."""


@dataclass(frozen=True, slots=True)
class Context:
    """What rules may refer to.

    ``declared`` are the tools that the registry itself declares, ``default`` says whether others are let through
    (``allow``) or refused. ``about`` is what is stated of parameters besides their values, ``agents`` the names of the
    agents, where any are declared, ``artifacts`` the schemas of artifacts. ``definitions`` are the named expressions,
    ``unread`` the names of those that cannot be used. ``past`` keeps what is known of past events by condition.
    """

    parameters: Mapping[str, Any]
    tools: Mapping[str, ToolSpec]
    declared: frozenset[str]
    default: str
    about: Mapping[str, Parameter] = field(default_factory=dict)
    agents: frozenset[str] = frozenset()
    artifacts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    definitions: Mapping[str, Expression] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    past: dict[str, Env] = field(default_factory=dict, compare=False, repr=False)


def names_of_step(rule: Invariant, context: Context) -> Env:
    """Give the kinds of the names in a rule's expressions."""
    surfaces = any(mentions(tree, "call.surface") for tree in rule.trees())
    model = surfaces and not rule.tools and (rule.when is None or _may_be_model(rule.when.tree, context))
    kinds = _kinds(context, lambda tool: applies(rule, "tool", tool, context.parameters), rule.artifact, model=model)
    return {name: kinds[name] for name in NAMES[rule.on]} | dict.fromkeys(context.unread, ANY)


def names_anywhere(context: Context) -> Iterator[Env]:
    """Yield the kinds of names for a definition alone: for each occasion, then for each kind of past event.

    Fields are those of all tools.
    """
    kinds = _kinds(context, lambda _: True, model=False)
    unread = dict.fromkeys(context.unread, ANY)
    for names in NAMES.values():
        yield {name: kinds[name] for name in names} | unread
    now = {"now": Kind("record", fields=kinds)}
    for names in PAST_NAMES.values():
        yield {name: kind for name, kind in kinds.items() if name in names or name not in STEP_NAMES} | unread | now


def names_of_past(fold: Fold, context: Context) -> Env:
    """Give the kinds of the names of the past events that a question can be about."""
    key = f"{fold.past} {outline(fold.condition) if fold.condition else ''}"
    if key not in context.past:
        context.past[key] = _names_of_past(fold, context)
    return context.past[key]


def _names_of_past(fold: Fold, context: Context) -> Env:
    condition = fold.condition
    model = condition is not None and mentions(condition, "call.surface") and _may_be_model(condition, context)
    parts = list(_conjuncts(condition)) if condition is not None else []
    # what does not speak of the tool has the same answer for all of them
    about_tool = [part for part in parts if _speaks_of_tool(part)]
    anything = ToolSpec(NOT_A_TOOL)
    possible = all(can_be_true(part, anything, context.parameters) for part in parts if part not in about_tool)
    kinds = _kinds(
        context,
        lambda tool: possible and all(can_be_true(part, tool, context.parameters) for part in about_tool),
        model=model,
    )
    return {name: kinds[name] for name in PAST_NAMES[fold.past]}


def _conjuncts(node: Node) -> Iterator[Node]:
    if isinstance(node, Logic) and node.operator == "and":
        for part in node.parts:
            yield from _conjuncts(part)
    else:
        yield node


def _speaks_of_tool(node: Node) -> bool:
    return any(isinstance(one, Field) and dotted(one).startswith(("call.tool", "tool.")) for one in walk(node))


def _kinds(
    context: Context, concerned: Callable[[ToolSpec], bool], artifact: str = "", *, model: bool
) -> dict[str, Kind]:
    parameters = {
        name: kind_of_value(value, context.about[name].unit if name in context.about else None)
        for name, value in context.parameters.items()
    }
    made = promised([(artifact, context.artifacts[artifact])]) if artifact in context.artifacts else ANY
    if model or (context.default == "allow" and concerned(ToolSpec(NOT_A_TOOL))):
        return kinds_of_names([], parameters, made)  # of a tool that nobody declared any field may be there
    return kinds_of_names([tool for tool in context.tools.values() if concerned(tool)], parameters, made)


def _may_be_model(guard: Node, context: Context) -> bool:
    """Tell whether a guard is not false for every model call."""
    parameters = {f"params.{name}": value for name, value in context.parameters.items()}
    reduced = reduce(guard, parameters | {"call.surface": "model"})
    return not (isinstance(reduced, Constant) and reduced.value is False)


def tools_cure(name: str, context: Context) -> str:
    """Say which tool was probably meant."""
    return nearest(name, context.declared) or f"declared tools: {', '.join(sorted(context.declared))}"


def unknown_words(left: Node, right: Node, context: Context, *, any_tool: bool) -> Iterator[tuple[Node, str, str]]:
    """Yield the words that something is compared with and can never be: place, message, cure.

    Tools and agents that nobody declares, what no route does and no surface is; written out, or a parameter holds them.
    """
    for chain, other in ((left, right), (right, left)):
        name = dotted(chain).removeprefix("now.")
        if name in _FIXED:
            said, words = _FIXED[name]
            yield from (
                (place, f"{said} {word!r}", nearest(str(word), words) or f"known: {', '.join(words)}")
                for place, word in _words(other, context)
                if word not in words
            )
            continue
        if name in ("call.tool", "tool.name", "route.tool") and not any_tool:
            what, known = "tool", context.declared
        elif name == "agent":
            what, known = "agent", context.agents
        else:
            continue
        for place, word in _words(other, context) if known else ():
            if word not in known:
                cure = nearest(str(word), known) or f"declared {what}s: {', '.join(sorted(known))}"
                yield place, f"unknown {what} {word!r}", cure


def _words(node: Node, context: Context) -> Iterator[tuple[Node, Any]]:
    if isinstance(node, Listing):
        for item in node.items:
            yield from _words(item, context)
    elif isinstance(node, Constant):
        yield node, node.value
    elif dotted(node).startswith("params."):
        value = context.parameters.get(dotted(node).removeprefix("params."))
        yield from ((node, word) for word in (value if isinstance(value, list) else [value]) if type(word) is str)


def mistake_in_pattern(node: Node, context: Context) -> tuple[str, str] | None:
    """Say what is wrong with a regular expression that a parameter holds, and the cure."""
    pattern = context.parameters.get(dotted(node).removeprefix("params."))
    if isinstance(node, Constant) or type(pattern) is not str:
        return None  # a literal was checked when it was read
    try:
        searcher(pattern)
    except PatternError as error:
        return f"{dotted(node)} is no regular expression: {error}", "the syntax is that of RE2"
    return None


def mistake_in_window(within: Node, context: Context) -> tuple[str, str] | None:
    """Say why a window is not known now: as a number of steps or a duration, written out or a parameter."""
    name = dotted(within).removeprefix("params.")
    if not isinstance(within, Constant) and name not in context.parameters:
        return "within= is neither written out nor a parameter", _WINDOW_CURE
    try:
        window_of(within.value if isinstance(within, Constant) else context.parameters[name])
    except ValueError as error:
        return f"within= {error}", _WINDOW_CURE
    return None


_WINDOW_CURE: Final = 'write within=5 for steps, or a duration such as within="90 s" (ms, s, min, h, d), or a parameter'
