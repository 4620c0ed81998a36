"""Everything that can be said against a registry before it judges anything."""

from __future__ import annotations

from collections.abc import Iterator

from harness.registry.registry import Registry
from harness.review.lint.answers import unmovable
from harness.review.lint.conflicts import conflicts
from harness.review.lint.cost import costs
from harness.review.lint.diagnostic import LEVELS, Diagnostic
from harness.review.lint.duplicates import duplicates
from harness.review.lint.scene import Stage
from harness.review.lint.shadows import shadowed
from harness.review.lint.solvable import of_artifacts
from harness.review.lint.speaking import never_asked, silent
from harness.review.lint.upkeep import lacking, unknown_allowed, unneeded, unused
from harness.review.lint.wording import wording


def lint(registry: Registry) -> list[Diagnostic]:
    """Give the findings on a registry in the order of its lines, what is more serious first within one.

    What is said of satisfiability is proven, for steps of the declared domains; what is not proven is not said. Not
    verified: that a rule says what its source says. O(rules² · tools) proofs, each of a bounded number of boxes.
    """
    found = list(_all(registry))
    told = {(one.check, one.rule) for one in found}
    found += [one for one in of_artifacts(registry) if (one.check, one.rule) not in told or not one.rule]
    dead = {one.rule for one in found if one.check == "dead-rule"}
    double = {one.rule for one in found if one.check == "duplicate"}
    idle = {one.rule for one in found if one.check in _SAY_SO_TOO}
    kept = [
        one
        for one in found
        if not (one.rule in dead and one.check in _OF_THE_LIVING)
        and not (one.rule in double and one.check == "shadowed")
        and not (one.rule in idle and one.check == "implied")
    ]
    own = registry.file.split(", ")
    return sorted(dict.fromkeys(one if one.mistake.file in own else _of_others(one) for one in kept), key=_order)


def _of_others(one: Diagnostic) -> Diagnostic:
    """Take a finding on an inherited rule lightly where it says no more than that the rule is not for these tools."""
    return one._replace(level="note") if one.check in _OF_THE_TOOLS else one


def _all(registry: Registry) -> Iterator[Diagnostic]:
    stage = Stage(registry)
    for rule in stage.rules:
        yield from silent(rule, stage)
        yield from never_asked(rule, stage)
        yield from unmovable(rule, stage)
        yield from lacking(rule)
        yield from wording(rule, stage)
    yield from costs(registry)
    yield from conflicts(stage)
    yield from shadowed(stage)
    yield from duplicates(registry)
    yield from unused(registry)
    yield from unneeded(registry)
    yield from unknown_allowed(registry)


def _order(one: Diagnostic) -> tuple[str, int, int, int, str]:
    at = one.mistake
    return at.file, at.line, LEVELS.index(one.level), at.column, one.check


_OF_THE_TOOLS = ("dead-rule", "dead-pattern", "dead-question", "always-true")
_OF_THE_LIVING = ("never-satisfiable", "always-true", "conflict", "shadowed")
_SAY_SO_TOO = ("always-true", "shadowed", "duplicate")
