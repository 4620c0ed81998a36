"""``harness resume TRACE``: a killed run goes on."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.approvals import approver_of
from harness.cli.options import Approve, AsJson, CodeFolder, EntryName, ModelScript, NewTrace
from harness.cli.output import counted, emit, plain, show_verdict, waits
from harness.cli.replay import restore_hash_seed
from harness.door.resume import Resumed, resume
from harness.door.scripted import scripted_model
from harness.errors import Refused, Waiting


def command(
    trace: Annotated[Path, typer.Argument(help="The trace of the run that was killed, or waits.")],
    out: NewTrace = None,
    repeat: Annotated[
        list[str] | None,
        typer.Option(metavar="TOOL", help="Let a call of this tool that is in doubt be made again; may be repeated."),
    ] = None,
    entry: EntryName = None,
    path: CodeFolder = None,
    approve: Approve = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Continue a run that was killed, or waits for an answer: its record first, then for real.

    What had begun and not ended is performed again, looked up or left alone by what its tool declares. Exit 4 where the
    agent is not the recorded one: nothing is performed then. Exit 3 where there is still no answer.
    """
    restore_hash_seed(trace)
    approver = approver_of(approve) if approve is not None else None
    try:
        with scripted_model(model_script), redirect_stdout(sys.stderr) if as_json else nullcontext():
            resumed = resume(trace, out=out, entry=entry, path=path, approver=approver, repeat=repeat or ())
    except Waiting as waiting:
        raise waits(waiting, approve, model_script, as_json) from None
    emit(_facts(resumed), _lines(resumed), as_json)
    if resumed.error is not None and not isinstance(resumed.error, Refused):
        raise typer.Exit(5)
    raise typer.Exit(show_verdict(resumed.verdict, resumed.path, quiet=as_json))


def _facts(resumed: Resumed) -> dict[str, Any]:
    return {
        "trace": resumed.path,
        "digest": resumed.digest,
        "followed": resumed.followed,
        "steps": resumed.steps,
        "doubts": [
            {"action": one.action, "tool": one.tool, "decided": one.decided, "why": one.why} for one in resumed.doubts
        ],
        "verdict": resumed.verdict,
        "result": plain(resumed.result),
        "error": None if resumed.error is None else str(resumed.error),
    }


def _lines(resumed: Resumed) -> list[str]:
    lines = [f"{counted(resumed.followed, 'event')} followed"]
    lines += [f"in doubt  {one.tool} (event {one.action})  {one.decided}: {one.why}" for one in resumed.doubts]
    lines.append(f"{counted(resumed.steps, 'step')} · {resumed.path} · sha256:{resumed.digest}")
    if resumed.error is not None:
        return [*lines, f"stopped by {type(resumed.error).__name__}: {resumed.error}"]
    return [*lines, f"returned {plain(resumed.result)!r}"]
