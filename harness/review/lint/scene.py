"""Where a rule can speak, and what is known there beforehand.

A scene is the calls of one tool, or their results, the messages, an artifact, what routes do, surfaces, or the end of a
run.
Known of it are the tool's declaration and the parameters that no caller may bind; what the JSON Schemas of arguments
and result allow is its box. A call that does not fit the declared schemas is in no scene: a finding that rests on a
schema is right only as far as the schema is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

from harness.registry.domain import BOTH, Range, domains, exactly
from harness.registry.interval import Interval
from harness.registry.invariant import Expression, Invariant, Shape
from harness.registry.program import applies
from harness.registry.reduce import known_of, reduce
from harness.registry.registry import Registry
from harness.registry.scope import tool_names
from harness.registry.tree import Constant, Node, Span, mentions
from harness.review.lint.proof import TRUE, Goal, Truths, impossible
from harness.tool import ToolSpec
from harness.trace.covered import STATUSES, SURFACE_KINDS
from harness.trace.event import DOES

ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
ALWAYS: Final = Constant(Span(0, 0), True)

_WILD: Final = frozenset("*?[")
_STEPS: Final = Range(Interval(0, float("inf"), whole=True))
_ONE_OF_MANY: Final = Range(Interval(0, float("inf"), whole=True), undefined=True)  # the number of another event
_TEXT: Final = Range(others=True)
_ACTOR: Final = {"agent": _TEXT, "trust": Range(Interval(0, 1))}


@dataclass(frozen=True, eq=False)
class Scene:
    """One kind of step: the declaration of its tool (None where it has none, or any), what is known, what can be.

    ``facts`` is the box without what the schemas say.
    """

    spec: ToolSpec | None
    known: Mapping[str, Any]
    facts: Mapping[str, Range]
    box: Mapping[str, Range]
    _reduced: dict[tuple[str, str], Node | None] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The tool's name; empty where there is none, or any."""
        return self.spec.name if self.spec else ""

    def guard(self, rule: Invariant) -> Node:
        """Give what must be true for a rule to speak here."""
        if rule.when is None:
            return ALWAYS
        found = self._tree(rule, "when", rule.when)
        assert found is not None
        return found

    def require(self, rule: Invariant) -> Node | None:
        """Give what a rule requires here; None where that is a JSON Schema."""
        return self._tree(rule, "require", rule.require)

    def speaks(self, rule: Invariant, wanted: Truths = TRUE) -> Goal:
        """Give the goal that a rule speaks here, or has another of the ``wanted`` answers to that."""
        return Goal(self.guard(rule), wanted)

    def requires(self, rule: Invariant, wanted: Truths = TRUE) -> Goal:
        """Give the goal that a rule's expression has one of the ``wanted`` answers."""
        require = self.require(rule)
        assert require is not None
        return Goal(require, wanted)

    def _tree(self, rule: Invariant, key: str, written: Expression | Shape) -> Node | None:
        if (rule.id, key) not in self._reduced:
            tree = reduce(written.tree, self.known) if isinstance(written, Expression) else None
            self._reduced[rule.id, key] = tree
        return self._reduced[rule.id, key]

    def rules_out(self, *goals: Goal) -> bool:
        """Tell whether it is proven that no step of this scene meets all goals."""
        return impossible(goals, self.box)


