"""A registry: invariants, parameters and tools as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

from harness.determinism.canonical import digest_of, encode
from harness.errors import Mistake, RegistryError
from harness.registry.capability import UNDECLARED, declared_only
from harness.registry.complaint import nearest
from harness.registry.context import Context
from harness.registry.document import Written
from harness.registry.graph.assemble import assemble_at, without_goals
from harness.registry.graph.unite import stated_twice, united
from harness.registry.graph.values import Graph
from harness.registry.invariant import Invariant
from harness.registry.override import Override, weakens_tool
from harness.registry.parameter import Parameter, refusal
from harness.registry.program import Program
from harness.registry.resolve import resolve
from harness.registry.rollout import Kill, is_enforced, stricter
from harness.registry.trust import Terms, terms_of
from harness.tool import ToolSpec
from harness.trace.verdict import DEFAULT_REFUSE

Default = Literal["refuse", "allow"]
Unknown = Literal["block_writes", "block", "allow"]

_STRICTEST: Final[tuple[Unknown, ...]] = ("block", "block_writes", "allow")


@dataclass(frozen=True)
class Registry:
    """Hold what a registry file means.

    ``default`` is what happens to a call of a tool the registry does not speak of, ``unknown`` what an unknown verdict
    does. ``stated`` keeps which fields of a tool the registry itself states, ``places`` where a parameter
    (``parameters.x``) or a tool (``tools.y``) is written, ``about`` what is stated of a parameter besides its value.
    ``agents`` is what is stated of agents; the rules that follow from it are the last of ``invariants``. ``artifacts``
    are the schemas of artifacts, ``overrides`` what was changed of what is taken over. ``graph`` is the tool graph; its
    goals count as ``tools``, and ``places`` keeps it as it is written. ``rollout`` says by ids and patterns in what
    share of conversations rules are enforced, ``kill`` what the kill switch does. Equal meanings have equal ``digest``.
    """

    name: str
    version: str
    default: Default
    unknown: Unknown
    parameters: dict[str, Any]
    tools: dict[str, ToolSpec]
    invariants: tuple[Invariant, ...]
    file: str = field(compare=False)
    stated: dict[str, dict[str, Any]] = field(compare=False, repr=False)
    places: dict[str, Written] = field(compare=False, repr=False)
    about: dict[str, Parameter] = field(default_factory=dict, compare=False, repr=False)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    overrides: tuple[Override, ...] = field(default=(), compare=False, repr=False)
    graph: Graph | None = field(default=None, repr=False)
    rollout: dict[str, str] = field(default_factory=dict)
    kill: Kill = "fail_closed"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of what the registry means; comments, titles, examples and layout do not count."""
        meaning = {
            "name": self.name,
            "version": self.version,
            "default": self.default,
            "unknown": self.unknown,
            "parameters": self.parameters,
            "tools": {name: spec.stated() for name, spec in self.tools.items()},
            "invariants": [rule.meaning() for rule in self.invariants],
        }
        more = {
            "graph": self.graph.meaning() if self.graph else None,
            "kill": self.kill if self.kill != "fail_closed" else None,
            "rollout": self.rollout,
            "trust": {name: terms.facts() for name, terms in self.trust.items()},
        }
        return digest_of(meaning | {name: said for name, said in more.items() if said})

    @cached_property
    def trust(self) -> dict[str, Terms]:
        """How the trust in agents begins and moves, by agent; empty where nothing is stated of it."""
        return terms_of(self.agents)

    @cached_property
    def program(self) -> Program:
        """The registry compiled; shared by every run that uses it."""
        return Program(self.invariants, self.tools, self.parameters)

    def invariant(self, rule: str) -> Invariant | None:
        """Give the invariant of an id."""
        return next((one for one in self.invariants if one.id == rule), None)

    def observed_in(self, identity: str) -> list[str]:
        """Give the rules that only observe in the conversation, or the run, of an identity, in their order."""
        rules = [*(rule.id for rule in self.invariants), DEFAULT_REFUSE] if self.rollout else []
        return [rule for rule in rules if not is_enforced(self.rollout, rule, identity)]

    def with_tools(self, specs: Iterable[ToolSpec]) -> Registry:
        """Give the registry with further declarations of tools, and its rules and its graph checked against them.

        What the registry states of a tool goes before what code declares, as long as it is no weaker: RegistryError
        where code says ``write`` and the registry ``read``, and the like, or where a rule uses a field that a tool
        does not have.
        """
        tools, mistakes = without_goals(self.tools, self.graph), []
        for spec in specs:
            stated = self.stated.get(spec.name, {})
            for name, value in stated.items():
                if weakens_tool(name, getattr(spec, name), value):
                    place = self.places[f"tools.{spec.name}"]
                    said = f"{spec.name}: {name} is {value!r} here and {getattr(spec, name)!r} in the code"
                    mistakes.append(place.mistake(said, "a registry may only be stricter than the code"))
            tools[spec.name] = replace(spec, **stated)
        joined = _reassembled(replace(self, tools=tools), mistakes)
        mistakes += joined._mistakes(joined.parameters, joined.tools)
        if mistakes:
            raise RegistryError(tuple(mistakes))
        return joined

    def bind(self, **values: Any) -> Registry:
        """Give the registry with other values of parameters that a caller may bind; its digest is another one.

        RegistryError lists every value that may not be bound: of an unknown parameter, of one that is not declared
        bindable, of another type, out of its range, or wider where only narrower ones are allowed. NotRecordable for
        what is no JSON value.
        """
        encode(values)
        mistakes = [mistake for name, value in values.items() for mistake in self._refused(name, value)]
        parameters = self.parameters | values
        mistakes = mistakes or self._mistakes(parameters, self.tools)
        if mistakes:
            raise RegistryError(tuple(mistakes))
        return replace(self, parameters=parameters) if values else self

    def to_yaml(self) -> str:
        """Write the registry as YAML that loads to the same digest, with everything taken over written out."""
        from harness.registry.publish import publish  # it knows this module

        return publish(self)

    def _refused(self, name: str, value: Any) -> Iterator[Mistake]:
        if name not in self.parameters:
            cure = nearest(name, self.parameters) or f"known: {', '.join(self.parameters) or 'none'}"
            yield Mistake(self.file, 1, 1, f"there is no parameter {name!r} to bind", cure=cure)
            return
        refused = refusal(name, self.about.get(name, Parameter()), self.parameters[name], value)
        if refused:
            yield self.places[f"parameters.{name}"].mistake(*refused)

    def _mistakes(self, parameters: dict[str, Any], tools: dict[str, ToolSpec]) -> list[Mistake]:
        """Check the rules against other parameters and tools."""
        agents = frozenset(self.agents)
        declared = declared_tools(self.stated, self.graph)
        context = Context(parameters, tools, declared, self.default, self.about, agents, self.artifacts)
        return [mistake for rule in self.invariants for mistake in resolve(rule, context)]


