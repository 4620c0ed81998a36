"""Which rules can speak of a step, worked out once for each tool and compiled into one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

import jsonschema_rs

from harness.registry.bind import Binder
from harness.registry.compile import TRUE, Clause, Holds, can_match, compile_matches, compile_rules
from harness.registry.invariant import Invariant, Shape
from harness.registry.plan import Plan
from harness.registry.reduce import known_of, reduce
from harness.registry.scope import tool_names
from harness.registry.tree import Call, Constant, Fold, Node, mentions, walk
from harness.tool import BUS, ToolSpec
from harness.trace.event import ACTS, Surface
from harness.trace.verdict import Judgement

# "failed" is a result that is not ok: only rules that mention it speak then; of a "refusal" none does, it is asked for
Occasion = Literal["action", "result", "failed", "message", "artifact", "route", "surface", "refusal", "end"]

NOT_A_TOOL: Final = "\x00"  # stands for any tool that nobody declared
_KEPT: Final = 4096  # groups of tools; a trace may name any number of tools, and memory must not follow it
_SILENT: Final = Judgement((), ())


def validator(schema: dict[str, Any] | bool) -> jsonschema_rs.Draft202012Validator:
    """Compile a JSON Schema (Draft 2020-12); ValueError says why it cannot be.

    Nothing is fetched, and patterns are matched in linear time.
    """
    return jsonschema_rs.Draft202012Validator(schema, offline=True, pattern_options=jsonschema_rs.RegexOptions())


class Watches:
    """The questions that one kind of event can answer: the numbers of their monitors, and their plans.

    ``matches`` asks them all of an event, ``match`` one of them; see ``compile_matches``.
    """

    def __init__(self, plans: Sequence[tuple[int, Plan]], known: Mapping[str, Any]) -> None:
        self.plans = tuple(plans)
        self._known = known
        self.matches = compile_matches([plan for _, plan in plans], known) if plans else _no_match

    def __bool__(self) -> bool:
        """Whether there is any question."""
        return bool(self.plans)

    @cached_property
    def match(self) -> tuple[Holds, ...]:
        """One compiled function for each question."""
        return tuple(compile_matches([plan], self._known) for _, plan in self.plans)


def _no_match(*_: Any) -> tuple[Any, ...]:
    return ()


class Promise(NamedTuple):
    """A rule on the future of a step: ``speaks`` is its compiled guard."""

    rule: Invariant
    fold: Fold
    speaks: Holds


class Group:
    """The rules that can speak of one kind of step, in the registry's order.

    ``holds`` is their compiled function: it gives a judgement without verdicts where all hold, None where one may
    not, and may raise. ``tool`` is the tool's declaration as expressions see it; ``unspoken`` tells that the registry
    speaks of no such tool. ``watches`` are the questions that the step may answer for later steps, ``late`` those of
    them that must be asked again when its outcome is known, ``promises`` the rules that it obliges the future by.
    """

    def __init__(
        self,
        rules: list[tuple[Invariant, Clause]],
        promises: list[Promise],
        watches: tuple[Watches, Watches],
        tool: dict[str, Any],
        compiled: Callable[[list[tuple[Invariant, Clause]]], Holds],
        *,
        unspoken: bool,
    ) -> None:
        self.rules = tuple(rule for rule, _ in rules)
        self.promises, (self.watches, self.late) = tuple(promises), watches
        self.tool, self.unspoken = tool, unspoken
        self._clauses, self._compiled = rules, compiled
        self.holds = compiled(rules)

    @cached_property
    def singles(self) -> tuple[Holds, ...]:
        """One compiled function for each rule."""
        return tuple(self._compiled([clause]) for clause in self._clauses)


class Program:
    """A registry ready to judge; made once and shared by all runs.

    ``rules`` are the invariants with their questions about the past bound to ``plans``. ``asks_sources`` tells whether
    any of them asks where a value came from.
    """

    def __init__(
        self, invariants: tuple[Invariant, ...], tools: Mapping[str, ToolSpec], parameters: Mapping[str, Any]
    ) -> None:
        binder = Binder(parameters)
        self.rules = tuple(map(binder.rule, invariants))
        self.plans = tuple(binder.plans)
        self._tools, self._parameters = tools, parameters
        self.validators = {
            rule.id: validator(rule.require.schema) for rule in invariants if isinstance(rule.require, Shape)
        }
        nodes = [node for rule in invariants for tree in rule.trees() for node in walk(tree)]
        self.asks_sources = any(isinstance(node, Call) and node.function == "source" for node in nodes)
        self.group = lru_cache(maxsize=_KEPT)(self._group)
        self.spec = lru_cache(maxsize=_KEPT)(self._spec)
        self.speaks_of = lru_cache(maxsize=_KEPT)(self._speaks_of)

    def _spec(self, surface: Surface, tool: str) -> ToolSpec:
        """Give a tool's declaration. One nobody declared may write; to ask a model or a person only reads."""
        known = self._tools.get(tool) or (BUS.get(tool) if surface != "tool" else None)
        return known or ToolSpec(tool, effect="write" if surface in ACTS else "read")

    def _speaks_of(self, tool: str) -> bool:
        """Tell whether a tool is declared, granted, or named by a rule: one that speaks of it but not of any tool."""
        if tool in self._tools or any(fnmatchcase(tool, granted) for rule in self.rules for granted in rule.grants):
            return True
        return any(
            applies(rule, "tool", self.spec("tool", tool), self._parameters)
            and not applies(rule, "tool", ToolSpec(NOT_A_TOOL), self._parameters)
            for rule in self.rules
            if rule.on in ("action", "result")
        )

    def _group(self, on: Occasion, surface: Surface | None = None, tool: str = "") -> Group:
        spec = self.spec(surface, tool) if surface else None
        names = tool_names(spec) if spec else {}
        known = known_of(names or None, self._parameters)
        rules: list[tuple[Invariant, Clause]] = []
        promises = []
        for rule in self.rules:
            if rule.on != ("result" if on == "failed" else on) or (on == "failed" and not _minds_failure(rule)):
                continue
            if spec is not None and not applies(rule, surface, spec, self._parameters):
                continue
            if spec is None and rule.tools:  # a route that does something about no single tool
                continue
            if on == "artifact" and rule.artifact != tool:
                continue
            clause = self._clause(rule, known)
            if isinstance(clause.require, Fold) and clause.require.verb == "must_follow":
                speaks = compile_rules([Clause(clause.guard, TRUE)], bool, self.plans, known)
                promises.append(Promise(rule, clause.require, speaks))
            else:
                rules.append((rule, clause))

        def compiled(some: list[tuple[Invariant, Clause]]) -> Holds:
            return self._compiled(some, known)

        here = {name: value for name, value in known.items() if not name.startswith("now.")}
        watched = list(self._watched(on, surface, here))
        watches = Watches(watched, here), Watches([one for one in watched if one[1].late], here)
        unspoken = surface in ACTS and not self.speaks_of(tool)
        return Group(rules, promises, watches, names, compiled, unspoken=unspoken)

    def _watched(self, on: Occasion, surface: Surface | None, known: Mapping[str, Any]) -> Iterator[tuple[int, Plan]]:
        """Yield the questions that events of a kind can answer."""
        for number, plan in enumerate(self.plans):
            if plan.past == on and (_is_act(surface) or plan.any_surface) and can_match(plan, known):
                yield number, plan

    def _clause(self, rule: Invariant, known: Mapping[str, Any]) -> Clause:
        guard = reduce(rule.when.tree, known) if rule.when else None
        if isinstance(guard, Constant) and guard.value is True:
            guard = None
        if isinstance(rule.require, Shape):
            return Clause(guard, _fits(self.validators[rule.id]), rule.require.part)
        return Clause(guard, reduce(rule.require.tree, known))

    def _compiled(self, rules: list[tuple[Invariant, Clause]], known: Mapping[str, Any]) -> Holds:
        if not rules:
            return lambda *_: _SILENT
        ids = [rule.id for rule, _ in rules]

        def judgement(spoke: tuple[int, ...]) -> Judgement:
            return Judgement(tuple(ids[at] for at in spoke), ())

        return compile_rules([clause for _, clause in rules], judgement, self.plans, known)


