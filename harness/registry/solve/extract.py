"""Turn the rules of a registry on one artifact into a problem: which artifacts fit them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.errors import Mistake, RegistryError
from harness.registry.complaint import ExpressionError, nearest
from harness.registry.document import Written
from harness.registry.invariant import Expression, Invariant, Shape
from harness.registry.registry import Registry
from harness.registry.solve.joining import ALWAYS, NEVER, applied, every, is_at, some
from harness.registry.solve.problem import Condition, Constraint, Equal, Number, Problem, Unknown
from harness.registry.solve.reading import Reading
from harness.registry.solve.terms import BeyondSchemaError
from harness.registry.solve.unknowns import Unknowns, UnreadableError, bounds_of, exact, is_number
from harness.registry.values import same

_OF_OBJECTS: Final = frozenset(("type", "required", "properties", "title", "description", "additionalProperties"))
_BOUNDS: Final = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_OF_FIELDS: Final = _BOUNDS | {"type", "enum", "const", "title", "description", "unit"}
_TYPES: Final = {"real": ("number",), "integer": ("number", "integer")}


def extract(registry: Registry, artifact: str) -> Problem:
    """Give the problem that the rules on an artifact pose; what parameters are bound to is what it is about.

    Variables are the fields that rules speak of, named by their path in the artifact, in the bounds of its schema;
    bounds that are not included become constraints called ``schema:FIELD``. Every rule counts, whatever it does where
    it is violated; it is the constraint of its id: met exactly where the rule holds or, its guard being false, is
    silent. RegistryError lists every rule and field that cannot be read. O(size of the rules), times the cases that a
    rule tells apart.

    Not seen: rounding. The registry's own check works with floats, so close to a boundary it may answer differently.
    """
    problem, mistakes = readable(registry, artifact)
    if mistakes:
        raise RegistryError(mistakes, "nothing was solved")
    return problem


def readable(registry: Registry, artifact: str) -> tuple[Problem, tuple[Mistake, ...]]:
    """Give the problem that those rules pose which can be read, and what is wrong with the others.

    Where that problem has no solution, no artifact meets all the rules; a solution of it may still fail the others.
    RegistryError where the artifact is not declared, or no rule speaks of it.
    """
    rules = [rule for rule in registry.invariants if rule.on == "artifact" and rule.artifact == artifact]
    at = registry.places.get(f"artifacts.{artifact}")
    if at is None or not rules:
        raise RegistryError((_no_problem(registry, artifact, at),))
    unknowns = Unknowns(artifact, at)
    mistakes: list[Mistake] = []
    conditions = [(rule.id, _condition(rule, registry, unknowns, mistakes)) for rule in rules]
    unknowns.look_at_required()
    read = [Constraint(name, condition) for name, condition in conditions if condition is not None]
    beyond = [Constraint(f"schema:{name}", every(bounds)) for name, bounds in unknowns.beyond.items()]
    return Problem(tuple(unknowns.variables), (*read, *beyond)), (*mistakes, *unknowns.mistakes)


def _no_problem(registry: Registry, artifact: str, at: Written | None) -> Mistake:
    if at is not None:
        return at.mistake(f"no rule speaks of the artifact {artifact!r}", "write a rule on: artifact")
    cure = nearest(artifact, registry.artifacts) or f"declared: {', '.join(registry.artifacts) or 'none'}"
    return Mistake(registry.file, 1, 1, f"the artifact {artifact!r} is not declared", cure=cure)


def _condition(rule: Invariant, registry: Registry, unknowns: Unknowns, mistakes: list[Mistake]) -> Condition | None:
    """Give what a rule demands; None where it cannot be read, and ``mistakes`` or those of the unknowns tell why."""
    reading = Reading(unknowns, registry.parameters)
    met = _required(rule.require, reading, unknowns, rule.at, mistakes)
    if rule.when is None:
        return met
    reading.partial = False
    silent = _read(rule.when, reading, mistakes, wanted=False)
    # a guard that is undefined leaves the rule unknown, whatever it requires
    speaks = _read(rule.when, reading, mistakes, wanted=True) if reading.partial else ALWAYS
    if met is None or silent is None or speaks is None:
        return None
    return some((silent, every((speaks, met))), unknowns.variables)


def _required(
    require: Expression | Shape, reading: Reading, unknowns: Unknowns, at: Written, mistakes: list[Mistake]
) -> Condition | None:
    if isinstance(require, Expression):
        return _read(require, reading, mistakes, wanted=True)
    place = at.find(["schema", "artifact"])
    try:
        return every(_fitting(require.schema, (), unknowns, there=True))
    except UnreadableError as error:
        mistakes.append(place.keys.get(error.key, place).mistake(error.message, error.cure))
    except BeyondSchemaError:
        pass
    return None


def _read(expression: Expression, reading: Reading, mistakes: list[Mistake], *, wanted: bool) -> Condition | None:
    try:
        return reading.truth(expression.tree, wanted)
    except ExpressionError as error:
        at = expression.at
        mistakes.append(at.mistake(error.message, error.cure, start=error.span.start, end=error.span.end))
    except BeyondSchemaError:
        pass
    return None


def _fitting(schema: Any, path: tuple[str, ...], unknowns: Unknowns, *, there: bool) -> Iterator[Condition]:
    """Yield what a JSON Schema demands of a field, which has to be ``there``, or any value would do by its absence."""
    if schema is True:
        return
    if not isinstance(schema, dict):
        yield NEVER
        return
    if not there:
        said = f"{'.'.join(path)} need not be there, and whatever is not there fits"
        raise UnreadableError(said, f"put {path[-1]!r} under required:")
    if not path or unknowns.is_object(path):
        _only(schema, _OF_OBJECTS, path)
        if schema.get("type", "object") != "object" or schema.get("additionalProperties", True) is not True:
            raise UnreadableError(f"{'.'.join(path) or 'the artifact'} is an object, read by its properties", _CURE)
        for name in schema.get("required", ()):
            if not unknowns.is_object((*path, name)) and unknowns.index((*path, name)) is None:
                raise BeyondSchemaError
        for name, inner in schema.get("properties", {}).items():
            below = (*path, name)
            sure = name in schema.get("required", ()) or unknowns.is_required(below)
            yield from _fitting(inner, below, unknowns, there=sure)
        return
    _only(schema, _OF_FIELDS, path)
    index = unknowns.index(path)
    if index is None:
        raise BeyondSchemaError
    yield from _fitting_value(schema, index, unknowns)


def _fitting_value(schema: dict[str, Any], index: int, unknowns: Unknowns) -> Iterator[Condition]:
    variable = unknowns.variables[index]
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if variable.kind == "choice":
        if schema.keys() & _BOUNDS or "type" in schema:
            raise UnreadableError(f"{variable.name} is one of listed values", "say which by enum or const")
        listed = [
            place for place, value in enumerate(variable.values) if any(same(value, one) for one in allowed or ())
        ]
        yield ALWAYS if allowed is None else some((is_at(index, one) for one in listed), unknowns.variables)
        return
    if schema.get("type", "number") not in _TYPES[variable.kind]:
        raise UnreadableError(f"{variable.name} is declared as another type", "state it where it is declared", "type")
    yield from bounds_of(schema, Unknown(index))
    if allowed is not None:
        if variable.kind == "real":
            raise UnreadableError(f"{variable.name} has decimals, and is hardly ever equal to a number", "write bounds")
        numbers = [Number(exact(one)) for one in allowed if is_number(one)]
        yield some(Equal(applied("-", Unknown(index), one)) for one in numbers)


def _only(schema: dict[str, Any], known: frozenset[str], path: tuple[str, ...]) -> None:
    for key in schema:
        if key not in known:
            said = f"{'.'.join(path) or 'the artifact'}: {key!r} is not read by the solver"
            raise UnreadableError(said, _CURE, key)


_CURE: Final = "write it as a rule with require:"
