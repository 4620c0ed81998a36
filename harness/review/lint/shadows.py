"""Rules that can never be the deciding one.

A rule is shadowed if it is violated only where another rule, which goes before it by response, severity and place, is
violated too: proven for every tool it speaks of. Not reported: rules that are JSON Schemas, and what is not proven.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.registry.invariant import RESPONSES, SEVERITIES, Invariant
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.review.lint.proof import FALSE, NOT_FALSE, NOT_TRUE, variables
from harness.review.lint.scene import Scene, Stage


def shadowed(stage: Stage) -> Iterator[Diagnostic]:
    """Yield the rules that are violated only where another rule, which goes before them, is violated too."""
    rules = [rule for rule in stage.rules if rule.on != "end"]
    place = {rule.id: number for number, rule in enumerate(rules)}
    depends = {rule.id: _variables(rule, stage) for rule in rules}
    for rule in rules:
        scenes = list(_violable(rule, stage))
        rivals = (
            one
            for one in rules
            if one.on == rule.on and one.artifact == rule.artifact and depends[one.id] & depends[rule.id]
        )
        for other in sorted(rivals, key=lambda one: place[one.id]):
            if other is not rule and _before(other, rule, place) and _covers(other, rule, scenes, stage):
                said = f"wherever this is violated, {other.id} ({other.place}) is too, and goes before it"
                at = rule.at.find(["require"])
                yield diagnostic("shadowed", rule.id, at, said, "drop one of them, or tell their guards apart")
                break


def _variables(rule: Invariant, stage: Stage) -> set[str]:
    for scene in stage.scenes(rule):
        require = scene.require(rule)
        if require is not None:
            return variables(require)
    return set()


def _before(other: Invariant, rule: Invariant, place: dict[str, int]) -> bool:
    """Tell whether a rule decides before another one."""

    def rank(one: Invariant) -> tuple[int, int, int]:
        return -RESPONSES.index(one.otherwise), -SEVERITIES.index(one.severity), place[one.id]

    return rank(other) < rank(rule)


def _covers(other: Invariant, rule: Invariant, scenes: list[Scene], stage: Stage) -> bool:
    """Tell whether it is proven that one rule is violated wherever another one is."""
    speaks = stage.scenes(other)
    for scene in scenes:
        if scene not in speaks or scene.require(other) is None:
            return False
        violated = (scene.speaks(rule), scene.requires(rule, FALSE))
        if not scene.rules_out(*violated, scene.speaks(other, NOT_TRUE)):
            return False
        if not scene.rules_out(*violated, scene.requires(other, NOT_FALSE)):
            return False
    return bool(scenes)


def _violable(rule: Invariant, stage: Stage) -> Iterator[Scene]:
    """Yield the scenes where a rule may be violated, as far as is known; none where it is a JSON Schema."""
    for scene in stage.scenes(rule):
        if scene.require(rule) is not None and not scene.rules_out(scene.speaks(rule), scene.requires(rule, FALSE)):
            yield scene
