"""What a convergence loop stands on: the rules on one artifact, what is given, and what the solver knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from harness.assertion.interface import Checker
from harness.converge.spelling import shortly
from harness.determinism.canonical import digest_of, encode
from harness.errors import NotRecordable, RegistryError, UsageError
from harness.registry.complaint import nearest
from harness.registry.fault import fault
from harness.registry.invariant import Invariant
from harness.registry.program import validator
from harness.registry.registry import Registry
from harness.registry.solve.coding import allowed, coded, put, value_at
from harness.registry.solve.extract import readable
from harness.registry.solve.problem import Problem
from harness.registry.solve.rewrite import within
from harness.registry.values import same
from harness.trace.event import Event
from harness.trace.value import encode_value, with_fields
from harness.trace.verdict import Verdict


class Judged(NamedTuple):
    """What the rules say of one candidate.

    ``satisfied`` are the rules that hold of it, or are silent; ``verdicts`` tell of the others. With a ``fault`` it is
    no artifact at all, and no rule was asked: it does not fit the schema, or changes what is given.
    """

    candidate: dict[str, Any]
    satisfied: frozenset[str] = frozenset()
    verdicts: tuple[Verdict, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Ground:
    """The rules of a registry on one artifact, with some of its fields given.

    ``given`` are constants, by dotted name: a candidate without them gets them, one that changes them is none. What
    this does not see: rules that ask about the past of a run; the door asks them when the loop has converged.
    UsageError for an artifact that no rule speaks of, for a given field that its schema does not have, and for a given
    value that it does not allow.
    """

    registry: Registry
    artifact: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rules:
            known = sorted({one.artifact for one in self.registry.invariants if one.on == "artifact"})
            cure = f"artifacts that rules speak of: {', '.join(known) or 'none'}"
            raise UsageError(f"no rule speaks of an artifact {self.artifact!r}", where=self.registry.file, cure=cure)
        for name in self.given:
            self._check_declared(name)
        for variable in self._posed[0].variables:
            if variable.name in self.given and coded(variable, self.given[variable.name]) is None:
                said = f"{variable.name}={self.given[variable.name]!r} is no value of this field"
                raise UsageError(said, cure=f"it may be: {allowed(variable)}")

    def _check_declared(self, name: str) -> None:
        """Raise UsageError for a given field that the schema, where it lists fields, does not have."""
        schema: Any = self.schema
        for depth, part in enumerate(parts := name.split(".")):
            known = schema.get("properties") if isinstance(schema, dict) else None
            if not known:
                return
            if part not in known:
                where = ".".join((self.artifact, *parts[:depth]))
                cure = nearest(part, known) or f"{where} has: {', '.join(known)}"
                raise UsageError(f"{name} is given, and no field of {self.artifact}", cure=cure)
            schema = known[part]

    @cached_property
    def rules(self) -> tuple[Invariant, ...]:
        """The rules on the artifact, in the order of the registry."""
        every = self.registry.invariants
        return tuple(one for one in every if one.on == "artifact" and one.artifact == self.artifact)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the artifact; that of any object where none is declared."""
        found: dict[str, Any] = self.registry.artifacts.get(self.artifact) or {"type": "object"}
        return found

    @property
    def problem(self) -> Problem | None:
        """The rules as constraints, those that the solver can read, with what is given fixed; None where it reads none.

        Where no point meets them no artifact meets all the rules; one that does may still fail those that are unread.
        """
        return self._posed[0] if self._posed[0].constraints and self._posed[0].variables else None

    @property
    def unread(self) -> str:
        """Which rules the problem lacks, and why; empty where it has all of them."""
        return self._posed[1]

    @cached_property
    def digest(self) -> str:
        """What a loop that goes on later is bound to: the registry, the artifact, and what is given."""
        return digest_of([self.registry.digest, self.artifact, dict(self.given)])

    def judge(self, proposed: Any) -> Judged:
        """Say which rules hold of a candidate; a dataclass or pydantic model is its fields. O(size of the rules)."""
        try:
            candidate = encode_value(with_fields(proposed))
            encode(candidate)
        except NotRecordable as error:
            return Judged({}, fault=str(error))
        if type(candidate) is not dict or "$type" in candidate:
            return Judged({}, fault=f"a JSON object is wanted, this is {shortly(candidate)}")
        for name, value in self.given.items():
            found = value_at(candidate, name)
            if found is None:
                candidate = put(candidate, name, value)
            elif not same(found, value):
                return Judged(candidate, fault=f"{name} is given as {value!r} and cannot be changed to {found!r}")
        wrong = fault(self._validator, self.schema, candidate)
        if wrong is not None:
            return Judged(candidate, fault=f"{wrong.pointer or 'the artifact'}: {wrong.message}")
        event = Event(0, "note", "main", "0", (), 0, {"artifact": self.artifact, "data": candidate})
        verdicts = Checker(self.registry).judge(event).verdicts
        missed = {one.rule for one in verdicts}
        return Judged(candidate, frozenset(one.id for one in self.rules if one.id not in missed), verdicts)

    @cached_property
    def _validator(self) -> Any:
        return validator(self.schema)

    @cached_property
    def _posed(self) -> tuple[Problem, str]:
        try:
            problem, mistakes = readable(self.registry, self.artifact)
        except RegistryError as error:
            return Problem((), ()), str(error)
        for place, variable in enumerate(problem.variables):
            number = coded(variable, self.given[variable.name]) if variable.name in self.given else None
            if number is not None:
                problem = within(problem, place, number, number)
        return problem, "\n".join(map(str, mistakes))
