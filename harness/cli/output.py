"""How every verb prints: lines for people, or one JSON object for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from harness.adapters.files import open_trace
from harness.determinism import canonical
from harness.errors import NotRecordable, UsageError, Waiting
from harness.trace.value import encode_value
from harness.trace.verdict import Truth


def console() -> Console:
    """Give a console that writes plain lines where there is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def emit(facts: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print the facts as JSON, or the lines."""
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    out = console()
    for line in lines:
        out.print(line, markup=False)


def plain(value: Any) -> Any:
    """Give a value as JSON data; what is none, as its text."""
    try:
        return json.loads(canonical.encode(encode_value(value)))
    except NotRecordable:
        return repr(value)


def write_file(path: Path, text: str) -> None:
    """Write a file that the user has named; UsageError names what stands in the way."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from None


def write_files(files: dict[Path, bytes], *, force: bool) -> None:
    """Write all files or, where one of them would be written over, none; UsageError names that one."""
    for path, content in files.items():
        if path.exists() and not force and path.read_bytes() != content:
            cure = "name another --out, or --force"
            raise UsageError("there is another file of that name", where=str(path), cure=cure)
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from None


def counted(number: int, thing: str) -> str:
    """Say how many there are of something whose plural takes an s."""
    return f"{number} {thing}{'s' * (number != 1)}"


def by_margin(verdict: dict[str, Any]) -> str:
    """Say by how much a recorded verdict is violated; nothing where it is not, or no number says it."""
    margin = verdict.get("margin")
    return f" by {-margin:g}" if margin is not None and margin < 0 else ""


def waits(waiting: Waiting, approve: str | None, model_script: str | None, as_json: bool) -> typer.Exit:
    """Say what a run waits for and how it goes on, with the options that were named; give the exit to raise."""
    on = go_on(waiting.trace, approve, model_script)
    facts = {"trace": waiting.trace, "waits_for": waiting.questions, "go_on": on}
    emit(facts, [" ".join([str(waiting), *map(shlex.quote, on[3:])])], as_json)
    return typer.Exit(3)


def go_on(trace: str, approve: str | None, model_script: str | None) -> list[str]:
    """Give the command by which a run goes on that has stopped, with the options it was run with."""
    named = {"--approve": approve, "--model-script": model_script}
    return ["harness", "resume", trace, *(word for name, value in named.items() if value for word in (name, value))]


def show_verdict(verdict: Truth, trace: str = "", *, quiet: bool) -> int:
    """Say the verdict and give its exit code; of one trace, also the rules behind it, each where it spoke first."""
    if not quiet and verdict != "holds":
        out = console()
        out.print(f"verdict: {verdict}", style="bold red" if verdict == "violated" else "bold yellow")
        for line in _rules_behind(verdict, trace) if trace else ():
            out.print(line, markup=False)
    return {"holds": 0, "violated": 1, "unknown": 3}[verdict]


def _rules_behind(verdict: Truth, trace: str) -> Iterator[str]:
    steps, told = dict[int, int](), set[str]()
    with open_trace(trace) as reader:
        for event in reader:
            body = event.body
            if event.kind == "action":
                steps[event.seq] = len(steps)
            if event.kind == "verdict" and body["verdict"] == verdict and body["rule"] not in told:
                told.add(body["rule"])
                step = steps.get(body.get("action", -1), len(steps) - 1)  # none at the end of the run
                said = body.get("reason") or body["says"] or f"{verdict}{by_margin(body)}"
                yield f"    {body['rule']}  step {step}: {said}"
    yield f"    harness show {trace} --at STEP tells more"
