"""What is wrong with a routine, all of it at once, before anything is called.

Checked are names, arguments, references and types as far as schemas promise anything, and what becomes of writes. Not
checked: whether a tool does what its declaration says, and whether the calls serve their purpose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from harness.converge.plan.flaw import Flaw, Path, Places
from harness.converge.routine.routine import Reference, Routine, Step, references, resolved
from harness.determinism.canonical import encode
from harness.registry.complaint import nearest
from harness.registry.fault import fault
from harness.registry.graph.path import Steps
from harness.registry.kinds import ANY, Kind, NoFieldError, field_of, item_of, promised, spoken
from harness.registry.program import validator
from harness.registry.unit import clash
from harness.tool import ToolSpec

Tools = Mapping[str, ToolSpec]


def flaws_of_routine(routine: Routine, tools: Tools | None = None, *, whole: bool = True) -> Iterator[Flaw]:
    """Yield what is wrong with a routine; without tools it is not known what can be called, and how.

    ``whole`` says that no step is missing because it could not be read; only then can names be missed.
    O(steps² + size of the arguments and schemas).
    """
    yield from _Reading(routine, tools, whole=whole).flaws()


class _Reading:
    """One reading of a routine, step by step; ``before`` are the names that can be referred to so far."""

    def __init__(self, routine: Routine, tools: Tools | None, *, whole: bool) -> None:
        self.routine, self.tools, self.whole = routine, tools, whole
        self.places = Places(f"routine {routine.name}", routine.written)
        self.kinds = {key: promised([(key, schema)]) for key, schema in routine.inputs.items()}
        self.used: set[str] = set()

    def flaws(self) -> Iterator[Flaw]:
        routine = self.routine
        if self.whole and not routine.steps:
            yield self.places.flaw(("steps",), "the routine has no steps", "state at least one under 'steps:'")
        for key, schema in routine.inputs.items():
            if schema is not None:
                yield from self.places.flaws_of_schema(("given", key), schema)
        counts = Counter(routine.names)
        for place, step in enumerate(routine.steps):
            at: Path = ("steps", place)
            if counts[step.name] > 1:
                yield self.places.flaw((*at, "step"), f"{step.name!r} is given twice", "give each step its own name")
            yield from self._flaws_of_step(step, at)
            spec = self._spec(step)
            self.kinds[step.name] = promised([(step.tool, spec.result)]) if spec is not None else ANY
        yield from self._flaws_of_results()
        yield from self._unused()
        yield from self._flaws_of_writes()

    def _spec(self, step: Step) -> ToolSpec | None:
        return None if self.tools is None else self.tools.get(step.tool)

    def _flaws_of_step(self, step: Step, at: Path) -> Iterator[Flaw]:
        spec = self._spec(step)
        if self.tools is not None and spec is None:
            cure = nearest(step.tool, self.tools) or f"tools: {', '.join(sorted(self.tools)) or 'none'}"
            yield self.places.flaw((*at, "tool"), f"no tool is called {step.tool!r}", cure)
        if step.tries is not None and step.tries < 1:
            yield self.places.flaw((*at, "tries"), f"tries: {step.tries} is never", "write at least 1")
        for one in references(step.args, self.routine.names):
            yield from self._flaws_of_reference(one, (*at, "args", *one.at))
        yield from self._embedded(step.args, (*at, "args"))
        if spec is not None and spec.arguments is not None:
            yield from self._flaws_of_arguments(step, spec, (*at, "args"))

    # --- references ---------------------------------------------------------------------------------------------------

    def _flaws_of_reference(self, one: Reference, at: Path) -> Iterator[Flaw]:
        self.used.add(one.name)
        if one.path is None or one.name not in self.kinds:
            yield from self._unknown(one, at)
            return
        try:
            self._kind(one)
        except NoFieldError as error:
            cure = nearest(one.text.rpartition(".")[2], error.known) or f"it has: {', '.join(error.known) or 'none'}"
            yield self.places.flaw(at, f"{one.text}: {one.name} has no such part", cure)

    def _unknown(self, one: Reference, at: Path) -> Iterator[Flaw]:
        if one.name in self.routine.names and one.path is not None:
            said = f"{one.text} refers to a step that comes later, or to its own"
            yield self.places.flaw(at, said, f"put {one.name} before it")
        elif one.name in self.routine.names:
            yield self.places.flaw(at, f"{one.text} is no path", "write $NAME.part, $NAME[0] or $NAME.part[0]")
        elif self.whole:
            near = nearest(one.name, self.kinds)
            cure = near or "write $$ for a text that begins with a dollar, or hand it in: given: [NAME]"
            yield self.places.flaw(at, f"{one.text} refers to nothing: no step is called {one.name!r}", cure)

    def _kind(self, one: Reference) -> Kind:
        """Give the kind of what a reference stands for; NoFieldError where there is no such part."""
        kind = self.kinds[one.name]
        for step in one.path or ():
            kind = item_of(kind) if isinstance(step, int) else field_of(kind, step)
        return kind

    def _embedded(self, value: Any, at: Path) -> Iterator[Flaw]:
        """Yield texts that hold a reference which nobody will read."""
        if isinstance(value, str):
            inside = [name for name in self.routine.names if f"${name}" in value[1:]]
            if inside:
                said = f"${inside[0]} stands inside of a text, and is not replaced there"
                yield self.places.flaw(at, said, "let a tool make the text from it", level="warning")
        elif isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._embedded(item, (*at, key))

    # --- arguments ----------------------------------------------------------------------------------------------------

    def _flaws_of_arguments(self, step: Step, spec: ToolSpec, at: Path) -> Iterator[Flaw]:
        kind = promised([(spec.name, spec.arguments)])
        for name, value in step.args.items():
            try:
                wanted = field_of(kind, name)
            except NoFieldError as error:
                cure = nearest(name, error.known) or f"{spec.name} has: {', '.join(error.known) or 'none'}"
                yield self.places.flaw((*at, name), f"{spec.name} has no argument {name!r}", cure, of_name=True)
            else:
                yield from self._misfits(name, value, wanted, (*at, name))
        for name in (spec.arguments or {}).get("required", ()):
            if name not in step.args:
                said = f"{spec.name} requires the argument {name!r}"
                yield self.places.flaw(at, said, f"write {name}: VALUE, or {name}: $STEP")

    def _misfits(self, name: str, value: Any, wanted: Kind, at: Path) -> Iterator[Flaw]:
        """Yield what an argument's value cannot be: a constant by its schema, a reference by type and unit."""
        found = list(references(value, self.routine.names))
        if not found:
            for _, schema in wanted.schemas:
                wrong = fault(validator(schema), schema, resolved(value, {})) if isinstance(schema, dict) else None
                if wrong is not None:
                    yield self.places.flaw((*at, *wrong.path), f"{name}: {wrong.message}")
        for one in found:
            try:
                yield from self._clashes(one, _inside(wanted, one.at), (*at, *one.at))
            except NoFieldError as error:
                cure = nearest(str(one.at[-1]), error.known)
                yield self.places.flaw((*at, *one.at), f"{name} has no part {one.at[-1]!r}", cure, of_name=True)

    def _clashes(self, one: Reference, wanted: Kind, at: Path) -> Iterator[Flaw]:
        if one.path is None or one.name not in self.kinds:
            return
        try:
            found = self._kind(one)
        except NoFieldError:
            return  # told already
        if "any" not in (found.type, wanted.type) and found.type != wanted.type:
            yield self.places.flaw(at, f"{one.text} is {spoken(found)}, and {spoken(wanted)} is wanted")
        differs = clash(found.unit, wanted.unit)
        if differs is not None:
            yield self.places.flaw(at, f"{one.text}: {differs[0]}", differs[1])

    # --- the whole ----------------------------------------------------------------------------------------------------

    def _flaws_of_results(self) -> Iterator[Flaw]:
        steps = [step.name for step in self.routine.steps]
        for name in self.routine.results:
            if self.whole and name not in steps:
                yield self.places.flaw(("results", name), f"no step is called {name!r}", nearest(name, steps))

    def _unused(self) -> Iterator[Flaw]:
        wanted = self.used.union(self.routine.results)
        last = len(self.routine.steps) - 1
        for place, step in enumerate(self.routine.steps):
            spec = self._spec(step)
            reads = spec is not None and spec.effect == "read"
            if reads and step.name not in wanted and (self.routine.results or place < last):
                said = f"nobody uses what {step.name} gives, and {step.tool} only reads"
                cure = "leave it out, or name it under results:"
                yield self.places.flaw(("steps", place, "step"), said, cure, level="warning")
        for key in self.routine.inputs:
            if key not in self.used:
                said = f"nobody uses {key!r}"
                yield self.places.flaw(("given", key), said, "leave it out", level="warning", of_name=True)

    def _flaws_of_writes(self) -> Iterator[Flaw]:
        made: dict[tuple[str, bytes], str] = {}
        last = len(self.routine.steps) - 1
        for place, step in enumerate(self.routine.steps):
            spec, at = self._spec(step), ("steps", place)
            if spec is None or spec.effect != "write":
                continue
            if not spec.repeatable(step.args):
                yield from self._flaws_of_repetition(step, spec, at)
            if spec.undo is None and place < last:
                said = f"if a later step fails, {step.name} stays done: {step.tool} has no undo"
                cure = f"put it last, or declare what undoes it: tools: {{{step.tool}: {{undo: TOOL}}}}"
                yield self.places.flaw((*at, "tool"), said, cure, level="warning")
            yield from self._made_twice(step, spec, at, made)

    def _flaws_of_repetition(self, step: Step, spec: ToolSpec, at: Path) -> Iterator[Flaw]:
        key = spec.idempotency_key
        if step.tries is not None and step.tries > 1:
            cure = f"bind its key {key}" if key is not None else "leave tries out, or declare an idempotency_key"
            said = f"{step.tool} writes, and a second try may do it twice"
            yield self.places.flaw((*at, "tries"), said, cure)
        elif key is not None:
            said = f"{step.tool} is called without its key {key}, so that it is not tried again"
            yield self.places.flaw((*at, "args"), said, f"write {key}: VALUE", level="warning")

    def _made_twice(self, step: Step, spec: ToolSpec, at: Path, made: dict[tuple[str, bytes], str]) -> Iterator[Flaw]:
        """Yield a write that was made before: by the value of its key, or else by all its arguments."""
        key = spec.idempotency_key
        keyed = key is not None and key in step.args
        told = step.args[key] if key is not None and keyed else step.args
        first = made.setdefault((step.tool, encode(told)), step.name)
        if first == step.name:
            return
        if keyed:
            said = f"{step.name} has the key of {first}: the two would count as one"
            yield self.places.flaw((*at, "args", key or ""), said, "give each write a key of its own")
        elif not spec.idempotent:
            said = f"{step.name} does again what {first} does, with the same arguments"
            yield self.places.flaw((*at, "tool"), said, "leave one of them out", level="warning")


def _inside(kind: Kind, at: Steps) -> Kind:
    for step in at:
        kind = item_of(kind) if isinstance(step, int) else field_of(kind, step)
    return kind