def _fits(validator: jsonschema_rs.Draft202012Validator) -> Callable[[Any], bool]:
    # a function of our own: the validator imports modules at its first call, which compiled rules, having no builtins,
    # could not do for it
    def fits(instance: Any) -> bool:
        return validator.is_valid(instance)

    return fits


def applies(rule: Invariant, surface: Surface | None, spec: ToolSpec, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a rule can speak of calls of a tool, as far as that is known before the call.

    Rules speak of what an agent does itself (``ACTS``). What goes to a model or to whoever is asked is spoken of only
    by rules that name it under ``tool:`` or mention ``call.surface``; a pattern such as ``*`` names nothing.
    """
    if rule.tools and not any(fnmatchcase(spec.name, pattern) for pattern in rule.tools):
        return False
    named = _is_act(surface) or any(fnmatchcase(spec.name, one) for one in rule.tools if not one.startswith("*"))
    if not named and not any(mentions(tree, "call.surface") for tree in rule.trees()):
        return False
    return rule.when is None or can_be_true(rule.when.tree, spec, parameters)


def can_be_true(guard: Node, spec: ToolSpec, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a guard is not false for every call of a tool."""
    known = known_of(tool_names(spec), parameters)
    # a condition on the past is asked about a past call: what is known of that one says nothing of the present step
    reduced = reduce(guard, {name: value for name, value in known.items() if not name.startswith("now.")})
    return not (isinstance(reduced, Constant) and reduced.value is False)


def _is_act(surface: Surface | None) -> bool:
    return surface is None or surface in ACTS


def _minds_failure(rule: Invariant) -> bool:
    return any(mentions(tree, "failed") for tree in rule.trees())
