"""A choice is made, and the registry settled: other values of parameters, and never another rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import yaml

from harness.converge.ground import Ground
from harness.converge.negotiation.report import Choice, Report, Way
from harness.errors import UsageError
from harness.registry.registry import Registry
from harness.registry.solve.decide import Budget, Feasible, Infeasible, decide

STANDARD: Final = Budget()

Policy = Callable[[Report], Choice | None]


def cheapest(report: Report) -> Choice | None:
    """Choose what costs least, the first of several; None where nothing on offer has a cost."""
    return _first(report, "policy cheapest", lambda way: way.cost or 0.0)


def balanced(report: Report) -> Choice | None:
    """Choose what moves no single parameter far: the least of the largest costs of a change."""
    return _first(report, "policy balanced", lambda way: max(one.cost or 0.0 for one in way.changes))


POLICIES: Final[Mapping[str, Policy]] = {"cheapest": cheapest, "balanced": balanced}


def _first(report: Report, name: str, cost: Callable[[Way], float]) -> Choice | None:
    known = [(cost(way), number) for number, way in enumerate(report.ways, 1) if way.cost is not None]
    return report.choose(min(known)[1], name) if known else None


def settle(registry: Registry, choice: Choice, *, budget: Budget = STANDARD) -> Registry:
    """Give the registry with the chosen values of parameters, as a higher version; nothing else of it is changed.

    It is solved again. UsageError where the choice was made of another registry, or where it is not certified that an
    artifact fits; RegistryError where a caller may not bind one of the values.
    """
    if choice.digest != registry.digest:
        said = f"this was chosen of sha256:{choice.digest[:12]}…, and the registry is sha256:{registry.digest[:12]}…"
        raise UsageError(said, where=registry.file, cure="negotiate anew: what would do may be another thing now")
    bound = registry.bind(**choice.values)
    settled = replace(bound, version=next_version(registry.version))
    ground = Ground(settled, choice.artifact, choice.given)
    if ground.problem is None or ground.unread:
        raise UsageError(f"the rules cannot be solved: {ground.unread or 'they speak of no field'}")
    decision = decide(ground.problem, budget)
    if not isinstance(decision, Feasible):
        why = ", ".join(decision.core) if isinstance(decision, Infeasible) else decision.reason
        said = f"with {_told(choice.values)} it is {type(decision).__name__.lower()} still: {why}"
        raise UsageError(said, where=registry.file, cure="choose another way")
    return settled


def record(registry: Registry, settled: Registry, choice: Choice) -> dict[str, Any]:
    """Give what was settled as JSON data: who chose what, from which digest to which."""
    before = {name: registry.parameters[name] for name in choice.values}
    return choice.facts() | {
        "registry": registry.name,
        "before": before,
        "version": settled.version,
        "to": settled.digest,
    }


def amendment(registry: Registry, settled: Registry, choice: Choice, base: str) -> str:
    """Write what was settled as a registry file that extends ``base``, the name or path of the registry as it was.

    Loading it gives the settled registry, of the same digest. ``source`` says who chose, and of which digest.
    """
    stated = {
        "registry": settled.name,
        "version": settled.version,
        "default": settled.default,
        "unknown": settled.unknown,
        "extends": [base],
        "parameters": {name: _restated(registry, name, choice) for name in choice.values},
    }
    return yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def next_version(version: str) -> str:
    """Give a higher version: the second of its numbers counts one up, and what follows starts again."""
    if numbers := re.fullmatch(r"([0-9]+)(?:\.([0-9]+)((?:\.[0-9]+)*))?", version):
        first, second, rest = numbers[1], int(numbers[2] or 0) + 1, (numbers[3] or "").count(".")
        return f"{first}.{second}{'.0' * rest}"
    return f"{version}.1"


def _restated(registry: Registry, name: str, choice: Choice) -> dict[str, Any]:
    """Give a parameter's table with another value."""
    written = registry.places[f"parameters.{name}"].plain()
    table = dict(written) if isinstance(written, dict) else {}
    said = f"; before: {table['source']}" if "source" in table else ""
    source = f"chosen by {choice.by}, instead of {registry.parameters[name]} in sha256:{registry.digest}{said}"
    return table | {"value": choice.values[name], "source": source, "override": True}


def _told(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
