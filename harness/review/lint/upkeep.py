"""What a rule, a parameter or a tool lacks: examples, a source, a word to the agent, anybody who uses it.

Not verified: that an example, a source or a text is a good one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

from harness.registry.document import Written, read
from harness.registry.graph.assemble import without_goals
from harness.registry.graph.reach import relevant
from harness.registry.invariant import Invariant
from harness.registry.program import applies
from harness.registry.registry import Registry
from harness.registry.story import subject
from harness.registry.tree import Constant, Field, dotted, walk
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.tool import ToolSpec

_BLOCKING: Final = ("block", "escalate")


def lacking(rule: Invariant) -> Iterator[Diagnostic]:
    """Yield what a rule should state and does not."""
    at = rule.at.find(["id"])
    kinds = [said for kind, said in _KINDS.items() if not getattr(rule.examples, kind)]
    if kinds:
        cure = "a rule's examples are its tests: harness registry test"
        yield diagnostic("no-example", rule.id, at, f"no example {' and none '.join(kinds)}", cure)
    if not rule.source:
        yield diagnostic("no-source", rule.id, at, "it is not said where this rule comes from", "add source: …")
    if rule.says is None and rule.otherwise in _BLOCKING:
        cure = "add says: what the agent may do instead"
        yield diagnostic("no-says", rule.id, at, f"{rule.otherwise}s without a word to the agent", cure)


def unused(registry: Registry) -> Iterator[Diagnostic]:
    """Yield the parameters and definitions that no rule uses, and the tools that no rule or example speaks of."""
    trees = [tree for rule in registry.invariants for tree in rule.trees()]
    chains = {dotted(node) for tree in trees for node in walk(tree) if isinstance(node, Field)}
    for name in registry.parameters:
        if f"params.{name}" not in chains:
            at = registry.places[f"parameters.{name}"]
            yield diagnostic("unused-parameter", "", at, f"no rule uses the parameter {name!r}", "drop it")
    used = frozenset[str]().union(*(rule.uses() for rule in registry.invariants))
    for key, at in registry.places.items():
        part, _, name = key.partition(".")
        if part == "define" and name not in used:
            yield diagnostic("unused-definition", "", at, f"no rule uses the definition {name!r}", "drop it")
    told = {subject(line) for rule in registry.invariants for line in _lines(rule)}
    words = (
        told
        | ({*registry.graph.tools} if registry.graph else set())
        | {node.value for tree in trees for node in walk(tree) if isinstance(node, Constant)}
    )
    for name, spec in without_goals(registry.tools, registry.graph).items():
        granted = any(fnmatchcase(name, pattern) for rule in registry.invariants for pattern in rule.grants)
        rules = [rule for rule in registry.invariants if not rule.derived and _speaks(rule, spec, registry)]
        at = registry.places[f"tools.{name}"]
        if spec.effect == "write" and not any(rule.otherwise in _BLOCKING for rule in rules):
            cure = "state a rule that blocks or escalates it where it must not be called"
            yield diagnostic("unguarded-write", "", at, f"{name} writes, and no rule can block it", cure)
        elif not (rules or granted or name in words) and spec.effect == "read":
            said = f"no rule speaks of {name}"
            yield diagnostic("unused-tool", "", at, said, "declared it may be called at any time; drop it if not meant")


def unneeded(registry: Registry) -> Iterator[Diagnostic]:
    """Yield the tools of the graph that lead to none of its goals."""
    if registry.graph is None:
        return
    arcs, goals = registry.graph.arcs, registry.graph.goals.values()
    needed = {arcs[index].tool for goal in goals for index in relevant(arcs, goal.needs)}
    for tool in dict.fromkeys(arc.tool for arc in arcs):
        if tool is not None and tool not in needed:
            at = registry.places[f"tools.{tool}"]
            yield diagnostic("unneeded-tool", "", at, f"no goal needs what {tool} gives", "drop it, or add its goal")


def _lines(rule: Invariant) -> Iterator[dict[str, Any]]:
    """Yield the lines of a rule's examples."""
    for story in (*rule.examples.holds, *rule.examples.violated):
        yield from story


def unknown_allowed(registry: Registry) -> Iterator[Diagnostic]:
    """Yield that what cannot be decided is let through though there are rules that block."""
    blocking = [rule.id for rule in registry.invariants if rule.otherwise in _BLOCKING and not rule.derived]
    if registry.unknown == "allow" and blocking:
        said = f"what {', '.join(blocking[:3])}{' …' * (len(blocking) > 3)} cannot decide is let through"
        yield diagnostic("unknown-allowed", "", _stated(registry, "unknown"), said, "write unknown: block_writes")


def _speaks(rule: Invariant, spec: ToolSpec, registry: Registry) -> bool:
    return rule.on in ("action", "result") and applies(rule, "tool", spec, registry.parameters)


def _stated(registry: Registry, key: str) -> Written:
    """Find where a registry states a key of its head; the first rule where no file of it is at hand."""
    sources = {rule.at.source.file: rule.at.source for rule in registry.invariants}
    for source in sorted(sources.values(), key=lambda one: one.file != registry.file):
        document = read("\n".join(source.lines), source.file)
        if key in (document.entries or {}):
            return document.find([key])
    return registry.invariants[0].at.find(["id"])


_KINDS: Final = {"holds": "that holds", "violated": "that is violated"}
