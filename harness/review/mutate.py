"""Whether the examples of a rule would notice if the rule were wrong.

A mutant is a rule with one small fault. It is noticed if a story is judged differently: at its last line in any way,
at an earlier one where a verdict that is not ``holds`` comes or goes. So a story may also show where a rule must keep
silent. Mutants that are proved to mean the same as the rule are not counted:

- their guard and requirement, reduced by what is known of every tool the rule can speak of (``registry.reduce``), are
  the same trees; where the rule can speak of a tool nobody declared, only parameters are taken for known;
- in a schema, the change lies where only listed values fit, and the same ones still do.

A mutant that means the same as another one counts once. Not shown: that what no example notices is wrong, or that a
rule whose every mutant is noticed is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from harness.assertion.report import check
from harness.determinism.canonical import encode
from harness.registry.complaint import ExpressionError
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant, Shape
from harness.registry.parse import parse
from harness.registry.program import applies, validator
from harness.registry.reduce import known_of, reduce
from harness.registry.registry import Registry
from harness.registry.scope import tool_names
from harness.registry.tree import Constant, Logic, Node, Span, Unary, dotted, mentions, outline, walk
from harness.registry.write import write
from harness.review.loosen import loosen, same_words
from harness.review.stories import Answer, alone, answer, examples_of, on_stage
from harness.review.weaken import Change, moved, negations, weaken
from harness.trace.event import Event

_GLOB: Final = frozenset("*?[")


class Mutant(NamedTuple):
    """A rule with one fault: what was done to which part, that part before and after, and its place.

    ``after`` is empty where the part was left out. ``registry`` holds the faulty rule alone. ``same`` tells that the
    fault is proved to be none.
    """

    done: str
    part: str
    before: str
    after: str
    place: str
    registry: Registry
    same: bool = False


class Score(NamedTuple):
    """How many mutants of a rule there are, and those that nothing has noticed.

    ``same`` counts those that were proved to mean the same as the rule, and are not among ``mutants``. ``registry``
    holds the rule itself, alone.
    """

    rule: str
    place: str
    mutants: int
    survivors: tuple[Mutant, ...]
    same: int
    registry: Registry

    @property
    def noticed(self) -> int:
        """How many mutants were noticed."""
        return self.mutants - len(self.survivors)

    @property
    def share(self) -> float | None:
        """The mutation score, 0 to 1; None where nothing could be changed."""
        return self.noticed / self.mutants if self.mutants else None


def score(rule: Invariant, registry: Registry) -> Score:
    """Try a rule's examples on each of its mutants. O(mutants · examples)."""
    original = alone(rule, registry)
    staged = on_stage(original)
    means = _sense(staged)
    seen = {means}
    examples = list(examples_of(rule))
    right = [_noticeable(answer(example, staged)) for example in examples]
    survivors: list[Mutant] = []
    total = same = 0
    for mutant in _mutants(rule, original):
        staged = on_stage(mutant.registry)
        sense = _sense(staged)
        if mutant.same or sense in seen:
            same += mutant.same or sense == means
            continue
        seen.add(sense)
        total += 1
        told = zip(examples, right, strict=True)
        if all(_noticeable(answer(example, staged)) == before for example, before in told):
            survivors.append(mutant)
    return Score(rule.id, rule.place, total, tuple(survivors), same, original)


def unnoticed(scored: Score, events: list[Event], run: Mapping[str, Any]) -> Score:
    """Give a score without the survivors that a stored trace notices: those by which a finding comes, goes or turns.

    O(survivors · judging the trace).
    """
    if not scored.survivors:
        return scored
    before = _findings(events, scored.registry, run)
    left = [mutant for mutant in scored.survivors if _findings(events, mutant.registry, run) == before]
    return scored._replace(survivors=tuple(left))


def total(scores: Iterable[Score]) -> tuple[int, int]:
    """Count the mutants noticed and all mutants of several rules."""
    scores = list(scores)
    return sum(one.noticed for one in scores), sum(one.mutants for one in scores)


def _noticeable(told: Answer) -> tuple[str, tuple[tuple[int, str], ...]]:
    return told.found, told.before


def _findings(events: list[Event], registry: Registry, run: Mapping[str, Any]) -> list[tuple[int, str]]:
    (rule,) = registry.invariants
    findings = check(events, registry, run).findings
    return [(one.seq, one.verdict.truth) for one in findings if one.verdict.rule == rule.id]


def _mutants(rule: Invariant, registry: Registry) -> Iterator[Mutant]:
    if rule.when is not None:
        dropped = replace(rule, when=None)
        before = write(rule.when.tree)
        yield Mutant("the guard dropped", "when", before, "", rule.when.at.place, alone(dropped, registry))
        for change in (*weaken(rule.when.tree), *negations(rule.when.tree)):
            yield from _changed(rule, "when", rule.when, change, registry)
    if isinstance(rule.require, Shape):
        yield from _loosened(rule, rule.require, registry)
    else:
        for change in weaken(rule.require.tree):
            yield from _changed(rule, "require", rule.require, change, registry)
    for name in _parameters(rule):
        yield from _moved(rule, name, registry)
    if len(rule.tools) > 1:
        place = rule.at.find(["tool"]).place
        for tool in rule.tools:
            fewer = replace(rule, tools=tuple(other for other in rule.tools if other != tool))
            yield Mutant("a tool dropped", "tool", tool, "", place, alone(fewer, registry))


