"""``harness to-test TRACE``: a recorded run as a test."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from harness.adapters.files import SUFFIX, open_trace
from harness.cli.options import AsJson
from harness.cli.output import counted, emit, write_files
from harness.errors import UsageError
from harness.stress.small.literal import called, quoted


class _Run(NamedTuple):
    """What a test says of a recorded run."""

    entry: str
    steps: int
    verdict: str
    digest: str
    violated: list[str]
    folder: str


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to replay in the test.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The test file; tests/test_NAME.py by default.")
    ] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="M:F", help="The entry, where the trace does not say it, or it has moved.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Name the trace where it is; by default it is copied beside the test.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a pytest file of a few lines that replays a trace.

    The test passes while the agent does what was recorded, and the same rules are violated as then.
    """
    name = re.sub(r"\W+", "_", trace.name.removesuffix(SUFFIX)).strip("_").lower() or "run"
    test = out or (Path("tests") if Path("tests").is_dir() else Path()) / f"test_{name}.py"
    kept = trace if reference else test.parent / "traces" / trace.name
    run = _read(trace, entry)
    text = _text(run, name, _relative(kept, test.parent), entry, _relative(Path(run.folder), test.parent))
    files = {test: text.encode()}
    if kept.resolve() != trace.resolve():
        files[kept] = trace.read_bytes()
    write_files(files, force=force)
    facts = {"test": str(test), "trace": str(kept), "entry": run.entry, "steps": run.steps, "verdict": run.verdict}
    emit(facts, [f"{test} replays {kept}", f"run it:  pytest {shlex.quote(str(test))}"], as_json)


def _read(trace: Path, entry: str | None) -> _Run:
    with open_trace(trace) as reader:
        header = reader.header
        steps, violated = 0, set[str]()
        for event in reader:
            steps += event.kind == "action"
            if event.kind == "verdict" and event.body["verdict"] == "violated":
                violated.add(event.body["rule"])
    if reader.footer is None:
        raise UsageError(
            "the run was cut off, so a test could not tell its end", where=str(trace), cure="harness resume it first"
        )
    name = entry or header.run.get("entry")
    if name is None:
        cure = "name it: --entry module:function; recorded conversations are judged by harness check"
        raise UsageError("the trace does not say which function was run", where=str(trace), cure=cure)
    return _Run(name, steps, reader.footer.verdict, reader.digest, sorted(violated), header.host.get("path", ""))


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _text(run: _Run, name: str, trace: str, entry: str | None, folder: str) -> str:
    fields = {"trace": quoted(trace)}
    if entry is not None:
        fields["entry"] = quoted(entry)
    if run.folder and Path(run.folder).is_dir():
        fields["path"] = quoted(folder)
    if run.violated:
        fields["violated"] = f"[{', '.join(map(quoted, run.violated))}]"
    said = [f"{key}={value}" for key, value in fields.items()]
    marker = called("@pytest.mark.harness", said)
    about = f"A recorded run of {run.entry}: {counted(run.steps, 'step')}, verdict {run.verdict}."
    return (
        f'"""{about}"""\n\nimport pytest\n\n\n{marker}\ndef test_{name}(harness_replay):\n'
        f'    """sha256:{run.digest}"""\n    harness_replay()\n'
    )
