"""``harness blame TRACE``: the event that a violation hangs on."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import read_text
from harness.cli.options import AsJson, CodeFolder, EntryName, ModelScript
from harness.cli.output import counted, emit
from harness.cli.replay import restore_hash_seed
from harness.determinism import canonical
from harness.door.blame import blame
from harness.door.scripted import scripted_model
from harness.errors import UsageError
from harness.stress.causes.blame import Blame


def command(
    trace: Annotated[Path, typer.Argument(help="The trace of a run that violates a rule.")],
    rule: Annotated[str, typer.Option(metavar="ID", help="The rule; the first violated one by default.")] = "",
    twin: Annotated[
        Path | None, typer.Option(metavar="TRACE", help="A good run: its outcomes take the place of this one's.")
    ] = None,
    repair: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Outcomes to try, as JSON: {"3": VALUE, "seq:12": VALUE}.')
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Call the agent's tools, in virtual time, instead of the record.")
    ] = False,
    before: Annotated[
        str | None,
        typer.Option(metavar="M:F", help="Called before every run, to put back what is kept in modules."),
    ] = None,
    budget: Annotated[int, typer.Option(metavar="RUNS", min=1, help="How many runs may be made.")] = 200,
    entry: EntryName = None,
    path: CodeFolder = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Name the earliest event of a run whose repair makes the violation go away.

    The agent runs again on its record, with one thing put right at a time: a fault that struck, a turn, a change of the
    input, or the outcome of a call. Exit 3 where no repair that was tried is enough.
    """
    restore_hash_seed(trace)
    with scripted_model(model_script), redirect_stdout(sys.stderr) if as_json else nullcontext():
        found = blame(
            trace,
            rule=rule,
            twin=twin,
            repairs=None if repair is None else _repairs(repair),
            live=live,
            before=before,
            entry=entry,
            path=path,
            budget=budget,
        )
    emit(_facts(found), _lines(found), as_json)
    raise typer.Exit(0 if found.found else 3)


def _repairs(file: Path) -> dict[str, Any]:
    try:
        said = canonical.decode(read_text(file).encode())
    except ValueError as error:
        raise UsageError(f"this is no JSON: {error}", where=str(file)) from None
    if not isinstance(said, dict):
        raise UsageError("these are no repairs", where=str(file), cure='write {"3": VALUE, "seq:12": VALUE}')
    return said


def _facts(found: Blame) -> dict[str, Any]:
    links = [link._asdict() for link in found.chain]
    return found._asdict() | {
        "found": found.found,
        "together": [one._asdict() for one in found.together],
        "chain": links,
    }


def _lines(found: Blame) -> list[str]:
    lines = [f"{found.rule} violated at event {found.violated_at}{f': {found.says}' if found.says else ''}"]
    counts = f"{counted(found.runs, 'run')}, {found.open} of them open"
    if not found.found:
        cure = "a good run as --twin, or outcomes as --repair, give it more to try"
        return [*lines, f"nothing that was tried makes it go away ({counts})", f"    {cure}"]
    lines.append(f"blamed  {_call(found)}: {found.how}")
    lines += [f"and     {_call(one)}: {one.how}" for one in found.together]
    if found.partly:
        lines.append("partly  the call that is made instead holds; what it would have given nobody knows")
    lines += ["chain"] if found.chain else []
    lines += [f"    {_call(link)}: {link.how}" for link in found.chain]
    return [*lines, counts]


def _call(one: Any) -> str:
    who = "" if one.agent == "main" else f" by {one.agent}"
    return f"step {one.step} (event {one.seq})  {one.tool} no. {one.nth}{who}" if one.tool else f"event {one.seq}"
