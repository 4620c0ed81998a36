"""Which value each argument of a routed call has: what a graph states of it, or the fact of the argument's name.

Checked are the names of arguments, what has to be bound, and paths and types as far as schemas promise anything. Not
checked is whether a value will fit in everything its schema asks for: that is seen when the call is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from harness.registry.complaint import nearest
from harness.registry.graph.path import Steps, split
from harness.registry.graph.values import Goal, Source
from harness.registry.graph.ways import Flaw, Path, Way, arguments_of, certain
from harness.registry.kinds import ANY, Kind, NoFieldError, field_of, item_of, promised, spoken
from harness.tool import ToolSpec

_TEXT_CURE: Final = 'write {is: "…"} for a text of its own'


class Binding(NamedTuple):
    """Bind one tool's arguments: to what is stated in ``said``, or to facts of the same name.

    ``held`` are the facts that are there whenever the tool is called, ``perhaps`` those that may be; ``at`` is where
    the arguments are stated.
    """

    tool: ToolSpec
    said: Mapping[str, Any] | None
    held: tuple[str, ...]
    perhaps: tuple[str, ...]
    at: Path


class Arguments:
    """Bind the arguments of the calls of one graph; ``flaws`` grows with each."""

    def __init__(self, ways: Iterable[Way], goals: Iterable[Goal], tools: Mapping[str, ToolSpec]) -> None:
        self.flaws: list[Flaw] = []
        self._tools = tools
        self._kinds = _kinds_of_facts(ways, goals, tools)

    def of(self, way: Way) -> Way:
        """Give a way with its arguments bound."""
        arc = way.arc
        if arc.tool is None:
            return way
        held = certain(arc.needs)
        perhaps = tuple(fact for need in arc.needs for fact in need.of if fact not in held)
        spec = self._tools.get(arc.tool, ToolSpec(arc.tool))
        args = self.bound(Binding(spec, way.args, held, perhaps, (*way.at, "args")))
        self._check_results(way, spec)
        return way._replace(arc=replace(arc, args=args))

    def bound(self, binding: Binding) -> tuple[tuple[str, Source], ...]:
        """Give where each argument comes from."""
        schema = binding.tool.arguments
        stated = dict(self._stated(binding))
        free = [name for name in _arguments(schema) if name not in (binding.said or {})]
        own = {name: Source(name) for name in free if name in binding.held}
        for name in (schema or {}).get("required", ()):
            if name not in own and name not in (binding.said or {}):
                self._unbound(binding, name)
        return tuple(sorted({**own, **stated}.items()))

    def _stated(self, binding: Binding) -> Iterator[tuple[str, Source]]:
        spec = binding.tool
        for name, said in (binding.said or {}).items():
            at = (*binding.at, name)
            if not self._has(spec, name, at):
                continue
            source = self._source(said, binding, at)
            if source is None:
                continue
            if source.fact is None and name == spec.idempotency_key:
                cure = f"leave {name} out, and each call has a key of its own; or bind it to a fact"
                self._wrong(at, f"the idempotency key of {spec.name} is a constant: its calls would count as one", cure)
            elif source.fact is not None:
                self._check(source, spec, name, at)
            yield name, source

    def _has(self, spec: ToolSpec, name: str, at: Path) -> bool:
        """Tell whether a tool has an argument."""
        try:
            field_of(promised([(spec.name, spec.arguments)]), name)
        except NoFieldError as error:
            cure = nearest(name, error.known) or f"{spec.name} has: {', '.join(error.known) or 'none'}"
            self.flaws.append(Flaw(at, f"{spec.name} has no argument {name!r}", cure, of_name=True))
            return False
        return True

    def _source(self, said: Any, binding: Binding, at: Path) -> Source | None:
        if isinstance(said, dict):
            return Source(constant=said["is"])
        if not isinstance(said, str):
            return Source(constant=said)
        found = split(said, binding.held)
        if found is not None:
            return Source(*found)
        if split(said, binding.perhaps):
            cure = "write one way for each of the alternatives, under tools: TOOL: [{…}, {…}]"
            self._wrong(at, f"{said!r} is not there on every way: it is one of several facts", cure)
            return None
        fact = said.partition(".")[0].partition("[")[0]
        cure = nearest(fact, binding.held) or f"add {fact} to the needs, or {_TEXT_CURE}"
        self._wrong(at, f"{binding.tool.name} does not need {fact!r}, so that it may not be there", cure)
        return None

    def _unbound(self, binding: Binding, name: str) -> None:
        if name == binding.tool.idempotency_key:
            return  # every call has one of its own
        said = f"nothing is bound to the argument {name!r} of {binding.tool.name}, which it requires"
        known = ", ".join(binding.held) or "none"
        cure = f"write {binding.tool.name}: {{args: {{{name}: FACT}}}} under 'tools:' of the graph; facts: {known}"
        if name in binding.perhaps:
            cure = "it is one of several facts: write one way for each of them"
        elif name in self._kinds:
            cure = f"add {name} to the needs of {binding.tool.name}, or write args: {{{name}: FACT}}"
        self._wrong(binding.at, said, cure)

    def _check(self, source: Source, spec: ToolSpec, name: str, at: Path) -> None:
        """Check a bound value against what its producers promise and what the tool takes."""
        wanted = field_of(promised([(spec.name, spec.arguments)]), name)
        for owner, kind in self._kinds.get(source.fact or "", ()):
            found = self._along(kind, source.path, at, f"{source.fact}, as {owner} gives it,")
            if found is not None and "any" not in (found.type, wanted.type) and found.type != wanted.type:
                said = f"{name} of {spec.name} is {spoken(wanted)}, and what {owner} gives here is {spoken(found)}"
                self._wrong(at, said)

    def _check_results(self, way: Way, spec: ToolSpec) -> None:
        for fact, path in way.arc.results:
            self._along(promised([(spec.name, spec.result)]), path, (*way.at, "gives", fact), f"what {spec.name} gives")

    def _along(self, kind: Kind, path: Steps, at: Path, what: str) -> Kind | None:
        """Give the kind at a path; None, and a flaw, where nothing promises that there is one."""
        for step in path:
            try:
                kind = item_of(kind) if isinstance(step, int) else field_of(kind, step)
            except NoFieldError as error:
                known = f"it has: {', '.join(error.known) or 'none'}"
                self._wrong(at, f"{what} has no {step!r}", nearest(str(step), error.known) or known)
                return None
        return kind

    def _wrong(self, at: Path, message: str, cure: str = "") -> None:
        self.flaws.append(Flaw(at, message, cure))


def _arguments(schema: dict[str, Any] | None) -> Iterable[str]:
    properties = (schema or {}).get("properties", {})
    return properties if isinstance(properties, dict) else ()


def _kinds_of_facts(
    ways: Iterable[Way], goals: Iterable[Goal], tools: Mapping[str, ToolSpec]
) -> dict[str, list[tuple[str, Kind]]]:
    """Give what is promised of each fact, by who gives it."""
    kinds: dict[str, list[tuple[str, Kind]]] = {}
    for goal in goals:
        for name, schema in arguments_of(goal).items():
            kinds.setdefault(name, []).append((f"who asks for {goal.name}", promised([(goal.name, schema)])))
    for way in ways:
        arc = way.arc
        spec = tools.get(arc.tool or "")
        for fact in arc.gives:
            kind = promised([(spec.name, spec.result)]) if spec else ANY
            try:
                for step in dict(arc.results).get(fact, ()):
                    kind = item_of(kind) if isinstance(step, int) else field_of(kind, step)
            except NoFieldError:
                kind = ANY  # told where the path stands
            kinds.setdefault(fact, []).append((arc.tool or "a join", kind))
    return kinds
