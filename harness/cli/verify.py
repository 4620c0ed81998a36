"""``harness verify TRACE``: whether this is the trace that was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.files import open_trace
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.errors import TamperedTrace


def command(
    trace: Annotated[Path, typer.Argument(help="The trace to check.")],
    expect: Annotated[str | None, typer.Option(metavar="DIGEST", help="The digest the trace must have.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every line of a trace against its chain and seal.

    Without --expect this finds every edit, drop, reorder and truncation, but not a file that was rewritten as a whole.
    """
    with open_trace(trace) as reader:
        for _ in reader.entries():
            pass
    facts = {
        "trace": str(trace),
        "digest": reader.digest,
        "events": reader.events,
        "sealed": reader.footer is not None,
        "verdict": reader.footer.verdict if reader.footer else None,
        "torn_bytes": len(reader.torn),
    }
    if expect is not None and expect.removeprefix("sha256:") != reader.digest:
        raise TamperedTrace(str(trace), 0, f"the digest is sha256:{reader.digest}, not the expected {expect}")
    line = f"{reader.events} events   sha256:{reader.digest}   "
    if reader.footer is not None:
        emit(facts, [f"{line}sealed, verdict {reader.footer.verdict}"], as_json)
        return
    last = f"event {reader.events - 1} (line {reader.events + 1})" if reader.events else "the header"
    torn = f"; {len(reader.torn)} bytes of a torn line follow and were never acknowledged" if reader.torn else ""
    emit(facts, [f"{line}not sealed: the run was cut off; the trace is sound up to {last}{torn}"], as_json)
    raise typer.Exit(3)
