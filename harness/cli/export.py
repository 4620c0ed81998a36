"""``harness export FORMAT TRACE``: a trace as a conversation."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.files import open_trace
from harness.adapters.openai_chat import conversation_of
from harness.errors import UsageError


class Format(Enum):
    """Name the formats that can be written."""

    openai = "openai"


def command(
    form: Annotated[Format, typer.Argument(metavar="FORMAT", help="openai: chat messages.")],
    trace: Annotated[Path, typer.Argument(help="The trace to read.")],
) -> None:
    """Print the conversation of a trace as one line of JSON: {"messages": […]}."""
    with open_trace(trace) as reader:
        messages = conversation_of(iter(reader))
    if not messages:
        raise UsageError("the trace holds no messages", where=str(trace))
    print(json.dumps({"messages": messages}, ensure_ascii=False))
