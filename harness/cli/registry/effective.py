"""``harness registry effective REGISTRY…``: the policy in force, or the registry with all it takes over written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

import typer

from harness.adapters.registries import load_registry
from harness.cli.output import console
from harness.errors import UsageError
from harness.registry.complaint import nearest
from harness.registry.override import Override
from harness.registry.publish import facts_of, publish
from harness.registry.registry import Registry
from harness.review.policy import Access, AgentPolicy, Barrier, policies

_COLUMNS: Final = ("tool", "effect", "by itself", "rule", "does", "share")


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries; several become one.")],
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what holds of this agent, declared or not.")
    ] = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the whole registry, as YAML that loads again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --yaml the whole registry.")] = False,
) -> None:
    """Print what each agent may do with each tool: by default, and the rules that may stand in the way.

    With --yaml the registry after ``extends`` and joining, as YAML that loads again to the same digest; what was
    changed of what it takes over stands above it, as comments.
    """
    registry = load_registry(*registries)
    if as_yaml:
        _print_whole(registry, as_json)
        return
    if agent is not None and registry.agents and registry.default == "allow" and agent not in registry.agents:
        known = f"declared agents: {', '.join(registry.agents)}"
        raise UsageError(f"no declared agent is called {agent!r}", cure=nearest(agent, registry.agents) or known)
    found = policies(registry, agent)
    if as_json:
        print(json.dumps(_head(registry) | {"agents": [one.facts() for one in found]}, ensure_ascii=False))
        return
    out = console()
    head = _head(registry)
    words = [f"{name} {value}" for name, value in head.items() if name not in ("registry", "version", "digest")]
    out.print(f"{registry.name} {registry.version}   sha256:{registry.digest}", markup=False)
    out.print("   ".join(words), markup=False)
    for one in found:
        out.print()
        for line in _lines(one):
            out.print(line, markup=False)
        for line in _aligned(_table(one)):
            out.print(line, markup=False)


def _print_whole(registry: Registry, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts_of(registry), ensure_ascii=False))
        return
    for change in registry.overrides:
        print(f"# {_told(change)}")
    print(publish(registry), end="")


def _head(registry: Registry) -> dict[str, str]:
    names = ("version", "digest", "default", "unknown", "kill")
    return {"registry": registry.name} | {name: getattr(registry, name) for name in names}


def _lines(policy: AgentPolicy) -> Iterator[str]:
    """Tell what is stated of an agent, in words."""
    stated = policy.stated
    may = f"   may {_grants(stated['may'])}" if "may" in stated else ""
    yield f"{policy.agent}{may}"
    yield from (f"   budget {entry}" for entry in _budgets(stated))
    if policy.terms is None:
        return
    terms = policy.terms
    falls = ", ".join(f"{fall:g} {severity}" for severity, fall in terms.fall.items() if fall)
    yield f"   trust begins at {terms.start:g}, falls by {falls} ({terms.counts}), recovers by {terms.recover:g}"
    for tier in stated["trust"].get("tiers", ()):
        parts = [f"may {_grants(tier['may'])}"] if "may" in tier else []
        parts += [f"writes: {tier['writes']}"] if "writes" in tier else []
        parts += [f"budget {entry}" for entry in _budgets(tier)]
        yield f"   trusted less than {tier['below']:g}: {'; '.join(parts)}"


def _grants(may: list[Any]) -> str:
    granted = [one if isinstance(one, str) else _grant(one) for one in may]
    return ", ".join(granted) or "nothing"


def _grant(grant: dict[str, Any]) -> str:
    return f"{grant['tool']} with {json.dumps(grant['args'])}" if "args" in grant else str(grant["tool"])


def _budgets(stated: Any) -> Iterator[str]:
    budget = stated.get("budget", [])
    for entry in budget if isinstance(budget, list) else [budget]:
        yield ", ".join(f"{name} {value}" for name, value in entry.items())


def _table(policy: AgentPolicy) -> Iterator[tuple[str, ...]]:
    """Lay out the tools, each with the rules that may stop a call; of one that is refused anyway no others are told."""
    yield _COLUMNS
    for one in policy.tools:
        first: tuple[str, ...] = (one.tool, one.effect, _by_itself(one))
        for row in map(_row, () if one.access == "refused" else one.rules):
            yield *first, *row
            first = ("", "", "")
        if any(first):
            yield *first, "", "", ""


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _by_itself(access: Access) -> str:
    return f"{access.access} by {access.by}" if access.by else access.access


def _row(rule: Barrier) -> tuple[str, str, str]:
    who = f"{' to' if rule.does == 'escalate' else ', or'} {rule.who}" if rule.who else ""
    does = f"{rule.does}{' the result' if rule.on == 'result' else ''}{who}"
    return rule.rule, does, "" if rule.percent == 100 else f"{rule.percent:g} %"


def _told(change: Override) -> str:
    """Say in one line what was changed, where, and why."""
    done = "left out" if change.part == "dropped" else f"{change.part} changed"
    why = f": {' '.join(change.reason.split())}" if change.reason else ""
    return f"{done}  {change.name}   {change.before} -> {change.now}{why}"
