"""``harness replay TRACE``: the agent's own code again, offline."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.adapters.files import open_trace
from harness.cli.fresh import Fresh, shut_network
from harness.cli.hash_order import likely_lines
from harness.cli.options import AsJson, CodeFolder, EntryName
from harness.cli.output import console, counted, emit
from harness.errors import Divergence, HarnessError, UsageError, told_apart
from harness.trace.event import Event

if TYPE_CHECKING:
    from harness.door.replay import Replay

_TOLERATE = "A field that may differ: /args/name, /messages/*/content, TOOL:/args/name; may be repeated."
_BREAK = "Open the debugger in the agent's frame: violation, divergence, a step, seq:N; may be repeated."


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to replay.")],
    verify: Annotated[
        int, typer.Option(metavar="N", help="Replay N times, each in a fresh process with another hash seed.")
    ] = 0,
    until: Annotated[int | None, typer.Option(metavar="STEP", help="End the replay after this step.")] = None,
    breaks: Annotated[list[str] | None, typer.Option("--break", metavar="WHERE", help=_BREAK)] = None,
    step: Annotated[bool, typer.Option("--step", help="Print every step as it happens; on a terminal, wait.")] = False,
    tolerate: Annotated[list[str] | None, typer.Option(metavar="POINTER", help=_TOLERATE)] = None,
    entry: EntryName = None,
    path: CodeFolder = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --verify: the folder to start in, not an empty one.")
    ] = None,
    explore_orders: Annotated[
        int, typer.Option(metavar="N", help="Run in N other orders that could have been, all outcomes from the trace.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="With --explore-orders: which orders are drawn.")] = 0,
    hash_seed: Annotated[str, typer.Option(help="'recorded', or 'any' to keep this process's.")] = "recorded",
    offline: Annotated[bool, typer.Option("--offline", help="Refuse every socket, and say which were tried.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the agent behind a trace again, offline, and compare."""
    if verify or explore_orders:
        _check_alone("--verify" if verify else "--explore-orders", until=until, breaks=breaks, step=step)
    if verify and explore_orders:
        raise UsageError("--verify and --explore-orders ask different things", cure="run one after the other")
    if explore_orders and tolerate:
        raise UsageError("--explore-orders compares with no record", cure="leave out --tolerate")
    if verify:
        options = [part for pointer in tolerate or () for part in ("--tolerate", pointer)]
        raise typer.Exit(_verify(trace, verify, Fresh(trace, entry, path, folder, options), as_json))
    if hash_seed == "recorded":
        restore_hash_seed(trace)
    if explore_orders:
        from harness.cli.explore import explore

        raise typer.Exit(explore(trace, explore_orders, seed, entry, path, as_json=as_json))
    from harness.door.replay import replay  # not before the process has the hash seed that it keeps

    sockets = shut_network() if offline else []
    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # stdout is for the JSON object alone
        result = replay(
            trace,
            entry=entry,
            path=path,
            tolerate=tolerate or (),
            breaks=breaks or (),
            until=until,
            tell=_Teller() if step else None,
        )
    nowhere = ["there was nothing to stop at"] if breaks and not result.stops else []
    emit(_facts(result) | {"sockets": sockets}, [*nowhere, *_lines(result), *_told(sockets)], as_json)
    raise typer.Exit(4 if sockets else _code(result))


def _check_alone(asked: str, *, until: int | None, breaks: list[str] | None, step: bool) -> None:
    if until is not None or breaks or step:
        raise UsageError(f"{asked} cannot stop on its way", cure="leave out --until, --break and --step")


def _recorded_hash_seed(trace: Path) -> int | None:
    with open_trace(trace) as reader:
        seed: int | None = reader.header.host.get("hash_seed")
        return seed


def restore_hash_seed(trace: Path) -> None:
    """Start this process again under the hash seed of a trace, if it has another."""
    seed = _recorded_hash_seed(trace)
    if seed is not None and os.environ.get("PYTHONHASHSEED") != str(seed):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        os.execve(sys.executable, [sys.executable, "-m", "harness", *sys.argv[1:]], environment)


class _Teller:
    """Print a step's lines as they come; on a terminal, go on when Enter is pressed."""

    def __init__(self) -> None:
        from harness.cli.show import lines_of

        self._console, self._lines_of = console(), lines_of
        self._waits = sys.stdin is not None and sys.stdin.isatty()

    def __call__(self, event: Event, action: Event | None, step: int) -> None:
        for line in self._lines_of(event, action, step):
            self._console.print(line)
        if event.kind == "action" and self._waits:
            input("    Enter goes on ")