def declared_tools(stated: Iterable[str], graph: Graph | None) -> frozenset[str]:
    """Give the tools that rules may name, where a registry declares any: its own, and its goals."""
    own = frozenset(stated)
    return own.union(graph.goals) if own and graph else own


def _reassembled(registry: Registry, mistakes: list[Mistake]) -> Registry:
    """Give a registry with its graph assembled anew beside its tools, which hold no goals; ``mistakes`` grows."""
    if "graph" not in registry.places:
        return registry
    places, declared = dict(registry.places), frozenset(registry.stated)
    whole, found = assemble_at(registry.name, places["graph"], registry.tools, places, declared)
    mistakes += found
    return replace(registry, tools=whole.tools, graph=whole.graph, places=places)


def join(registries: Iterable[Registry]) -> Registry:
    """Make one registry of several, rules in their order, the stricter default and treatment of unknown.

    RegistryError names every rule, parameter and tool that two of them state differently.
    """
    joined, *others = registries
    for other in others:
        mistakes = list(_conflicts(joined, other))
        if mistakes:
            raise RegistryError(tuple(mistakes))
        graph = united(joined.places.get("graph"), other.places.get("graph"))
        known = {rule.id for rule in joined.invariants} | {UNDECLARED}
        joined = Registry(
            name=f"{joined.name}+{other.name}",
            version=f"{joined.version}+{other.version}",
            default="refuse" if "refuse" in (joined.default, other.default) else "allow",
            unknown=min(joined.unknown, other.unknown, key=_STRICTEST.index),
            parameters=joined.parameters | other.parameters,
            tools=_tools_of_both(joined, other),
            invariants=joined.invariants + tuple(rule for rule in other.invariants if rule.id not in known),
            file=f"{joined.file}, {other.file}",
            stated=joined.stated | {name: joined.stated.get(name, {}) | said for name, said in other.stated.items()},
            places=other.places | joined.places | ({"graph": graph} if graph else {}),
            about=other.about | joined.about,
            agents=joined.agents | other.agents,
            artifacts=joined.artifacts | other.artifacts,
            overrides=joined.overrides + other.overrides,
            rollout=joined.rollout | other.rollout,
            kill=stricter(joined.kill, other.kill) or "fail_closed",
        )
        joined = _reassembled(_in_order(joined), mistakes)
        if mistakes:
            raise RegistryError(tuple(mistakes))
    return joined


