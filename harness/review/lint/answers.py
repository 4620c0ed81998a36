"""Requirements that every step meets, or none.

Proven over the boxes of the scenes, see ``proof``; what is not proven is not reported. A requirement that the tool
alone decides is taken as meant: ``require: tool.effect == "read"`` forbids every write.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.registry.invariant import Invariant
from harness.registry.tree import Constant
from harness.review.lint.diagnostic import Diagnostic, diagnostic
from harness.review.lint.proof import NOT_TRUE, Ranges, impossible
from harness.review.lint.scene import Scene, Stage, named


def unmovable(rule: Invariant, stage: Stage) -> Iterator[Diagnostic]:
    """Yield that a requirement is met by no step, or by every step, for which the rule speaks."""
    scenes = [scene for scene in stage.scenes(rule) if not scene.rules_out(scene.speaks(rule))]
    asked = [scene for scene in scenes if not isinstance(scene.require(rule), Constant | None)]
    at = rule.at.find(["require"])
    hopeless = [scene for scene in asked if scene.rules_out(scene.speaks(rule), scene.requires(rule))]
    if hopeless:
        alone = any(scene.rules_out(scene.requires(rule)) for scene in hopeless)
        where = f" of {named(hopeless)}" if hopeless[0].spec else ""
        said = f"no step{where} can satisfy this" + ("" if alone else ", where the guard is true")
        cure = "if that is meant, write require: 'False'; else compare with the declared schema and parameters"
        yield diagnostic("never-satisfiable", rule.id, at, said, cure, level="error" if alone else "warning")
    elif asked and len(asked) == len(scenes) and all(_idle(rule, scene, scene.box) for scene in scenes):
        by_itself = all(_idle(rule, scene, scene.facts) for scene in scenes)
        said = "this is always true" if by_itself else "by the declared schemas this is always true"
        cure = "drop the rule, or say what it is to rule out"
        yield diagnostic("always-true", rule.id, at, said, cure, level="warning" if by_itself else "note")


def _idle(rule: Invariant, scene: Scene, box: Ranges) -> bool:
    return impossible([scene.speaks(rule), scene.requires(rule, NOT_TRUE)], box)
