"""How every verb prints: lines for people, or one JSON object for programs."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from harness.trace.verdict import Truth


def console() -> Console:
    """Give a console that writes plain lines where there is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def emit(facts: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """Print the facts as JSON, or the lines."""
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    out = console()
    for line in lines:
        out.print(line, markup=False)


def counted(number: int, thing: str) -> str:
    """Say how many there are of something whose plural takes an s."""
    return f"{number} {thing}{'s' * (number != 1)}"


def show_verdict(verdict: Truth, *, quiet: bool) -> int:
    """Say the verdict of a run, and give its exit code."""
    if not quiet and verdict != "holds":
        console().print(f"verdict: {verdict}", style="bold red" if verdict == "violated" else "bold yellow")
    return {"holds": 0, "violated": 1, "unknown": 3}[verdict]
