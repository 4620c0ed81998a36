"""``harness run module:function``: one recorded run."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.approvals import approver_of
from harness.cli.hash_seed import HASH_SEED, restart_with_hash_seed
from harness.cli.options import Approve, AsJson, ModelScript
from harness.cli.output import counted, emit, go_on, plain, show_verdict, waits
from harness.cli.parameters import HELP, read_input, read_parameters
from harness.door.agents import load_entry, make_agent
from harness.door.app import Harness, app_of
from harness.door.scripted import scripted_model
from harness.door.session import Session
from harness.errors import Refused, UsageError, Waiting


def command(
    entry: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="The agent's entry.")],
    input_json: Annotated[str, typer.Option("--input", help="The entry's arguments as a JSON object.")] = "{}",
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    trace: Annotated[Path | None, typer.Option(help="The trace file to write; a new one in runs/ by default.")] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=HELP)] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed the agent's random and numpy.random; else they are seeded by chance.")
    ] = None,
    acting: Annotated[str | None, typer.Option("--agent", help="Who acts, by the name that rules know.")] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="PLAN", help="A plan of faults that strike the run's calls.")
    ] = None,
    approve: Approve = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Run an agent once and record everything that crosses its boundary.

    Exit 3 where a call has to wait for an answer: the run has stopped before it, and says how to go on.
    """
    restart_with_hash_seed(HASH_SEED)
    arguments = read_input(input_json)
    with scripted_model(model_script):
        agent = load_entry(entry, str(Path.cwd()))
        _check_fit(arguments, entry, agent)
        app = app_of(agent) or Harness()
        if registry or param:
            app = app.with_registry(*(registry or ()), parameters=read_parameters(param))
        if approve is not None:
            app = app.with_approver(approver_of(approve))
        session = app.session(trace=trace, seed=seed, agent=acting, faults=faults)
        try:
            with redirect_stdout(sys.stderr) if as_json else nullcontext():  # stdout is for the JSON object alone
                result, error = _run(session, make_agent(app, agent), arguments)
        except KeyboardInterrupt:
            if session.begun:
                _tell_interrupted(session, go_on(session.trace.path, approve, model_script))
            raise
        except Waiting as waiting:
            raise waits(waiting, approve, model_script, as_json) from None
    facts = {
        "trace": session.trace.path,
        "digest": session.trace.digest,
        "steps": session.steps,
        "verdict": session.verdict,
        "result": plain(result),
        "error": None if error is None else str(error),
        "uncaptured": list(session.uncaptured),
    }
    lines = [f"{counted(session.steps, 'step')} · {session.trace.path} · sha256:{session.trace.digest}"]
    lines.append(_stopped_by(error) if error else f"returned {plain(result)!r}")
    lines += [f"uncaptured  {door}" for door in session.uncaptured]
    emit(facts, lines, as_json)
    if not (error is None or isinstance(error, Refused) or _is_plain_exit(error)):
        raise typer.Exit(5)
    raise typer.Exit(show_verdict(session.verdict, session.trace.path, quiet=as_json))


def _run(session: Session, agent: Any, arguments: dict[str, Any]) -> tuple[Any, BaseException | None]:
    try:
        return session.run(agent, **arguments), None
    except Waiting:
        raise
    except UsageError:
        if session.begun:
            print(f"recorded up to there: {session.trace.path}", file=sys.stderr)
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the agent's own; the trace holds it, the reader is told
        return None, error


def _tell_interrupted(session: Session, on: list[str]) -> None:
    print(f"interrupted after {counted(session.steps, 'step')}\n    go on  {shlex.join(on)}", file=sys.stderr)


def _stopped_by(error: BaseException) -> str:
    return f"stopped by {type(error).__name__}: {error}".removesuffix(": ")  # sys.exit() says nothing


def _is_plain_exit(error: BaseException) -> bool:
    """Tell whether an agent ended its process itself, and not because of anything."""
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _check_fit(arguments: dict[str, Any], entry: str, agent: Callable[..., Any]) -> None:
    signature = inspect.signature(agent)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise UsageError(f"--input does not fit: {error}", cure=f"{entry} takes {signature}") from None
