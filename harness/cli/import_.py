"""``harness import FORMAT FILE… --out DIR``: recorded conversations, or spans, as traces."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.otel import runs
from harness.adapters.transcripts import agentdojo, agentrx, openai_chat, tau, tau2
from harness.adapters.transcripts.conversation import LABELS, Conversation, write_traces
from harness.cli.options import AsJson
from harness.cli.output import emit
from harness.errors import UsageError


class Format(Enum):
    """Name the formats that can be read."""

    openai = "openai"
    tau = "tau"
    tau2 = "tau2"
    agentrx = "agentrx"
    agentdojo = "agentdojo"
    otel = "otel"


_CONVERSATIONS = {
    Format.openai: openai_chat.conversations,
    Format.tau: tau.conversations,
    Format.tau2: tau2.conversations,
    Format.agentrx: agentrx.conversations,
    Format.agentdojo: agentdojo.conversations,
}


def command(
    form: Annotated[
        Format, typer.Argument(metavar="FORMAT", help="openai: chat messages; otel: OTLP JSON; the others: benchmarks.")
    ],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="A .json or .jsonl file, also with .gz.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the traces.")],
    as_json: AsJson = False,
) -> None:
    """Turn recorded conversations into one trace each; labels go to labels.jsonl beside them.

    Several files are one recording with otel: a collector may spread the spans of one trace over them.
    """
    imported = write_traces(_read(form, files), form.value, files[0], out)
    labels = f"   {imported.labels} labels in {out / LABELS}" if imported.labels else ""
    lines = [f"{imported.traces} traces   {imported.events} events   in {out}{labels}"]
    lines += [f"    not kept  {count} × {what}" for what, count in imported.lost.items()]
    emit({"out": str(out), **imported._asdict()}, lines, as_json)


def _read(form: Format, files: list[Path]) -> Iterable[Conversation]:
    if form is Format.otel:
        return runs.conversations(files)
    if len(files) > 1:
        raise UsageError(
            f"{form.value} is read from one file, not {len(files)}", cure="import each into its own folder"
        )
    return _CONVERSATIONS[form](files[0])