class Stage:
    """All scenes of a registry, and which rules can speak in them as far as the tool and the parameters tell."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.rules = tuple(rule for rule in registry.invariants if not rule.derived)
        about = registry.about
        self._parameters = {
            name: value for name, value in registry.parameters.items() if name not in about or about[name].bind == "no"
        }
        self._scenes: dict[str, tuple[Scene, ...]] = {}

    def scenes(self, rule: Invariant) -> tuple[Scene, ...]:
        """Give the scenes where a rule is asked."""
        if rule.id not in self._scenes:
            self._scenes[rule.id] = tuple(self._found(rule))
        return self._scenes[rule.id]

    def _found(self, rule: Invariant) -> Iterable[Scene]:
        if rule.on in self._calls:
            return (scene for scene in self._calls[rule.on] if self._asked(rule, scene))
        if rule.on == "artifact":
            return [self._artifacts[rule.artifact]] if rule.artifact in self._artifacts else []
        return [{"message": self._message, "route": self._route, "surface": self._surface, "end": self._end}[rule.on]]

    def _asked(self, rule: Invariant, scene: Scene) -> bool:
        if scene.spec is not None:
            return applies(rule, "tool", scene.spec, self._parameters)
        any_tool = not rule.tools or any(_WILD & set(pattern) for pattern in rule.tools)
        undeclared = self.registry.default == "allow" or not self.registry.tools
        return any_tool and (undeclared or any(mentions(tree, "call.surface") for tree in rule.trees()))

    @cached_property
    def _calls(self) -> dict[str, tuple[Scene, ...]]:
        specs = list(self.registry.tools.values())
        named = {name for rule in self.rules for name in rule.tools if not _WILD & set(name)}
        specs += [ToolSpec(name) for name in sorted(named - set(self.registry.tools))]
        return {on: (*(self._call(on, spec) for spec in specs), self._call(on, None)) for on in ("action", "result")}

    def _call(self, on: str, spec: ToolSpec | None) -> Scene:
        known = known_of(tool_names(spec) if spec else None, self._parameters)
        facts = self._facts | _ACTOR | {"call.tool": _TEXT, "call.id": _TEXT, "call.args": Range(others=True)}
        facts |= {"call.serves": _ONE_OF_MANY}
        facts |= {name: exactly(value) for name, value in known.items() if not name.startswith("now.")}
        facts |= {"failed": Range(truths=BOTH, undefined=True), "seq": _STEPS} if on == "result" else {}
        box = dict(facts)
        if spec is not None and spec.arguments is not None:
            box |= domains(spec.arguments, "call.args")
        if spec is not None and spec.result is not None and on == "result":
            # a failed call has no result
            box |= {name: replace(one, undefined=True) for name, one in domains(spec.result, "result")}
        return Scene(spec, known, facts, box)

    @cached_property
    def _message(self) -> Scene:
        said = {"role": Range(words=frozenset(ROLES)), "text": _TEXT, "tool_calls": Range(others=True)}
        facts = self._facts | _ACTOR | {f"message.{name}": one for name, one in said.items()}
        return Scene(None, known_of(None, self._parameters), facts, facts)

    @cached_property
    def _route(self) -> Scene:
        said = {"does": Range(words=frozenset(DOES)), "goal": _TEXT, "served": Range(truths=BOTH, undefined=True)}
        said |= dict.fromkeys(("action", "after"), _ONE_OF_MANY)
        facts = self._facts | _ACTOR | {"seq": _STEPS} | {f"route.{name}": one for name, one in said.items()}
        return Scene(None, known_of(None, self._parameters), facts, facts)

    @cached_property
    def _surface(self) -> Scene:
        kinds, statuses = Range(words=frozenset(SURFACE_KINDS)), Range(words=frozenset(STATUSES))
        said = {"kind": kinds, "name": _TEXT, "status": statuses, "why": _TEXT}
        facts = self._facts | {"agent": _TEXT} | {f"surface.{name}": one for name, one in said.items()}
        return Scene(None, known_of(None, self._parameters), facts, facts)

    @cached_property
    def _artifacts(self) -> dict[str, Scene]:
        known = known_of(None, self._parameters)
        declared = self.registry.artifacts
        named = {*declared, *(rule.artifact for rule in self.rules if rule.artifact)}
        boxes = {name: {**self._facts, **dict(domains(declared.get(name, True), "artifact"))} for name in named}
        return {name: Scene(None, known, self._facts, box) for name, box in boxes.items()}

    @cached_property
    def _end(self) -> Scene:
        return Scene(None, known_of(None, self._parameters), self._facts, self._facts)

    @cached_property
    def _facts(self) -> dict[str, Range]:
        known = known_of(None, self._parameters)
        return {name: exactly(value) for name, value in known.items()} | {
            "step": _STEPS,
            "elapsed_s": Range(Interval(0, float("inf"))),
        }


def named(scenes: Iterable[Scene]) -> str:
    """Name the tools of scenes for a message."""
    names = [scene.name or "any other tool" for scene in scenes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"


def matches(pattern: str, scene: Scene) -> bool:
    """Tell whether a pattern of tools takes in a scene; one for any tool may be taken in by any pattern."""
    return scene.spec is None or fnmatchcase(scene.name, pattern)
