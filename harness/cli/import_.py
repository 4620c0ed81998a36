"""``harness import FORMAT FILE --out DIR``: recorded conversations as traces."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters import agentdojo, agentrx, openai_chat, tau, tau2
from harness.adapters.transcripts import LABELS, write_traces
from harness.cli.options import AsJson
from harness.cli.output import emit


class Format(Enum):
    """Name the formats that can be read."""

    openai = "openai"
    tau = "tau"
    tau2 = "tau2"
    agentrx = "agentrx"
    agentdojo = "agentdojo"


_CONVERSATIONS = {
    Format.openai: openai_chat.conversations,
    Format.tau: tau.conversations,
    Format.tau2: tau2.conversations,
    Format.agentrx: agentrx.conversations,
    Format.agentdojo: agentdojo.conversations,
}


def command(
    form: Annotated[Format, typer.Argument(metavar="FORMAT", help="openai: chat messages; the others: benchmarks.")],
    file: Annotated[Path, typer.Argument(help="A .json or .jsonl file, also with .gz.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the traces.")],
    as_json: AsJson = False,
) -> None:
    """Turn recorded conversations into one trace each; labels go to labels.jsonl beside them."""
    imported = write_traces(_CONVERSATIONS[form](file), form.value, file, out)
    labels = f"   {imported.labels} labels in {out / LABELS}" if imported.labels else ""
    line = f"{imported.traces} traces   {imported.events} events   in {out}{labels}"
    emit({"out": str(out), **imported._asdict()}, [line], as_json)
