"""``harness registry test REGISTRY…``: the examples beside the rules, tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from harness.cli.options import AsJson
from harness.cli.output import counted, emit
from harness.cli.registry.loading import load_each
from harness.registry.invariant import Invariant
from harness.registry.registry import Registry
from harness.review.trial import Failure, Trial, try_registry


def command(
    registries: Annotated[list[str], typer.Argument(metavar="REGISTRY…", help="Registries, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Judge each rule's own examples; at the last line of each the rule must hold, or be violated, as it says.

    Exit 1 where an example shows something else, 3 where a rule lacks an example that holds or one that is violated.
    """
    trials = [(registry, try_registry(registry)) for registry in load_each(registries)]
    failed = any(trial.failures for _, trial in trials)
    incomplete = any(trial.never_hold or trial.never_violated for _, trial in trials)
    facts = {
        "verdict": "failed" if failed else "inconclusive" if incomplete else "ok",
        "registries": [_facts(registry, trial) for registry, trial in trials],
    }
    emit(facts, [line for registry, trial in trials for line in _lines(registry, trial)], as_json)
    raise typer.Exit(1 if failed else 3 if incomplete else 0)


def _lines(registry: Registry, trial: Trial) -> Iterator[str]:
    for failure in trial.failures:
        example = failure.example
        yield f"{failure.rule.id}  {example.at.place}   expected {example.expected}, found {failure.found}"
        yield from _deciding(failure)
        yield ""
    rules = counted(len(registry.invariants) - trial.derived, "rule")
    failures = f"{len(trial.failures)} failed" if trial.failures else "none failed"
    derived = f"   {trial.derived} more made from agents" if trial.derived else ""
    yield f"{registry.file}   {rules}   {counted(trial.examples, 'example')}   {failures}{derived}"
    for kind, lacking in (("that holds", trial.never_hold), ("that is violated", trial.never_violated)):
        for rule in lacking:
            yield f"    {rule.id}  {rule.place}   has no example {kind}"


def _deciding(failure: Failure) -> Iterator[str]:
    verdict = failure.verdict
    if verdict is None:
        return
    for number, (text, value) in enumerate(verdict.values.items()):
        shown = " ".join(text.split())
        yield f"    {'' if number else 'values':8}  {shown} = {json.dumps(value, ensure_ascii=False)}"
    if verdict.reason:
        yield f"    reason    {verdict.reason}"


def _facts(registry: Registry, trial: Trial) -> dict[str, Any]:
    def places(rules: tuple[Invariant, ...]) -> list[dict[str, str]]:
        return [{"rule": rule.id, "place": rule.place} for rule in rules]

    return {
        "registry": registry.name,
        "file": registry.file,
        "digest": registry.digest,
        "rules": len(registry.invariants) - trial.derived,
        "derived": trial.derived,
        "examples": trial.examples,
        "failures": [
            {
                "rule": failure.rule.id,
                "place": failure.example.at.place,
                "expected": failure.example.expected,
                "found": failure.found,
                "values": failure.verdict.values if failure.verdict else {},
                "reason": failure.verdict.reason if failure.verdict else "",
            }
            for failure in trial.failures
        ],
        "no_example_that_holds": places(trial.never_hold),
        "no_example_that_is_violated": places(trial.never_violated),
    }
