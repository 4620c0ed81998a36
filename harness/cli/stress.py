"""``harness stress module:function``: look for what breaks an agent."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from harness.adapters.files import open_trace
from harness.cli import INCONCLUSIVE, INTERRUPTED, OK, VIOLATION
from harness.cli.hash_seed import HASH_SEED, restart_with_hash_seed
from harness.cli.options import AsJson, CodeFolder, ModelScript
from harness.cli.output import counted, emit, plain, write_files
from harness.cli.progress import progress
from harness.cli.shrink import emitted
from harness.determinism import canonical
from harness.door.scripted import scripted_model
from harness.door.stress import Counterexample, Stressed, stress
from harness.errors import UsageError
from harness.stress.header import begun
from harness.stress.search.budget import Budget
from harness.stress.search.search import Method
from harness.stress.words import in_words, short


def command(
    entry: Annotated[str | None, typer.Argument(metavar="MODULE:FUNCTION", help="The agent's entry.")] = None,
    registry: Annotated[list[str] | None, typer.Option(help="A registry to check by; may be repeated.")] = None,
    budget: Annotated[int, typer.Option(metavar="RUNS", min=1, help="How many runs may be made.")] = 500,
    most_calls: Annotated[int | None, typer.Option("--calls", min=1, help="How many calls, in all runs.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="How many tokens of models, in all runs.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="How many seconds.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="What is drawn follows from it.")] = 0,
    input_json: Annotated[str | None, typer.Option("--input", help="The entry's arguments as a JSON object.")] = None,
    vary: Annotated[
        list[str] | None, typer.Option(metavar="POINTER=JSON", help="Another value for a part of the input; repeat it.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(metavar="M:F", help="What puts the agent's world back before each run.")
    ] = None,
    method: Annotated[str, typer.Option(help="guided, random or exhaustive.")] = "guided",
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", metavar="FAULT", help="A fault that may strike; all by default.")
    ] = None,
    rules: Annotated[
        list[str] | None, typer.Option("--rule", metavar="ID", help="A rule to break; all but the mildest by default.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many processes make the runs.")] = 1,
    database: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs are remembered: the same command goes on.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder for the traces of counterexamples.")] = Path(
        "runs"
    ),
    test: Annotated[
        Path | None, typer.Option("--emit", metavar="FILE", help="Write a pytest file for each counterexample.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="RECORD", help="A recorded run whose entry and input are taken.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="For agents that wait for sockets in an event loop.")
    ] = False,
    path: CodeFolder = None,
    model_script: ModelScript = None,
    as_json: AsJson = False,
) -> None:
    """Run an agent under faults, in other orders and with other input, until it breaks a rule.

    What breaks one is made as small as can be. Exit 1 where something was found, 0 where nothing was, which proves
    nothing beyond the runs that were made, 3 where the agent does not return even if nothing is done to it.
    """
    restart_with_hash_seed(HASH_SEED)
    name, given, folder, reset = _subject(entry, input_json, trace, path, before)
    if method not in get_args(Method):
        raise UsageError(f"there is no method {method!r}", cure=f"take {', '.join(get_args(Method))}")
    if test is not None:
        _check_free(test)
    printed = redirect_stdout(sys.stderr) if as_json else nullcontext()
    with scripted_model(model_script), progress("", budget) as shown, printed:
        found = stress(
            name,
            registry=registry,
            input=given,
            vary=_varied(vary or []),
            budget=Budget(budget, most_calls, tokens, seconds),
            seed=seed,
            method=cast("Method", method),
            rules=rules or (),
            kinds=kinds or (),
            before=reset or None,
            path=folder,
            jobs=jobs,
            database=database or "",
            out=out,
            virtual=not real_time,
            told=lambda runs, broken: shown(runs, f"{counted(broken, 'rule')} broken"),
        )
    tests = _tests(found, test, virtual=not real_time, model=model_script) if test is not None else []
    emit(_facts(found, seed, tests), _lines(found, seed, tests), as_json)
    if found.counterexamples:
        raise typer.Exit(VIOLATION)
    if found.searched.interrupted:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(OK if found.searched.end == "returned" else INCONCLUSIVE)


def _subject(
    entry: str | None, input_json: str | None, trace: Path | None, path: Path | None, before: str | None
) -> tuple[str, dict[str, Any], str, str]:
    """Give entry, input, folder and what puts the world back, as they are named, or else as a record has them."""
    given = _json(input_json, "--input") if input_json is not None else {}
    if not isinstance(given, dict):
        raise UsageError("--input is not a JSON object", cure="""write --input '{"name": "value"}'""")
    if trace is None:
        if entry is None:
            raise UsageError("nothing to run", cure="name it: harness stress module:function, or --trace RECORD")
        return entry, given, str(path or Path.cwd()), before or ""
    with open_trace(trace) as reader:
        header = reader.header
    name = entry or header.run["entry"]
    if name is None:
        raise UsageError("the trace does not say which function was run", where=str(trace), cure="name it")
    start = begun(header.run)
    folder = str(path or header.host.get("path") or Path.cwd())
    return name, given if input_json is not None else start.input, folder, before or start.before


def _check_free(test: Path) -> None:
    """Raise UsageError for a test that is there: after a long search is too late to hear of it."""
    if test.exists():
        raise UsageError("there is a file of that name", where=str(test), cure="name another one, or remove it")


def _varied(stated: list[str]) -> dict[str, list[Any]]:
    varied: dict[str, list[Any]] = {}
    for pair in stated:
        pointer, equals, value = pair.partition("=")
        if not equals or (pointer and not pointer.startswith("/")):
            raise UsageError(f"--vary {pair!r} is no pair", cure="write --vary /order/quantity=3")
        varied.setdefault(pointer, []).append(_json(value, f"--vary {pointer}"))
    return varied


def _json(text: str, where: str) -> Any:
    try:
        return canonical.decode(text.encode())
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}", cure="""write text in quotes: '"text"'""") from None


def _tests(found: Stressed, test: Path, *, virtual: bool, model: str | None) -> list[Path]:
    """Write a test for each counterexample that is the same every time; the first has the name that was given."""
    written: list[Path] = []
    for one in found.counterexamples:
        if one.small is not None:
            name = f"{test.stem}_{len(written) + 1}{test.suffix}" if written else test.name
            write_files(emitted(one.small, test.with_name(name), virtual=virtual, model=model), force=False)
            written.append(test.with_name(name))
    return written


def _facts(found: Stressed, seed: int, tests: list[Path]) -> dict[str, Any]:
    searched = found.searched
    return {
        "counterexamples": [_counterexample(one) for one in found.counterexamples],
        "tests": list(map(str, tests)),
        "runs": searched.runs - found.before,
        "runs_before": found.before,
        "calls": searched.calls,
        "tokens": searched.tokens,
        "method": searched.method,
        "seed": seed,
        "singles": {"tried": searched.singles[0], "offered": searched.singles[1]},
        "pairs": searched.pairs,
        "full": searched.full,
        "undisturbed": searched.end,
        "interrupted": searched.interrupted,
    }


def _counterexample(one: Counterexample) -> dict[str, Any]:
    small = one.small
    facts = {
        "rule": one.found.rule,
        "runs": one.found.runs,
        "found": plain(one.found.schedule.stated()),
        "trace": one.trace if small is None else small.path,
        "unstable": one.unstable,
    }
    if small is None:
        return facts
    shrunk = small.shrunk
    return facts | {
        "title": small.title,
        "schedule": plain(shrunk.schedule.stated()),
        "words": in_words(shrunk.schedule),
        "input": plain(shrunk.input),
        "minimal": shrunk.minimal,
        "replays": small.replays,
        "digest": small.digest,
    }


def _lines(found: Stressed, seed: int, tests: list[Path]) -> list[str]:
    searched = found.searched
    runs = counted(searched.runs - found.before, "run") + (f", {found.before} before" if found.before else "")
    tried, offered = searched.singles
    lines = [f"{runs} · {counted(searched.calls, 'call')} · {searched.method} · seed {seed}"]
    lines += ["interrupted before the search was at its end"] if searched.interrupted else []
    lines.append(
        f"tried: {tried} of {offered} single changes, {counted(searched.pairs, 'pair')}{_fully(searched.full)}"
    )
    if searched.end != "returned":
        lines.append(f"undisturbed, the agent {searched.end or 'did not come to an end'}: look at that first")
    for one in found.counterexamples:
        lines += ["", *_told(one)]
    if not found.counterexamples:
        lines.append("no rule was broken; that proves nothing beyond these runs")
    return [*lines, *(f"test    pytest {shlex.quote(str(test))}" for test in tests)]


def _fully(full: int) -> str:
    return "" if not full else "; every single one" if full == 1 else f"; all of up to {full}"


def _told(one: Counterexample) -> list[str]:
    found, small = one.found, one.small
    if small is None:
        lines = [f"{found.rule}   found in run {found.runs}", *(f"    {word}" for word in in_words(found.schedule))]
        return [*lines, *(f"    {line}" for line in one.unstable.splitlines()), f"    trace   {one.trace}"]
    shrunk = small.shrunk
    lines = [f"{found.rule}  {small.title}".rstrip()]
    lines += [f"    {word}" for word in in_words(shrunk.schedule) or ["nothing has to go wrong"]]
    lines.append(f"    input {short(plain(shrunk.input))}")
    needs = "nothing can be left out" if shrunk.minimal else "not known to be minimal"
    lines.append(f"    found in run {found.runs}; made small in {counted(shrunk.runs, 'run')}: {needs}")
    return [*lines, f"    replay  harness replay {shlex.quote(small.path)} --break violation"]
