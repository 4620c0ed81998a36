"""A registry: invariants, parameters and tools as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

from harness.determinism.canonical import digest_of
from harness.errors import Mistake, RegistryError
from harness.registry.context import Context
from harness.registry.document import Written
from harness.registry.invariant import Invariant
from harness.registry.program import Program
from harness.registry.resolve import resolve
from harness.tool import ToolSpec

Default = Literal["refuse", "allow"]
Unknown = Literal["block_writes", "block", "allow"]

_STRICTEST: Final[tuple[Unknown, ...]] = ("block", "block_writes", "allow")


@dataclass(frozen=True)
class Registry:
    """Hold what a registry file means.

    ``default`` is what happens to a call of a tool the registry does not speak of, ``unknown`` what an unknown verdict
    does. ``stated`` keeps which fields of a tool the registry itself states, ``places`` where a parameter
    (``parameters.x``) or a tool (``tools.y``) is written. Equal meanings have equal ``digest``.
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

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of what the registry means; comments, titles, examples and layout do not count."""
        return digest_of(
            {
                "name": self.name,
                "version": self.version,
                "default": self.default,
                "unknown": self.unknown,
                "parameters": self.parameters,
                "tools": {name: spec.stated() for name, spec in self.tools.items()},
                "invariants": [rule.meaning() for rule in self.invariants],
            }
        )

    @cached_property
    def program(self) -> Program:
        """The registry compiled; shared by every run that uses it."""
        return Program(self.invariants, self.tools, self.parameters)

    def invariant(self, rule: str) -> Invariant | None:
        """Give the invariant of an id."""
        return next((one for one in self.invariants if one.id == rule), None)

    def with_tools(self, specs: Iterable[ToolSpec]) -> Registry:
        """Give the registry with further declarations of tools, and its rules checked against them.

        What the registry states of a tool goes before what code declares, as long as it is no weaker: RegistryError
        where code says ``write`` and the registry ``read``, and the like, or where a rule uses a field that a tool
        does not have.
        """
        tools, mistakes = dict(self.tools), []
        for spec in specs:
            stated = self.stated.get(spec.name, {})
            for name, value in stated.items():
                if _weakens(name, getattr(spec, name), value):
                    place = self.places[f"tools.{spec.name}"]
                    said = f"{spec.name}: {name} is {value!r} here and {getattr(spec, name)!r} in the code"
                    mistakes.append(place.mistake(said, "a registry may only be stricter than the code"))
            tools[spec.name] = replace(spec, **stated)
        context = Context(self.parameters, tools, frozenset(self.stated), self.default)
        mistakes += [mistake for rule in self.invariants for mistake in resolve(rule, context)]
        if mistakes:
            raise RegistryError(tuple(mistakes))
        return replace(self, tools=tools)


def join(registries: Iterable[Registry]) -> Registry:
    """Make one registry of several, rules in their order, the stricter default and treatment of unknown.

    RegistryError names every rule, parameter and tool that two of them state differently.
    """
    joined, *others = registries
    for other in others:
        mistakes = list(_conflicts(joined, other))
        if mistakes:
            raise RegistryError(tuple(mistakes))
        known = {rule.id for rule in joined.invariants}
        joined = Registry(
            name=f"{joined.name}+{other.name}",
            version=f"{joined.version}+{other.version}",
            default="refuse" if "refuse" in (joined.default, other.default) else "allow",
            unknown=min(joined.unknown, other.unknown, key=_STRICTEST.index),
            parameters=joined.parameters | other.parameters,
            tools=joined.tools | {name: _merged(joined, other, name) for name in other.tools},
            invariants=joined.invariants + tuple(rule for rule in other.invariants if rule.id not in known),
            file=f"{joined.file}, {other.file}",
            stated=joined.stated | {name: joined.stated.get(name, {}) | said for name, said in other.stated.items()},
            places=other.places | joined.places,
        )
    return joined


def _conflicts(one: Registry, other: Registry) -> Iterable[Mistake]:
    for rule in other.invariants:
        same = one.invariant(rule.id)
        if same and same.meaning() != rule.meaning():
            said = f"the rule {rule.id!r} is another one in {same.place}"
            yield rule.at.find(["id"]).mistake(said, "give it an id of its own")
    for name in sorted(one.parameters.keys() & other.parameters.keys()):
        if one.parameters[name] != other.parameters[name]:
            yield _differs(one, other, f"parameters.{name}", other.parameters[name], one.parameters[name])
    for tool in sorted(one.stated.keys() & other.stated.keys()):
        for name in sorted(one.stated[tool].keys() & other.stated[tool].keys()):
            if one.stated[tool][name] != other.stated[tool][name]:
                yield _differs(one, other, f"tools.{tool}", other.stated[tool], one.stated[tool])


def _differs(one: Registry, other: Registry, key: str, here: Any, there: Any) -> Mistake:
    said = f"{key} is {here!r} here and {there!r} in {one.places[key].place}"
    return other.places[key].mistake(said, "state it once, or alike")


def _merged(one: Registry, other: Registry, name: str) -> ToolSpec:
    if name not in one.tools:
        return other.tools[name]
    return replace(one.tools[name], **other.stated.get(name, {}))


def _weakens(name: str, code: Any, registry: Any) -> bool:
    """Tell whether a registry's word on a tool takes something back that the code says."""
    if name == "effect":
        return bool(code == "write" and registry == "read")
    if name == "idempotent":
        return bool(registry and not code)
    if name == "trust":
        return bool(code == "untrusted" and registry == "trusted")
    return name in ("idempotency_key", "undo", "probe", "domain", "impact") and code not in (None, registry)
