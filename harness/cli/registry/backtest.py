"""``harness registry backtest OLD NEW TRACE|DIR…``: what a new version changes on stored traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from harness.adapters.files import open_trace, trace_files
from harness.adapters.registries import load_registry
from harness.cli.labels import Labels
from harness.cli.options import AsJson
from harness.cli.output import counted, emit
from harness.cli.registry.loading import with_progress
from harness.mediation.decision import decide
from harness.registry.registry import Registry
from harness.review.backtest import ALL_RULES, Compared, Flip, Row, compare, rows
from harness.tool import ToolSpec
from harness.trace.verdict import Judgement

_WAYS: Final = {(False, True): "blocked by the new version only", (True, False): "blocked by the old version only"}


def command(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The registry as it was.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The registry as it is to be.")],
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE|DIR…", help="Traces, or folders of traces.")],
    labels: Annotated[bool, typer.Option("--labels", help="Compare with the rewards in labels.jsonl.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge stored traces by both versions, and tell what would have been blocked, allowed or judged otherwise.

    Intervals are Wilson's at 95 %, over traces: the steps of one trace are not independent. Exit 1 where anything
    changes.
    """
    before, after = load_registry(old), load_registry(new)
    known = Labels() if labels else None
    compared: list[Compared] = []
    for path in with_progress(trace_files(traces), "judging"):
        with open_trace(path) as reader:
            one = compare(str(path), reader, reader.header.run, before, after, _decided)
        compared.append(one._replace(positive=known.is_bad(path) if known else None))
    found = rows(compared)
    emit(_facts(before, after, found, compared), list(_lines(found, compared)), as_json)
    raise typer.Exit(1 if found else 0)


def _decided(judgement: Judgement, registry: Registry, spec: ToolSpec) -> str:
    return decide(judgement, registry, spec, "enforce").decision


def _lines(found: list[Row], compared: list[Compared]) -> Iterator[str]:
    for row in found:
        low, high = row.traces.interval
        share = f"{row.traces.k} of {row.traces.n} traces [{low * 100:.1f}, {high * 100:.1f}] %"
        yield f"{row.rule or 'all rules'}  {row.turn}   {counted(row.events, 'step')}   {share}"
        yield f"    first     {_place(row.first)}   {row.first.before} → {row.first.after}"
    if not found:
        yield f"nothing changes on {len(compared)} traces"
    for way, (bad, good) in _labelled(compared).items():
        yield f"traces {way}: {bad} labelled bad, {good} labelled good"


def _place(flip: Flip) -> str:
    return f"{flip.trace}  step {flip.step}, {f'event {flip.seq}' if flip.seq >= 0 else 'at the end'}"


def _labelled(compared: list[Compared]) -> dict[str, tuple[int, int]]:
    """Count the traces that are blocked by one version only, by their labels."""
    if any(one.positive is None for one in compared):
        return {}
    counted = Counter((one.blocked, one.positive) for one in compared)
    return {way: (counted[blocked, True], counted[blocked, False]) for blocked, way in _WAYS.items()}


def _facts(before: Registry, after: Registry, found: list[Row], compared: list[Compared]) -> dict[str, Any]:
    return {
        "registries": [{"name": one.name, "version": one.version, "digest": one.digest} for one in (before, after)],
        "traces": len(compared),
        "changes": [
            {
                "rule": None if row.rule == ALL_RULES else row.rule,
                "turn": row.turn,
                "events": row.events,
                "traces": row.traces.k,
                "share": row.traces.share,
                "interval": list(row.traces.interval),
                "first": row.first._asdict(),
            }
            for row in found
        ],
        "labels": {way: {"bad": bad, "good": good} for way, (bad, good) in _labelled(compared).items()},
    }
