"""``harness registry mutate REGISTRY…``: whether the examples would notice a wrong rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import open_trace, trace_files
from harness.cli.options import AsJson
from harness.cli.output import counted, emit
from harness.cli.registry.loading import load_each, with_progress
from harness.determinism.canonical import digest_of
from harness.errors import UsageError
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry
from harness.review.mutate import Mutant, Score, score, total, unnoticed
from harness.review.stories import alone, on_stage


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries, or folders of them.")],
    traces: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Traces that may notice too; may be repeated.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="ID", help="This rule only; may be repeated.")] = None,
    at_least: Annotated[float, typer.Option(min=0, max=1, help="The score each rule must reach.")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Put one small fault after another into each rule, and see whether its examples are judged differently.

    The score of a rule is the share of its faults that were noticed. Exit 1 where a rule is below --at-least, 3 where
    nothing could be changed in a rule.
    """
    loaded = load_each(registries)
    rules = _chosen(loaded, rule)
    derived = sum(one.derived for registry in loaded for one in registry.invariants)
    scores = [score(one, registry) for one, registry in with_progress(rules, "mutating")]
    for path in with_progress(trace_files(traces), "judging") if traces else ():
        with open_trace(path) as reader:
            events = list(reader)
        scores = [unnoticed(one, events, reader.header.run) for one in scores]
    below = [one for one in scores if one.share is not None and one.share < at_least]
    untouched = [one for one in scores if one.share is None]
    lines = [*_lines(scores, below, at_least), *([_left_out(derived)] if derived else [])]
    emit(_facts(scores, below, at_least) | {"derived": derived}, lines, as_json)
    raise typer.Exit(1 if below else 3 if untouched else 0)


def _chosen(registries: list[Registry], ids: list[str] | None) -> list[tuple[Invariant, Registry]]:
    """Give the rules that somebody wrote, one that several registries take over only once."""
    rules: dict[str, tuple[Invariant, Registry]] = {}
    for registry in registries:
        for rule in (one for one in registry.invariants if not one.derived):
            stage = on_stage(alone(rule, registry))
            stories = [*rule.examples.holds, None, *rule.examples.violated]
            tools = {name: spec.stated() for name, spec in stage.tools.items()}
            key = digest_of([rule.meaning(), stories, stage.parameters, tools])
            rules.setdefault(key, (rule, registry))
    known = {rule.id for rule, _ in rules.values()}
    if missing := [name for name in ids or () if name not in known]:
        raise UsageError(f"no such rule: {', '.join(missing)}", cure=f"rules: {', '.join(sorted(known))}")
    return [(rule, registry) for rule, registry in rules.values() if not ids or rule.id in ids]


def _lines(scores: list[Score], below: list[Score], at_least: float) -> Iterator[str]:
    for one in scores:
        yield f"{one.rule}  {_share(one.noticed, one.mutants)}   {one.place}"
        for mutant in one.survivors:
            yield f"    survived  {mutant.done}   {mutant.part}   {mutant.place}"
            yield f"      - {mutant.before}"
            if mutant.after:
                yield f"      + {mutant.after}"
    noticed, mutants = total(scores)
    same = sum(one.same for one in scores)
    rules = counted(len(scores), "rule")
    yield f"{rules}   {_share(noticed, mutants)}   {same} more mutants mean the same as their rule"
    if below:
        yield f"below {at_least:g}: {', '.join(one.rule for one in below)}"


def _left_out(derived: int) -> str:
    return f"{counted(derived, 'rule')} made from agents: left out, there is nothing to write examples for"


def _share(noticed: int, mutants: int) -> str:
    return f"{noticed / mutants:.2f} ({noticed}/{mutants})" if mutants else "· (nothing to change)"


def _facts(scores: list[Score], below: list[Score], at_least: float) -> dict[str, Any]:
    noticed, mutants = total(scores)
    return {
        "score": noticed / mutants if mutants else None,
        "noticed": noticed,
        "mutants": mutants,
        "at_least": at_least,
        "below": [one.rule for one in below],
        "rules": [
            {
                "rule": one.rule,
                "place": one.place,
                "score": one.share,
                "noticed": one.noticed,
                "mutants": one.mutants,
                "same": one.same,
                "survivors": [_mutant_facts(mutant) for mutant in one.survivors],
            }
            for one in scores
        ],
    }


def _mutant_facts(mutant: Mutant) -> dict[str, str]:
    return {name: getattr(mutant, name) for name in ("done", "part", "before", "after", "place")}
