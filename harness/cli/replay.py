"""``harness replay TRACE``: the agent's own code again, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import open_trace
from harness.cli.output import emit
from harness.door.replay import Replay, replay
from harness.errors import HarnessError


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to replay.")],
    verify: Annotated[
        int, typer.Option(metavar="N", help="Replay N times, each in a fresh process with another hash seed.")
    ] = 0,
    entry: Annotated[
        str | None, typer.Option(metavar="M:F", help="The entry, where the trace does not say it.")
    ] = None,
    path: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to import the entry from.")] = None,
    hash_seed: Annotated[str, typer.Option(help="'recorded', or 'any' to keep this process's.")] = "recorded",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the agent behind a trace again, offline, and compare."""
    if verify:
        raise typer.Exit(_verify(trace, verify, entry, path, as_json))
    if hash_seed == "recorded":
        _restore_hash_seed(trace)
    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # stdout is for the JSON object alone
        result = replay(trace, entry=entry, path=path)
    emit(_facts(result), _lines(result), as_json)
    raise typer.Exit(_code(result))


def _restore_hash_seed(trace: Path) -> None:
    with open_trace(trace) as reader:
        seed = reader.header.host.get("hash_seed")
    if seed is not None and os.environ.get("PYTHONHASHSEED") != str(seed):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        os.execve(sys.executable, [sys.executable, "-m", "harness.cli", *sys.argv[1:]], environment)


def _verify(trace: Path, times: int, entry: str | None, path: Path | None, as_json: bool) -> int:
    """Replay in fresh processes under different hash seeds; equal digests mean that nothing depends on it."""
    command = [sys.executable, "-m", "harness.cli", "replay", str(trace), "--json", "--hash-seed", "any"]
    command += ["--entry", entry] if entry else []
    command += ["--path", str(path)] if path else []
    found: list[dict[str, Any]] = []
    for seed in range(1, times + 1):
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": str(seed)}, check=False
        )
        if done.returncode not in (0, 3, 4):
            sys.stderr.write(done.stderr)
            return done.returncode
        found.append(json.loads(done.stdout) | {"hash_seed": seed})
    equal = all(one["equal"] for one in found)
    lines = [
        f"sha256:{one['digest']}  hash seed {one['hash_seed']}  {one['steps']}/{one['recorded_steps']} steps"
        for one in found
    ]
    lines.append("all equal to the record" if equal else "not equal:")
    lines += [one["divergence"]["text"] for one in found if one["divergence"]][:1]
    emit({"equal": equal, "recorded_digest": found[0]["recorded_digest"], "replays": found}, lines, as_json)
    return 0 if equal else 4


def _facts(result: Replay) -> dict[str, Any]:
    divergence = result.divergence
    return {
        "digest": result.digest,
        "recorded_digest": result.recorded_digest,
        "equal": result.equal,
        "steps": result.steps,
        "recorded_steps": result.recorded_steps,
        "ended": None if result.ended is None else str(result.ended),
        "divergence": None
        if divergence is None
        else {
            "step": divergence.step,
            "pointer": divergence.pointer,
            "recorded": repr(divergence.recorded),
            "now": repr(divergence.now),
            "cause": divergence.cause,
            "text": str(divergence),
        },
    }


def _lines(result: Replay) -> list[str]:
    failed: HarnessError | None = result.divergence or result.ended
    if failed is not None:
        return [str(failed)]
    verdict = "equal" if result.equal else f"not the recorded sha256:{result.recorded_digest}"
    return [f"{result.steps}/{result.recorded_steps} steps   sha256:{result.digest}   {verdict}"]


def _code(result: Replay) -> int:
    if result.equal:
        return 0
    return 3 if result.ended is not None else 4
