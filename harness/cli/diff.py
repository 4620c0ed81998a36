"""``harness diff A B``: the first difference of two traces."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.files import open_trace
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.trace.diff import explain
from harness.trace.event import Event


def command(
    recorded: Annotated[Path, typer.Argument(metavar="A", help="One trace.")],
    now: Annotated[Path, typer.Argument(metavar="B", help="The other.")],
    as_json: AsJson = False,
) -> None:
    """Find the first event in which two traces differ; what a host or a clock adds does not count."""
    with open_trace(recorded) as one, open_trace(now) as other:
        before: list[Event] = []
        for left, right in zip_longest(one, other):
            if left is None or right is None or _essence(left) != _essence(right):
                found = explain(left and _essence(left), right and _essence(right), before)
                facts = {
                    "equal": False,
                    "seq": found.seq,
                    "step": found.step,
                    "pointer": found.pointer,
                    "text": str(found),
                }
                emit(facts, [str(found)], as_json)
                raise typer.Exit(4)
            before.append(left)
    emit({"equal": True, "events": len(before)}, [f"equal: {len(before)} events"], as_json)


def _essence(event: Event) -> Event:
    """Leave out when something happened, and what clocks and chance said: no two runs agree in that."""
    if event.kind == "read":
        event = event._replace(body={"reads": [[source] for source, _ in event.body["reads"]]})
    return event._replace(at=0)
