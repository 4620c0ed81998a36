"""``harness export FORMAT TRACE``: a trace as a conversation, or as OpenTelemetry's spans."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness import __version__
from harness.adapters.files import open_trace
from harness.adapters.transcripts.openai_chat import conversation_of
from harness.errors import UsageError


class Format(Enum):
    """Name the formats that can be written."""

    openai = "openai"
    otel = "otel"


def command(
    form: Annotated[Format, typer.Argument(metavar="FORMAT", help="openai: chat messages; otel: OTLP JSON.")],
    trace: Annotated[Path, typer.Argument(help="The trace to read.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file; the terminal by default.")] = None,
    content: Annotated[
        bool, typer.Option("--content", help="otel: with messages, arguments, results and reasons, as redacted.")
    ] = False,
) -> None:
    """Print a trace as JSON: openai, its conversation, {"messages": […]}; otel, its spans, {"resourceSpans": […]}."""
    if form is Format.openai and content:
        raise UsageError("--content is of otel: chat messages are content", cure="leave it out")
    _write(_messages(trace) if form is Format.openai else _spans(trace, content), out)


def _messages(trace: Path) -> list[str]:
    with open_trace(trace) as reader:
        messages = conversation_of(iter(reader))
    if not messages:
        raise UsageError("the trace holds no messages", where=str(trace))
    return [json.dumps({"messages": messages}, ensure_ascii=False), "\n"]


def _spans(trace: Path, content: bool) -> Iterable[str]:
    from harness.adapters.otel.export import otlp_json

    return otlp_json(trace, __version__, content=content)


def _write(pieces: Iterable[str], out: Path | None) -> None:
    """Write to a file that must not exist yet, or print; what cannot be read raises before there is a file."""
    pieces = iter(pieces)
    first = next(pieces)
    if out is None:
        for piece in (first, *pieces):
            sys.stdout.write(piece)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(first)
            file.writelines(pieces)
    except FileExistsError:
        raise UsageError("exists already and is never written over", where=str(out), cure="name another file") from None
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(out)) from None