def _changed(
    rule: Invariant, part: str, expression: Expression, change: Change, registry: Registry
) -> Iterator[Mutant]:
    """Yield the mutant of a changed tree, unless the change is no expression."""
    text = write(change.tree)
    try:
        tree = parse(text)
    except ExpressionError:
        return
    changed: dict[str, Any] = {part: Expression(text, tree, expression.at)}
    place = _line(expression.at, change.start)
    yield Mutant(change.done, part, change.before, change.after, place, alone(replace(rule, **changed), registry))


def _loosened(rule: Invariant, shape: Shape, registry: Registry) -> Iterator[Mutant]:
    at = rule.at.find(["schema", shape.part])
    for change in loosen(shape.schema):
        try:
            validator(change.schema)
        except ValueError:
            continue
        loose = alone(replace(rule, require=replace(shape, schema=change.schema)), registry)
        part = "".join(f"/{step}" for step in (shape.part, *change.path[:-1]))
        place = at.find(list(change.path)).place
        same = same_words(shape.schema, change)
        yield Mutant(change.done, part, change.before, change.after, place, loose, same)


def _parameters(rule: Invariant) -> list[str]:
    trees = [rule.when.tree] if rule.when else []
    trees += [rule.require.tree] if isinstance(rule.require, Expression) else []
    names = (dotted(node) for tree in trees for node in walk(tree))
    parameters = (name.removeprefix("now.") for name in names if name.removeprefix("now.").startswith("params."))
    return list(dict.fromkeys(name.split(".")[1] for name in parameters))


def _moved(rule: Invariant, name: str, registry: Registry) -> Iterator[Mutant]:
    whole = registry.parameters.get(name)
    place = registry.places[f"parameters.{name}"].place if f"parameters.{name}" in registry.places else rule.place
    moves = _neighbours(whole, f"params.{name}")
    # examples may be written for another value than the one in force: both are moved
    shown = [changed for *_, changed in _neighbours(_on_stage(rule, name, whole), "")]
    for (path, before, after, changed), other in zip(moves, shown, strict=False):
        moved = replace(registry, parameters=registry.parameters | {name: changed})
        if rule.stage is not None:
            stage = replace(rule.stage, parameters={**rule.stage.parameters, name: other})
            moved = replace(moved, invariants=(replace(rule, stage=stage),))
        yield Mutant("a parameter moved", path, repr(before), repr(after), place, moved)


def _on_stage(rule: Invariant, name: str, otherwise: Any) -> Any:
    return otherwise if rule.stage is None else rule.stage.parameters.get(name, otherwise)


def _neighbours(value: Any, path: str) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield copies of JSON data with one number moved: its path, the number before and after, the whole."""
    if type(value) in (int, float):
        for other in moved(value):
            yield path, value, other, other
    elif isinstance(value, dict):
        for key, inner in value.items():
            for *said, changed in _neighbours(inner, f"{path}.{key}"):
                yield *said, {**value, key: changed}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for *said, changed in _neighbours(inner, f"{path}[{index}]"):
                yield *said, [*value[:index], changed, *value[index + 1 :]]


def _line(at: Written, start: int) -> str:
    mistake = at.mistake("", start=start, end=start + 1)
    return f"{mistake.file}:{mistake.line}"


def _sense(registry: Registry) -> bytes:
    """Spell what a rule means where it can speak; equal for two rules only if they judge alike."""
    (rule,) = registry.invariants
    tools = _tools(rule, registry)
    if tools is None:
        return _spelt(rule, known_of(None, registry.parameters))
    specs = [registry.tools[name] for name in tools]
    speaking = [spec for spec in specs if applies(rule, "tool", spec, registry.parameters)]
    return b"\n".join(_spelt(rule, known_of(tool_names(spec), registry.parameters)) for spec in speaking)


def _tools(rule: Invariant, registry: Registry) -> list[str] | None:
    """Give the tools a rule can speak of, None where they are not all declared."""
    if not rule.tools or any(name not in registry.tools or _GLOB & set(name) for name in rule.tools):
        return None
    return sorted(set(rule.tools))


def _spelt(rule: Invariant, known: Mapping[str, Any]) -> bytes:
    guard = _plain(reduce(rule.when.tree, known)) if rule.when else Constant(Span(0, 0), True)
    if isinstance(guard, Constant) and guard.value is False:
        return b""
    require = rule.require
    meant = require.schema if isinstance(require, Shape) else outline(_plain(reduce(require.tree, known)))
    globs = [] if "call.tool" in known else list(rule.tools)
    # a rule that mentions these speaks of failures and of model calls too, see registry.program
    mentioned = [any(mentions(tree, name) for tree in rule.trees()) for name in ("failed", "call.surface")]
    return encode([known.get("call.tool"), globs, mentioned, outline(guard), meant])


def _plain(node: Node) -> Node:
    """Take out what reducing leaves of a truth value: ``and`` and ``or`` of one part."""
    if isinstance(node, Logic):
        parts = tuple(map(_plain, node.parts))
        return parts[0] if len(parts) == 1 else replace(node, parts=parts)
    if isinstance(node, Unary) and node.operator == "not":
        return replace(node, operand=_plain(node.operand))
    return node
