"""``harness fork TRACE --at STEP --set NAME=VALUE``, ``--faults PLAN``: what would have happened."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from harness.adapters.files import open_trace
from harness.adapters.registries import load_registry
from harness.cli.options import AsJson, CodeFolder, EntryName, ModelScript, NewTrace
from harness.cli.output import counted, emit, plain, show_verdict
from harness.cli.replay import restore_hash_seed
from harness.determinism import canonical
from harness.door.fork import Fork, fork
from harness.door.scripted import scripted_model
from harness.errors import Refused, UsageError
from harness.mediation.decision import decide
from harness.registry.registry import Registry
from harness.review.whatif import redecided
from harness.tool import ToolSpec
from harness.trace.verdict import Judgement

_TEXT: Final = ("prompt", "model", "registry", "faults")


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to leave.")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="outcome, args, input (or a part: args./amount=5), prompt, model, down=true, registry or seed.",
        ),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="Strike the run by this plan, and no more by its own.")
    ] = None,
    no_faults: Annotated[
        bool, typer.Option("--no-faults", help="Take the plan of faults away that the run was struck by.")
    ] = False,
    at: Annotated[str | None, typer.Option(metavar="STEP", help="The call to leave it at: N, or seq:N.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Stop (exit 4) at a call that the record does not know.")
    ] = False,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="Only judge the recorded calls by --set registry=…; run nothing.")
    ] = False,
    out: NewTrace = None,
    entry: EntryName = None,
    path: CodeFolder = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Run the agent behind a trace again with one thing changed, in a new trace.

    Up to the step the agent must do what is recorded. After it, calls that the record knows take the recorded outcome;
    others are made for real. Faults strike recorded outcomes too, and nothing is performed for that.
    """
    changed = _changes(change or [], faults, no_faults)
    if check_only:
        if at is not None or offline or out is not None:
            raise UsageError("--check-only runs nothing", cure="leave out --at, --offline and --out")
        raise typer.Exit(_check(trace, changed, as_json))
    restore_hash_seed(trace)
    with scripted_model(model_script), redirect_stdout(sys.stderr) if as_json else nullcontext():
        forked = fork(trace, at=at, set=changed, offline=offline, out=out, entry=entry, path=path)
    emit(_facts(forked), _lines(forked), as_json)
    if forked.divergence is not None:
        raise typer.Exit(4)
    if forked.error is not None and not isinstance(forked.error, Refused):
        raise typer.Exit(5)
    raise typer.Exit(show_verdict(forked.verdict, forked.path, quiet=as_json))


def _check(trace: Path, changed: dict[str, Any], as_json: bool) -> int:
    if list(changed) != ["registry"]:
        raise UsageError("--check-only judges by another registry and nothing else", cure="write --set registry=FILE")
    rules = load_registry(changed["registry"])
    with open_trace(trace) as reader:
        found = redecided(reader, reader.header.run, rules, _decided)
    lines = [
        f"step {one.step} (event {one.seq})  {one.tool}  {one.before} → {one.after}   {', '.join(one.rules)}"
        for one in found
    ]
    emit({"changes": [one._asdict() for one in found]}, lines or ["every call would be decided as it was"], as_json)
    return 1 if found else 0


def _decided(judgement: Judgement, registry: Registry, spec: ToolSpec) -> str:
    return decide(judgement, registry, spec, "enforce").decision


def _changes(stated: list[str], faults: Path | None, no_faults: bool) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if faults is not None or no_faults:
        changed["faults"] = None if faults is None else str(faults)
    for pair in stated:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {pair!r} is no pair", cure="write --set name=value")
        if name in changed:
            raise UsageError(f"--set changes {name!r} twice", cure="change it once")
        changed[name] = value if name in _TEXT else _json_or_text(value)
    if not changed or (faults is not None and no_faults):
        what = "faults are put in and taken away" if changed else "nothing is changed"
        raise UsageError(what, cure="write --set name=value, --faults PLAN or --no-faults")
    return changed


def _json_or_text(value: str) -> Any:
    try:
        return canonical.decode(value.encode())
    except ValueError:
        return value


def _facts(forked: Fork) -> dict[str, Any]:
    difference = forked.difference
    return {
        "trace": forked.path,
        "digest": forked.digest,
        "parent": forked.parent,
        "difference": None
        if difference is None
        else {
            "seq": difference.seq,
            "step": difference.step,
            "pointer": difference.pointer,
            "recorded": repr(difference.recorded),
            "now": repr(difference.now),
        },
        "taken": forked.taken,
        "went_live": [{"action": action, "tool": tool} for action, tool in forked.went_live],
        "verdict_before": forked.verdict_before,
        "verdict": forked.verdict,
        "result": plain(forked.result),
        "divergence": None if forked.divergence is None else str(forked.divergence),
        "error": None if forked.error is None else str(forked.error),
    }


def _lines(forked: Fork) -> list[str]:
    lines = [f"{forked.path} · sha256:{forked.digest}"]
    difference = forked.difference
    if difference is None:
        lines.append("nothing differs from the record")
    else:
        lines.append(f"first difference  event {difference.seq}, step {difference.step}: {difference.what}")
        if difference.pointer:
            lines.append(f"    {difference.pointer}  {difference.recorded!r} → {difference.now!r}")
    live = ", ".join(f"{tool} (event {action})" for action, tool in forked.went_live)
    lines.append(f"{counted(forked.taken, 'outcome')} from the record · live: {live or 'nothing'}")
    lines.append(f"verdict  {forked.verdict_before or 'not sealed'} → {forked.verdict}")
    if forked.divergence is not None:
        lines.append(str(forked.divergence))
    if forked.error is not None:
        lines.append(f"stopped by {type(forked.error).__name__}: {forked.error}")
    if forked.error is None and forked.divergence is None:
        lines.append(f"returned {plain(forked.result)!r}")
    return lines