def _in_order(joined: Registry) -> Registry:
    """Put the rules that follow from what is stated of agents behind those somebody wrote."""
    rules = [rule for rule in joined.invariants if rule.id != UNDECLARED]
    derived = [rule for rule in rules if rule.derived]
    if joined.agents and joined.default == "refuse":
        derived.append(declared_only(joined.places[f"agents.{next(iter(joined.agents))}"], list(joined.agents)))
    return replace(joined, invariants=(*(rule for rule in rules if not rule.derived), *derived))


def _conflicts(one: Registry, other: Registry) -> Iterable[Mistake]:
    for rule in other.invariants:
        same = one.invariant(rule.id)
        if same and rule.id != UNDECLARED and same.meaning() != rule.meaning():
            said = f"the rule {rule.id!r} is another one in {same.place}"
            yield rule.at.find(["id"]).mistake(said, "give it an id of its own")
    yield from stated_twice(one.places.get("graph"), other.places.get("graph"), alike=True)
    for name in sorted(one.parameters.keys() & other.parameters.keys()):
        if one.parameters[name] != other.parameters[name]:
            yield _differs(one, other, f"parameters.{name}", other.parameters[name], one.parameters[name])
    for part in ("agents", "artifacts"):
        said, also = getattr(one, part), getattr(other, part)
        for name in sorted(said.keys() & also.keys()):
            if said[name] != also[name]:
                yield _differs(one, other, f"{part}.{name}", also[name], said[name])
    for name in sorted(one.rollout.keys() & other.rollout.keys()):
        if one.rollout[name] != other.rollout[name]:
            yield _differs(one, other, f"rollout.{name}", other.rollout[name], one.rollout[name])
    for tool in sorted(one.stated.keys() & other.stated.keys()):
        for name in sorted(one.stated[tool].keys() & other.stated[tool].keys()):
            if one.stated[tool][name] != other.stated[tool][name]:
                yield _differs(one, other, f"tools.{tool}", other.stated[tool], one.stated[tool])


def _differs(one: Registry, other: Registry, key: str, here: Any, there: Any) -> Mistake:
    said = f"{key} is {here!r} here and {there!r} in {one.places[key].place}"
    return other.places[key].mistake(said, "state it once, or alike")


def _tools_of_both(one: Registry, other: Registry) -> dict[str, ToolSpec]:
    tools = without_goals(one.tools, one.graph)
    return tools | {name: _merged(one, other, name) for name in without_goals(other.tools, other.graph)}


def _merged(one: Registry, other: Registry, name: str) -> ToolSpec:
    if name not in one.tools:
        return other.tools[name]
    return replace(one.tools[name], **other.stated.get(name, {}))
