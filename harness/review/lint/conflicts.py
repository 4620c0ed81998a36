"""Rules that no step can satisfy together.

Of the rules that speak of every call of a tool any number may clash: they are left out one after the other until a
smallest set is left. Of rules with guards two may clash, if there is certainly a step for which both guards are true.
Not reported: what is not proven, rules that are JSON Schemas, and a rule that cannot be satisfied by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, product
from typing import Final

from harness.registry.domain import ANYTHING, Range, exactly
from harness.registry.invariant import RESPONSES, Invariant
from harness.registry.tree import Constant, Node, walk
from harness.review.lint.diagnostic import Diagnostic, Level, diagnostic
from harness.review.lint.proof import certain, variables
from harness.review.lint.scene import Scene, Stage, named

_ENFORCED: Final = ("block", "escalate")
_MAX_POINTS: Final = 500


def conflicts(stage: Stage) -> Iterator[Diagnostic]:
    """Yield the smallest sets of rules, later rules named last, that no step of a tool can satisfy together."""
    found: dict[tuple[str, ...], list[Scene]] = {}
    members: dict[tuple[str, ...], list[Invariant]] = {}
    for on in ("action", "result", "message", "artifact", "route", "surface"):
        rules = [rule for rule in stage.rules if rule.on == on]
        for scene in {id(scene): scene for rule in rules for scene in stage.scenes(rule)}.values():
            for clash in _clashes([rule for rule in rules if scene in stage.scenes(rule)], scene):
                key = tuple(rule.id for rule in clash)
                members[key] = clash
                found.setdefault(key, []).append(scene)
    for key, clash in members.items():
        *others, last = clash
        where = f" of {named(found[key])}" if found[key][0].spec else ""
        said = f"no step{where} can satisfy this and {', '.join(rule.id for rule in others)} ({others[0].place})"
        always = not any(rule.when for rule in clash) and all(rule.otherwise in _ENFORCED for rule in clash)
        level: Level = "error" if always else "warning"
        cure = "give one of them a guard, or change a threshold"
        yield diagnostic("conflict", last.id, last.at.find(["require"]), said, cure, level=level)


def _clashes(rules: list[Invariant], scene: Scene) -> Iterator[list[Invariant]]:
    """Yield the smallest sets that clash: of the rules that always speak any number, of the others two."""
    able = [rule for rule in rules if _satisfiable(rule, scene)]
    always = [rule for rule in able if _always(rule, scene)]
    left = list(always)
    while scene.rules_out(*(scene.requires(rule) for rule in left)):
        clash = _smallest(left, scene)
        yield clash
        left.remove(clash[-1])
    for one, other in combinations(able, 2):
        if (one not in always or other not in always) and _clash_where_both_speak(one, other, scene):
            yield [one, other]


def _smallest(rules: list[Invariant], scene: Scene) -> list[Invariant]:
    """Leave out rule after rule, the mildest first, as long as the others still clash."""
    left = list(rules)
    for rule in sorted(rules, key=lambda one: RESPONSES.index(one.otherwise)):
        fewer = [one for one in left if one is not rule]
        if len(fewer) > 1 and scene.rules_out(*(scene.requires(one) for one in fewer)):
            left = fewer
    return left


def _satisfiable(rule: Invariant, scene: Scene) -> bool:
    """Tell whether a rule may hold here, by more than the tool's declaration."""
    require = scene.require(rule)
    if require is None or isinstance(require, Constant):
        return False
    return not scene.rules_out(scene.speaks(rule), scene.requires(rule))


def _clash_where_both_speak(one: Invariant, other: Invariant, scene: Scene) -> bool:
    guards = [scene.speaks(one), scene.speaks(other)]
    first, second = scene.requires(one), scene.requires(other)
    if not variables(first.node) & variables(second.node) or not scene.rules_out(*guards, first, second):
        return False
    if scene.rules_out(*guards, first) or scene.rules_out(*guards, second):
        return False  # one of them forbids the other's case by itself
    return _met([goal.node for goal in guards], scene)


def _met(guards: list[Node], scene: Scene) -> bool:
    """Tell whether there is certainly a step for which all guards are true; tried is what they compare with."""
    names = sorted({name for guard in guards for name in variables(guard)})
    if any(name.startswith("«") for name in names):
        return False
    points = [list(_points(scene.box.get(name, ANYTHING), guards)) for name in names]
    for point in islice(product(*points), _MAX_POINTS):
        box = {**scene.box, **dict(zip(names, point, strict=True))}
        if all(certain(guard, box) for guard in guards):
            return True
    return False


def _points(one: Range, guards: list[Node]) -> Iterator[Range]:
    """Yield values of a range: its words, its ends, what the guards compare with, and what is just beside that."""
    found: dict[object, None] = dict.fromkeys([*one.words, *one.truths])
    ends = [one.numbers.low, one.numbers.high] if one.numbers else []
    written = [node.value for guard in guards for node in walk(guard) if isinstance(node, Constant)]
    for value in [*ends, *written]:
        beside = [value - 1, value, value + 1] if type(value) in (int, float) else [value]
        found |= dict.fromkeys(beside) if type(value) in (int, float, str, bool) else {}
    yield from (exactly(value) for value in found if value in one and value not in (float("inf"), float("-inf")))


def _always(rule: Invariant, scene: Scene) -> bool:
    guard = scene.guard(rule)
    return isinstance(guard, Constant) and guard.value is True
