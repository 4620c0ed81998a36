"""Rules, patterns and questions that can never come to anything.

Proven from the declarations of the tools, the parameters and the schemas. Not verified: whether what can speak ever
does; ``coverage`` tells that of stored traces.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.registry.domain import Range
from harness.registry.invariant import Expression, Invariant
from harness.registry.program import NOT_A_TOOL, can_be_true
from harness.registry.template import Hole
from harness.registry.tree import Fold, Node, mentions, walk
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.review.lint.proof import TRUE, Goal, impossible
from harness.review.lint.scene import ROLES, Scene, Stage, matches
from harness.tool import ToolSpec
from harness.trace.event import DOES


def silent(rule: Invariant, stage: Stage) -> Iterator[Diagnostic]:
    """Yield what shows that a rule, or one of its patterns, can never speak."""
    scenes = [scene for scene in stage.scenes(rule) if not _never(rule, scene)]
    if not scenes:
        yield _dead(rule, stage)
        return
    written = rule.at.find(["tool"])
    for place, pattern in zip(written.items or (written,), rule.tools, strict=False):
        if not any(matches(pattern, scene) for scene in scenes):
            said = f"for no tool that {pattern!r} takes in can the guard be true"
            yield diagnostic("dead-pattern", rule.id, place, said, "drop the pattern, or widen the guard")


def never_asked(rule: Invariant, stage: Stage) -> Iterator[Diagnostic]:
    """Yield the questions about the past that no event can answer."""
    for key, tree, start in texts(rule):
        for node in walk(tree):
            if isinstance(node, Fold) and node.condition is not None and _unanswerable(node, node.condition, stage):
                begin, end = node.condition.span
                at = rule.at.find([key])
                said = f"no {_EVENTS[node.past]} can fit this condition: the answer is always the same"
                cure = _CURES.get(node.past, "check tools and facts")
                yield diagnostic("dead-question", rule.id, at, said, cure, start=start + begin, end=start + end)


def texts(rule: Invariant) -> Iterator[tuple[str, Node, int]]:
    """Yield the trees of a rule: the key they stand under, the tree, where its text begins in the value's."""
    if rule.when is not None:
        yield "when", rule.when.tree, 0
    if isinstance(rule.require, Expression):
        yield "require", rule.require.tree, 0
    for piece in rule.says.pieces if rule.says else ():
        if isinstance(piece, Hole):
            yield "says", piece.tree, piece.start


def _never(rule: Invariant, scene: Scene) -> bool:
    return rule.when is not None and scene.rules_out(scene.speaks(rule))


def _dead(rule: Invariant, stage: Stage) -> Diagnostic:
    at = rule.at.find(["when"] if rule.when else ["tool"] if rule.tools else ["id"])
    if all(impossible([scene.speaks(rule)], scene.facts) for scene in stage.scenes(rule)):
        cure = "change the guard or the tools, or drop the rule"
        return diagnostic("dead-rule", rule.id, at, _why(rule, stage), cure)
    said = "by the declared schemas this is never true: the rule speaks only of what does not fit them"
    cure = "change the guard or the schema; what is to keep calls to a schema is a rule with schema: {arguments: …}"
    return diagnostic("dead-rule", rule.id, at, said, cure, level="warning")


def _why(rule: Invariant, stage: Stage) -> str:
    if rule.on in ("message", "route", "surface", "end"):
        return f"this can be true of no {rule.on}: the rule never speaks"
    asked = "no declared tool" if stage.registry.tools else "no tool"
    among = f" among {', '.join(rule.tools)}" if rule.tools else ""
    return f"for {asked}{among} can this be true: the rule never speaks"


def _unanswerable(fold: Fold, condition: Node, stage: Stage) -> bool:
    registry = stage.registry
    if fold.past == "message":
        role = Range(words=frozenset(ROLES))
        return impossible([Goal(condition, TRUE)], {"role": role, "message.role": role})
    if fold.past == "route":
        return impossible([Goal(condition, TRUE)], {"route.does": Range(words=frozenset(DOES))})
    if not registry.tools or mentions(condition, "call.surface"):
        return False
    specs = [*registry.tools.values(), *([ToolSpec(NOT_A_TOOL)] if registry.default == "allow" else [])]
    return not any(can_be_true(condition, spec, registry.parameters) for spec in specs)


_EVENTS = {
    "action": "call",
    "result": "result",
    "message": "message",
    "route": "event of a route",
    "refusal": "refusal",
}
_CURES = {"message": f"roles are: {', '.join(ROLES)}", "route": f"a route does: {', '.join(DOES)}"}