def _verify(trace: Path, times: int, fresh: Fresh, as_json: bool) -> int:
    """Replay in fresh processes under different hash seeds; equal digests mean that nothing depends on it."""
    found, out = [], console()
    for seed in range(1, times + 1):
        found.append(one := fresh.replay(seed))
        if not as_json:  # each takes a second or so
            digest = f"sha256:{one['digest']}" if one["digest"] else "not begun"
            out.print(f"{digest}  hash seed {seed}  {one['steps']}/{one['recorded_steps']} steps")
    equal = all(one["equal"] for one in found)
    agrees = all(one["agrees"] and not one["sockets"] for one in found)
    differing = [one for one in found if one["divergence"]]
    facts: dict[str, Any] = {"equal": equal, "recorded_digest": found[0]["recorded_digest"], "replays": found}
    lines = ["all equal to the record" if equal else "equal but for what is tolerated" if agrees else "not equal:"]
    lines += [one["divergence"]["text"] for one in differing[:1]]
    lines += [line for one in found for line in _told(one["sockets"])][:1]
    if differing:
        facts["hash_order"] = blamed = _blamed(trace, fresh, found)
        lines += blamed["lines"] if blamed else []
    emit(facts, lines, as_json)
    return 0 if agrees else 4


def _blamed(trace: Path, fresh: Fresh, found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Say whether a difference hangs on the hash seed alone, and which lines are likely to bring it in."""
    recorded = _recorded_hash_seed(trace)
    if recorded is not None and fresh.replay(recorded)["agrees"]:
        seen = f"under the recorded hash seed {recorded} all is equal"
    elif len({one["digest"] for one in found}) > 1:
        seen = "under each hash seed something else comes out"
    else:
        return None
    divergence = next(one["divergence"] for one in found if one["divergence"])
    sites = likely_lines(divergence["sites"])
    lines = [f"{seen}: the order of a set reaches the outside", *(f"       {site}   {said}" for site, said in sites)]
    lines += ["cure   sort before joining"] if not divergence["cure"] else []
    return {"recorded_hash_seed": recorded, "sites": [site for site, _ in sites], "lines": lines}


def _facts(result: Replay) -> dict[str, Any]:
    return {
        "digest": result.digest,
        "recorded_digest": result.recorded_digest,
        "equal": result.equal,
        "agrees": result.agrees,
        "steps": result.steps,
        "recorded_steps": result.recorded_steps,
        "ended": None if result.ended is None else str(result.ended),
        "stopped": None if result.stopped is None else str(result.stopped),
        "tolerated": [
            {**one._asdict(), "recorded": repr(one.recorded), "now": repr(one.now)} for one in result.tolerated
        ],
        "substituted": list(result.substituted),
        "unrecorded": list(result.unrecorded),
        "divergence": None if result.divergence is None else _divergence(result.divergence),
    }


def _divergence(divergence: Divergence) -> dict[str, Any]:
    return {
        "seq": divergence.seq,
        "step": divergence.step,
        "agent": divergence.agent,
        "task": divergence.task,
        "pointer": divergence.pointer,
        "recorded": repr(divergence.recorded),
        "now": repr(divergence.now),
        "cause": divergence.cause,
        "cure": divergence.cure,
        "site": divergence.site,
        "sites": divergence.sites,
        "text": str(divergence),
    }


def _lines(result: Replay) -> list[str]:
    failed: HarnessError | None = result.divergence or result.ended or result.stopped
    tolerated = []
    for step, _, tool, pointer, *values in result.tolerated:
        recorded, now = told_apart(*values)
        tolerated.append(f"tolerated  step {step}  {tool} {pointer}   recorded {recorded}   now {now}")
    tolerated += [f"substituted  {draw}   its bytes are not beside the trace" for draw in result.substituted]
    if failed is not None:
        return [*tolerated, str(failed)]
    verdict = f"not the recorded sha256:{result.recorded_digest}"
    if result.agrees:
        differences = counted(len(result.tolerated), "tolerated difference")
        verdict = f"equal but for {differences}" if result.tolerated else "equal"
    return [*tolerated, f"{result.steps}/{result.recorded_steps} steps   sha256:{result.digest}   {verdict}"]


def _told(sockets: list[str]) -> list[str]:
    return [f"the agent tried to open a socket: {sockets[0]}"] if sockets else []


def _code(result: Replay) -> int:
    if result.agrees or result.stopped is not None:
        return 0
    return 3 if result.ended is not None else 4
