"""``harness shrink TRACE``: the least that violates the same rule, and a test of it."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import SUFFIX
from harness.cli.options import AsJson, CodeFolder, EntryName, ModelScript
from harness.cli.output import counted, emit, plain, write_files
from harness.cli.replay import restore_hash_seed
from harness.door.scripted import scripted_model
from harness.door.shrink import ShrunkTrace, shrink_trace
from harness.errors import UsageError
from harness.stress.small.emit import test_text
from harness.stress.words import in_words, short, story


def command(
    trace: Annotated[Path, typer.Argument(help="The trace of a run that violates a rule.")],
    rule: Annotated[str | None, typer.Option(metavar="ID", help="The rule; the gravest one if none is named.")] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="M:F", help="What puts the agent's world back before each run; else as recorded."),
    ] = None,
    budget: Annotated[int, typer.Option(metavar="RUNS", min=1, help="How many runs may be made.")] = 2000,
    test: Annotated[
        Path | None, typer.Option("--emit", metavar="FILE", help="Write a pytest file, and the trace beside it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The trace to write; beside the old one by default.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Perform nothing: take every outcome from the trace.")
    ] = False,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="For agents that wait for sockets in an event loop.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    entry: EntryName = None,
    path: CodeFolder = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Bring a counterexample to the least that violates the same rule.

    Faults, turns and changes that the header of the trace names are left out or made simpler, and so is the input; each
    step is a run of the agent with its real tools or, with --record, on the recorded outcomes and in the recorded
    order. Exit 1 where something is left, which violates the rule; 4 where the same schedule gives another run each
    time, or one that does not violate it.
    """
    if record and test is not None:
        cure = "leave out --record, or harness to-test the trace that is left"
        raise UsageError("a test runs the agent live, which --record does not", cure=cure)
    restore_hash_seed(trace)
    with scripted_model(model_script), redirect_stdout(sys.stderr) if as_json else nullcontext():
        found = shrink_trace(
            trace,
            rule=rule,
            budget=budget,
            out=out,
            entry=entry,
            path=path,
            before=before,
            virtual=not real_time,
            recorded=record,
        )
    facts, lines = _facts(found), _lines(found)
    if test is not None:
        write_files(emitted(found, test, virtual=not real_time, model=model_script), force=force)
        facts["test"] = str(test)
        lines.append(f"test   pytest {shlex.quote(str(test))}")
    emit(facts, lines, as_json)
    raise typer.Exit(1)


def emitted(found: ShrunkTrace, test: Path, *, virtual: bool = True, model: str | None = None) -> dict[Path, bytes]:
    """Give the files of a test: its text, and the trace beside it. ``model`` is the script that answered the agent."""
    kept = test.parent / "traces" / f"{test.stem}{SUFFIX}"
    text = test_text(
        found.entry,
        found.shrunk.rule,
        found.shrunk.schedule,
        found.shrunk.input,
        says=found.title,
        minimal=found.shrunk.minimal,
        trace=_relative(kept, test.parent),
        path=_relative(Path(found.folder), test.parent) if found.folder else "",
        before=found.before,
        registry=[_relative(Path(one), test.parent) if Path(one).is_file() else one for one in found.registries],
        virtual=virtual,
        model=model or "",
    )
    return {test: text.encode(), kept: Path(found.path).read_bytes()}


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _facts(found: ShrunkTrace) -> dict[str, Any]:
    shrunk = found.shrunk
    return {
        "rule": shrunk.rule,
        "title": found.title,
        "schedule": plain(shrunk.schedule.stated()),
        "words": in_words(shrunk.schedule),
        "input": plain(shrunk.input),
        "was": found.was._asdict(),
        "now": found.now._asdict(),
        "runs": shrunk.runs,
        "minimal": shrunk.minimal,
        "replays": found.replays,
        "trace": found.path,
        "digest": found.digest,
    }


def _lines(found: ShrunkTrace) -> list[str]:
    shrunk, was, now = found.shrunk, found.was, found.now
    sizes = f"{counted(was.elements, 'element')} → {now.elements} · input {was.input_bytes} → {now.input_bytes} bytes"
    lines = [f"{sizes} · {counted(was.calls, 'call')} → {now.calls} · {counted(shrunk.runs, 'run')}"]
    lines.append(f"{shrunk.rule}  {found.title}".rstrip())
    lines += [f"    {one}" for one in in_words(shrunk.schedule)]
    lines.append(f"    input {short(plain(shrunk.input))}")
    lines += [f"    {one}" for one in story(shrunk.seen)]
    lines.append(
        "minimal: nothing can be left out, and nothing be one step simpler"
        if shrunk.minimal
        else f"not known to be minimal: {counted(shrunk.runs, 'run')} were not enough, --budget gives more"
    )
    equal = "replays equal" if found.replays else "DOES NOT REPLAY EQUAL"
    lines.append(f"{found.path} · sha256:{found.digest} · {equal}")
    lines.append(f"again  harness replay {shlex.quote(found.path)} --break violation")
    return lines
