"""What is legal between an agent and its tools, as far as their declarations say: a protocol automaton.

The state is what the calls so far have come to. A call is legal in it where

* its tool ``needs`` nothing that no call has given so far;
* it is not, with the same arguments or the same idempotency key, a second time a write that is not idempotent, after
  one that happened or may have;
* it does not undo more calls than happened or may have.

An answer is legal where the declaration of the tool allows it: the truth; an error; silence, after which the call may
have happened if it is a write; and another value where the schema of the result names others.

What it does not say: whether a call is sensible, which arguments belong together, and what a rule of a registry says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.determinism import canonical
from harness.faults.plan import Fault
from harness.stress.seen import Came, Made
from harness.tool import ToolSpec

_MAY_HAVE_HAPPENED: Final[tuple[Came, ...]] = ("ok", "unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """What has come of the calls so far: facts that were given, writes that may have happened, and how often."""

    facts: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)


class ToolProtocol:
    """The protocol of some tools; ``held`` are facts that are there from the beginning."""

    def __init__(self, tools: Mapping[str, ToolSpec], held: Collection[str] = ()) -> None:
        self._tools = dict(tools)
        self._undone = {spec.undo: name for name, spec in self._tools.items() if spec.undo}
        self._gifts = {fact for spec in self._tools.values() for fact in spec.gives}
        self._held = frozenset(held)

    def begin(self) -> Standing:
        """Give the state before any call."""
        return Standing(self._held)

    def after(self, standing: Standing, made: Made) -> Standing:
        """Give the state after a call; refused ones and those of undeclared tools change nothing."""
        spec = self._tools.get(made.tool)
        if spec is None or made.came not in _MAY_HAVE_HAPPENED:
            return standing
        return Standing(
            standing.facts | set(spec.gives) if made.came == "ok" else standing.facts,
            standing.writes | {_same(spec, made.args)} if spec.effect == "write" else standing.writes,
            {**standing.counts, made.tool: standing.counts.get(made.tool, 0) + 1},
        )

    def objection(self, standing: Standing, tool: str, args: Mapping[str, Any]) -> str:
        """Say why a call is not legal in a state; empty where it is, or its tool is not declared."""
        spec = self._tools.get(tool)
        if spec is None:
            return ""
        missing = [fact for fact in spec.needs if fact in self._gifts and fact not in standing.facts]
        if missing:
            return f"{tool} needs {' and '.join(missing)}, which nothing has given"
        if spec.effect == "write" and not spec.idempotent and _same(spec, args) in standing.writes:
            return f"{tool} is called again, and the same call happened before or may have"
        undone = self._undone.get(tool)
        if undone is not None and standing.counts.get(tool, 0) >= standing.counts.get(undone, 0):
            return f"{tool} undoes more than {undone} has done"
        return ""

    def illegal(self, calls: Collection[Made]) -> tuple[Made, str] | None:
        """Give the first call of a run that is not legal, and why. O(calls)."""
        standing = self.begin()
        for made in calls:
            why = self.objection(standing, made.tool, made.args)
            if why:
                return made, why
            standing = self.after(standing, made)
        return None

    def freedom(self, standing: Standing) -> int:
        """Count the tools that could be called at all in a state: the fewer, the nearer an illegal call."""
        free = 0
        for name, spec in self._tools.items():
            needs = all(fact in standing.facts for fact in spec.needs if fact in self._gifts)
            undone = self._undone.get(name)
            undoes = undone is None or standing.counts.get(name, 0) < standing.counts.get(undone, 0)
            repeats = spec.effect == "write" and not spec.idempotent and name in standing.counts
            free += needs and undoes and not repeats
        return free

    def answers(self, made: Made) -> Iterator[Fault]:
        """Yield the legal answers to a call other than the true one, as faults that strike it and no other call."""
        spec = self._tools.get(made.tool)
        if spec is None:
            return
        kinds: list[tuple[str, dict[str, Any]]] = [("error", {"status": 503}), ("timeout", {})]
        kinds += [("commit_then_timeout", {})] if spec.effect == "write" else []
        if made.came == "ok" and spec.result is not None:
            kinds += [("variant", {"at": at, "value": value}) for at, value in _variants(spec.result, made.value)]
        for number, (kind, strength) in enumerate(kinds):
            name = f"{made.tool}-{made.nth}-{number}"
            yield Fault(name, kind, tools=(made.tool,), nth=(made.nth,), strength=strength)


def _same(spec: ToolSpec, args: Mapping[str, Any]) -> str:
    key = spec.idempotency_key
    return canonical.digest_of([spec.name, {key: args[key]} if key and key in args else dict(args)])


def _variants(schema: Any, value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Yield other values that a schema names itself: of enumerations, truth values, bounds, and lists without items."""
    if not isinstance(schema, dict):
        return
    others: list[Any] = list(schema.get("enum", ()))
    if schema.get("type") == "boolean":
        others = [True, False]
    others += [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    if schema.get("type") == "array" and not schema.get("minItems"):
        others.append([])
    yield from ((at, other) for other in others if other != value or type(other) is not type(value))
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _variants(part, value[name], f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _variants(schema.get("items"), item, f"{at}/{place}")
