"""Facts become arguments, and results become facts, by what the graph states and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.determinism.canonical import digest_of
from harness.registry.program import validator
from harness.routing.graph import Arc, Goal, Graph, Source

_KEY_DIGITS: Final = 32


class Unbound(Exception):
    """Say why a call cannot be made of the facts that are held, or no facts of its result."""


class Bindings:
    """Bind the calls of one graph; it holds the compiled schemas of its tools and may serve many routes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._arguments: dict[str, Any] = {}
        self._goals: dict[str, Any] = {}
        self._results: dict[str, Any] = {}

    def arguments(
        self,
        tool: str,
        args: tuple[tuple[str, Source], ...],
        facts: Mapping[str, Any],
        mark: Sequence[Any],
    ) -> dict[str, Any]:
        """Give the arguments of a call, its idempotency key included; Unbound where they do not fit the tool's schema.

        The key is derived from the arguments and the ``mark`` of the call (the route, the facts it is to give, how
        often its work was taken back), so that a retry has the same key and another call another one.
        """
        spec = self._graph.tools[tool]
        bound = {name: _value(source, facts, f"the argument {name}") for name, source in args}
        if spec.idempotency_key is not None and not spec.keyed(bound):
            said = {"args": bound, "mark": list(mark), "tool": tool}
            bound[spec.idempotency_key] = digest_of(said)[:_KEY_DIGITS]
        self._check(self._arguments, tool, spec.arguments, bound, "the arguments do not fit the schema")
        return bound

    def check_facts(self, goal: Goal, facts: Mapping[str, Any]) -> None:
        """Raise Unbound where a fact that is handed in is not what the goal's schema says; none has to be there."""
        schema = {**(goal.arguments or {}), "required": []}
        named = {name: value for name, value in facts.items() if name in schema.get("properties", {})}
        self._check(self._goals, goal.name, schema, named, "the arguments do not fit the schema")

    def check_result(self, tool: str, result: Any) -> None:
        """Raise Unbound where a result is not what its tool promises."""
        self._check(self._results, tool, self._graph.tools[tool].result, result, "the result is not what is promised")

    @staticmethod
    def given(arc: Arc, result: Any) -> dict[str, Any]:
        """Give the facts that follow from a result of the arc's tool; Unbound where it has no such part."""
        paths = dict(arc.results)
        return {fact: _inside(result, paths.get(fact, ()), f"the fact {fact}") for fact in arc.gives}

    @staticmethod
    def _check(compiled: dict[str, Any], tool: str, schema: dict[str, Any] | None, value: Any, what: str) -> None:
        if schema is None:
            return
        if tool not in compiled:
            compiled[tool] = validator(schema)
        error = next(iter(compiled[tool].iter_errors(_bare(value))), None)
        if error is not None:
            place = "/".join(map(str, error.instance_path))
            raise Unbound(f"{what}: {f'/{place} ' if place else ''}{error.message}")


def constants(args: Mapping[str, Any]) -> tuple[tuple[str, Source], ...]:
    """Give bindings to the values themselves."""
    return tuple((name, Source(constant=value)) for name, value in args.items())


def _value(source: Source, facts: Mapping[str, Any], what: str) -> Any:
    if source.fact is None:
        return source.constant
    if source.fact not in facts:
        raise Unbound(f"{what} is bound to the fact {source.fact}, which is not held")
    return _inside(facts[source.fact], source.path, f"{what} ({source.fact})")


def opened(value: Any) -> Any:
    """Give an object, as a trace writes it, as the dict of its fields, and a tuple as a list; all else as it is."""
    return value["value"] if isinstance(value, dict) and value.get("$type") in ("object", "tuple") else value


def _bare(value: Any) -> Any:
    value = opened(value)
    if isinstance(value, dict):
        return {name: _bare(item) for name, item in value.items()}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _inside(value: Any, path: tuple[str | int, ...], what: str) -> Any:
    for step in path:
        inner = opened(value)
        parts: Any = {} if isinstance(inner, str) else inner  # a text has letters, and no parts
        try:
            value = parts[step]
        except (KeyError, IndexError, TypeError):
            raise Unbound(f"{what} is to be {'.'.join(map(str, path))}, and there is no {step!r}") from None
    return value
