"""``harness causes module:function``: what single faults lead to, and what that comes to when it is stitched."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.hash_seed import HASH_SEED, restart_with_hash_seed
from harness.cli.options import AsJson, ModelScript
from harness.cli.output import counted, emit
from harness.cli.parameters import read_input
from harness.door.agents import load_entry
from harness.door.app import Harness, app_of
from harness.door.causality import TRIED, Confirmed, Found, find_causes
from harness.door.scripted import scripted_model
from harness.errors import UsageError
from harness.stress.causes.causality import Edge
from harness.stress.causes.causality import Path as Way


def command(
    entry: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="The agent, as run takes it.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="J", help="A test: the agent's input as JSON; repeatable.")
    ] = None,
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="PLAN", help="Try each fault of this plan, and no others."),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help=f"A kind of fault to try; repeatable. By default {', '.join(TRIED)}.")
    ] = None,
    holds: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=EXPRESSION", help="What has to agree where findings are joined; repeatable."),
    ] = None,
    confirm: Annotated[
        list[str] | None,
        typer.Option(metavar="J", help="An input with all parts of a cycle, to confirm one in; repeatable."),
    ] = None,
    before: Annotated[
        str | None, typer.Option(metavar="M:F", help="A function that puts the agent's world back, before every run.")
    ] = None,
    budget: Annotated[int, typer.Option(min=1, help="How many runs to make at most.")] = 1000,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the traces of the runs that show a part of a cycle.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Wait for real: for agents that wait for real sockets.")
    ] = False,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Run an agent under one fault at a time, and say what leads to what, and what feeds itself.

    Exit 1 where a cycle feeds itself, 3 where none was found and the budget left faults untried.
    """
    restart_with_hash_seed(HASH_SEED)
    with scripted_model(model_script), redirect_stdout(sys.stderr) if as_json else nullcontext():
        function = load_entry(entry, str(Path.cwd()))
        app = app_of(function) or Harness()
        found = find_causes(
            function,
            _tests(inputs, "--input"),
            app=app.with_registry(*registry) if registry else app,
            faults=faults,
            kinds=kind or TRIED,
            holds=dict(map(_named, holds or ())),
            confirm=_tests(confirm, "--confirm"),
            before=before,
            virtual=not real_time,
            budget=budget,
            out=out,
        )
    emit(_facts(found), _lines(found), as_json)
    if found.causes.cycles:
        raise typer.Exit(1)
    raise typer.Exit(3 if found.untried else 0)


def _tests(texts: list[str] | None, option: str) -> dict[str, dict[str, Any]]:
    """Give inputs by what names their tests: the text itself."""
    return {text: read_input(text, option) for text in texts or ()}


def _named(pair: str) -> tuple[str, str]:
    name, equals, text = pair.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"--holds {pair!r} is no pair", cure="write --holds name=expression")
    return name, text


def _lines(found: Found) -> list[str]:
    causes = found.causes
    lines = [f"{counted(found.runs, 'run')}, {counted(len(causes.edges), 'edge')}"]
    lines += _table([(_edge(edge), _shown(edge)) for edge in causes.edges])
    lines += ["", "in no run by itself:"] if causes.chains else []
    lines += [f"    {' → '.join(map(str, (*way.causes, way.edges[-1].effect)))}" for way in causes.chains]
    for way, confirmed in zip(causes.cycles, found.confirmed, strict=True):
        lines += ["", "feeds itself:", *_steps(way, found), f"    {_said(confirmed)}"]
    if not causes.cycles:
        lines += ["", "nothing was found to feed itself"]
    for test, sites in found.unsteady.items():
        lines.append(f"not looked at in {test}, because it comes and goes: {', '.join(map(str, sites))}")
    if found.untried:
        lines.append(f"{counted(found.untried, 'fault')} untried: the budget is used up")
    return lines


def _edge(edge: Edge) -> str:
    return f"{edge.cause} → {edge.effect}"


def _shown(edge: Edge) -> str:
    """Name the tests that show an edge, those after the first by their number."""
    tests = edge.tests
    return tests[0] if len(tests) == 1 else f"{tests[0]} and {len(tests) - 1} more"


def _steps(way: Way, found: Found) -> list[str]:
    rows = []
    for edge in way.edges:
        first = edge.shown[0]
        trace = found.traces.get((first.test, first.fault))
        rows.append((_edge(edge), ", ".join(filter(None, (first.fault, _shown(edge), trace)))))
    return _table(rows)


def _table(rows: list[tuple[str, str]]) -> list[str]:
    wide = max((len(first) for first, _ in rows), default=0)
    return [f"    {first:{wide}}    {second}" for first, second in rows]


def _said(confirmed: Confirmed | None) -> str:
    if confirmed is None:
        return "not seen in one run: a hypothesis, until a test has all of its parts (--confirm)"
    rounds = counted(confirmed.rounds, "time")
    return f"confirmed: one run goes round {rounds}, {' and '.join(confirmed.faults)}, {confirmed.test}"


def _facts(found: Found) -> dict[str, Any]:
    numbers = {edge: number for number, edge in enumerate(found.causes.edges)}
    cycles = [
        {
            "edges": [numbers[edge] for edge in way.edges],
            "sites": list(map(str, way.causes)),
            "stitched": way.stitched,
            "confirmed": None if confirmed is None else confirmed._asdict(),
        }
        for way, confirmed in zip(found.causes.cycles, found.confirmed, strict=True)
    ]
    chains = [
        {"edges": [numbers[edge] for edge in way.edges], "ends": str(way.edges[-1].effect)}
        for way in found.causes.chains
    ]
    return {
        "runs": found.runs,
        "untried": found.untried,
        "edges": [_edge_facts(edge) for edge in found.causes.edges],
        "cycles": cycles,
        "chains": chains,
        "traces": [{"test": test, "fault": fault, "trace": path} for (test, fault), path in found.traces.items()],
        "unsteady": {test: list(map(str, sites)) for test, sites in found.unsteady.items()},
    }


def _edge_facts(edge: Edge) -> dict[str, Any]:
    return {
        "cause": str(edge.cause),
        "effect": str(edge.effect),
        "at_cause": dict(edge.at_cause),
        "at_effect": dict(edge.at_effect),
        "under": dict(edge.under),
        "shown": [one._asdict() for one in edge.shown],
    }
