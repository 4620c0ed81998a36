"""A routine: a plan of calls, written down before anything is called (2507.14447).

Each step names a tool and its arguments. A text ``$NAME`` in them, or ``$NAME.path[0]``, stands for what an earlier
step has given or for what is handed in; ``$$`` begins a text with a dollar. Steps that write are made in the order they
stand in, and wait for all before them; steps that only read wait for what they use, and for the last write before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self, cast

from harness.converge.plan.plan import TRIES, Keys, Node, Plan, Schema, copied, keys
from harness.errors import UsageError
from harness.registry.document import Written
from harness.registry.graph.path import Steps, split
from harness.tool import ToolSpec

_REFERENCE: Final = re.compile(r"\$[A-Za-z_]")


@dataclass(frozen=True)
class Step:
    """One call: of a ``tool``, with ``args`` that may refer to earlier steps.

    ``tries`` bounds how often it is made; None for as often as what the tool declares makes harmless.
    """

    name: str
    tool: str
    args: dict[str, Any] = field(default_factory=dict, hash=False)
    tries: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", copied(self.args))


@dataclass(frozen=True)
class Routine:
    """Calls in their order; ``given``, ``results`` and ``written`` are those of a plan."""

    name: str
    steps: tuple[Step, ...]
    given: Keys | Iterable[str] = field(default=(), hash=False)
    results: tuple[str, ...] = ()
    written: Written | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "given", keys(self.given))
        object.__setattr__(self, "results", tuple(self.results))

    @property
    def inputs(self) -> dict[str, Schema]:
        """The keys that are handed in, each with what is asked of them."""
        return cast("dict[str, Schema]", self.given)  # as __post_init__ has left it

    @property
    def names(self) -> tuple[str, ...]:
        """All that an argument can refer to, and all that can be handed in."""
        return (*self.inputs, *(step.name for step in self.steps))

    @classmethod
    def of(cls, data: Mapping[str, Any], written: Written | None = None) -> Self:
        """Make a routine of JSON data that has the form of a file."""
        steps = (Step(one["step"], one["tool"], one.get("args") or {}, one.get("tries")) for one in data["steps"])
        return cls(data["routine"], tuple(steps), data.get("given", ()), tuple(data.get("results", ())), written)


class Reference(NamedTuple):
    """A text in the arguments that stands for a value: where it is, the name it begins with, and the path behind it."""

    at: Steps
    text: str
    name: str
    path: Steps | None


def references(value: Any, names: Collection[str], at: Steps = ()) -> Iterator[Reference]:
    """Yield every reference in JSON data; the name of one to none of ``names`` is as far as it reads as a name."""
    if isinstance(value, str) and _REFERENCE.match(value):
        found = split(value[1:], tuple(names))
        if found is not None:
            yield Reference(at, value, *found)
        else:
            yield Reference(at, value, re.split(r"[.\[]", value[1:], maxsplit=1)[0], None)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from references(item, names, (*at, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from references(item, names, (*at, place))


def resolved(value: Any, values: Mapping[str, Any]) -> Any:
    """Give JSON data with each reference replaced by what it stands for; UsageError where that is not there."""
    if isinstance(value, dict):
        return {key: resolved(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, values) for item in value]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if not _REFERENCE.match(value):
        return value[1:] if value.startswith("$$") else value
    found = split(value[1:], tuple(values))
    if found is None:
        raise UsageError(f"{value} stands for nothing that is there", cure=f"there are: {', '.join(values) or 'none'}")
    return _followed(values[found[0]], found[1], value)


def plan_of(routine: Routine, tools: Mapping[str, ToolSpec]) -> Plan:
    """Give a routine as a plan: a node for each step, which writes the result of its call under the step's name."""
    nodes, written, since = list[Node](), list[str](), list[str]()
    for step in routine.steps:
        spec = tools.get(step.tool, ToolSpec(step.tool))
        reads = dict.fromkeys(one.name for one in references(step.args, routine.names))
        tries = step.tries if step.tries is not None else TRIES if spec.repeatable(step.args) else 1
        writes = spec.effect == "write"
        after = (*written, *since) if writes else written
        nodes.append(Node(step.name, f"Call {step.tool}.", reads, {step.name: spec.result}, (), tuple(after), tries))
        written, since = ([step.name], []) if writes else (written, [*since, step.name])
    return Plan(routine.name, tuple(nodes), routine.inputs, routine.results)


def _followed(value: Any, path: Steps, text: str) -> Any:
    for step in path:
        inside = isinstance(value, list) and type(step) is int and step < len(value)
        if not inside and not (isinstance(value, dict) and step in value):
            raise UsageError(f"{text}: there is no {step!r} in what was given")
        value = value[step]
    return value
