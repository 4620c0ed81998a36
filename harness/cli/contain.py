"""``harness contain TRACE|DIR…``: what runs did about the faults that struck them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.files import open_trace, trace_files
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.errors import UsageError
from harness.faults.file import plan_of
from harness.stress.tolerance.containment import WITHIN, Counted, Handled, Sign, counted, handled
from harness.trace.event import Event


def command(
    traces: Annotated[list[Path], typer.Argument(help="Traces of runs with faults, or folders of traces.")],
    clean: Annotated[
        Path | None, typer.Option(metavar="TRACE", help="The same run without faults: what it does is no reaction.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="A rule the answer has to meet; by default all of medium or higher.")
    ] = None,
    within: Annotated[int, typer.Option(min=0, metavar="STEPS", help="From a fault to its detection.")] = WITHIN,
    after: Annotated[int, typer.Option(min=0, metavar="STEPS", help="From there to its mitigation.")] = WITHIN,
    as_json: AsJson = False,
) -> None:
    """Tell of each fault whether it fired, made a difference, was detected, mitigated and contained.

    Exit 1 where a fault made a difference and the answer breaks a rule or is not there, 3 where none made one, or where
    a rule cannot be decided.
    """
    usual = None if clean is None else _read(clean)[1]
    rows: list[tuple[str, Handled]] = []
    for path in trace_files(traces):
        run, events = _read(path)
        faults = plan_of(run["faults"]).faults if "faults" in run else ()
        found = handled(events, faults, clean=usual, rules=rule or (), within=within, after=after)
        rows += [(str(path), one) for one in found]
    if not rows:
        raise UsageError("no fault was injected into these runs", cure="record one with harness run --faults PLAN")
    total = counted(one for _, one in rows)
    emit(_facts(rows, total), _lines(rows, total), as_json)
    if any(one.effective and (one.broken or not one.answered) for _, one in rows):
        raise typer.Exit(1)
    raise typer.Exit(0 if total.effective and total.effective == total.unharmed else 3)


def _read(path: Path) -> tuple[dict[str, Any], list[Event]]:
    with open_trace(path) as reader:
        return reader.header.run, list(reader)


def _lines(rows: list[tuple[str, Handled]], total: Counted) -> list[str]:
    wide = max(len(one.fault) for _, one in rows)
    lines = []
    before = ""
    for path, one in rows:
        lines += [path] if path != before else []
        lines.append(f"    {one.fault:{wide}}  {_said(one)}")
        before = path
    shares = [
        f"{name} {share:.1%}"
        for name, share in (("of injected", total.of_injected), ("of effective", total.of_effective))
        if share is not None
    ]
    counts = ", ".join(f"{count} {name}" for name, count in total._asdict().items())
    return [*lines, counts, f"contained  {', '.join(shares)}"]


def _said(one: Handled) -> str:
    if not one.effective:
        return "made no difference" if one.struck else "struck nothing"
    noticed = f"detected {_sign(one.detected)}" if one.detected else "not detected"
    done = f"mitigated {_sign(one.mitigated)}" if one.mitigated else "not mitigated"
    return f"{'contained' if one.contained else 'NOT contained'}: {noticed}; {done}; {_end(one)}"


def _end(one: Handled) -> str:
    if one.broken:
        return f"breaks {', '.join(one.broken)}"
    if one.undecided:
        return f"not to be judged by {', '.join(one.undecided)}"
    return "answered well" if one.answered else "no answer"


def _sign(sign: Sign) -> str:
    return f"{sign.how} (seq:{sign.seq}, +{sign.steps})"


def _facts(rows: list[tuple[str, Handled]], total: Counted) -> dict[str, Any]:
    return {
        "faults": [{"trace": path, **_row(one)} for path, one in rows],
        "counts": total._asdict(),
        "of_injected": total.of_injected,
        "of_effective": total.of_effective,
    }


def _row(one: Handled) -> dict[str, Any]:
    signs = {
        name: None if sign is None else sign._asdict()
        for name, sign in (("detected", one.detected), ("mitigated", one.mitigated))
    }
    return one._asdict() | signs | {"unharmed": one.unharmed, "contained": one.contained}
