"""Options that several verbs take, each with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EntryName = Annotated[str | None, typer.Option(metavar="M:F", help="The entry, where the trace does not say it.")]
CodeFolder = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to import the entry from.")]
NewTrace = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The trace to write; beside the old one by default.")
]
ModelScript = Annotated[
    str | None, typer.Option(metavar="MODULE:POLICY", help="Answer model calls from a local scripted server.")
]
Approve = Annotated[
    str | None,
    typer.Option(metavar="terminal|DIR|URL", help="Who answers questions about calls; else whoever the app names."),
]
KillSwitch = Annotated[
    Path | None,
    typer.Option("--kill-switch", metavar="FILE", help="While this file is there, every call is refused."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
