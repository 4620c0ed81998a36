"""``harness approve QUESTION``: answer a question that a run waits for."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.adapters.approvals import key_here
from harness.adapters.approvals.answers import answer_to, signed
from harness.adapters.approvals.folder import ANSWER, QUESTION, USED
from harness.adapters.files import read_text
from harness.cli.options import AsJson
from harness.cli.output import emit, write_file
from harness.determinism import canonical
from harness.errors import UsageError


def command(
    question: Annotated[Path, typer.Argument(help="The file DIGEST.question.json.")],
    allow: Annotated[bool, typer.Option("--yes/--no", help="Whether the call may be made.")],
    by: Annotated[str, typer.Option(help="Who says so; by default who is logged in.")] = "",
    reason: Annotated[str, typer.Option(help="Why; the agent is told.")] = "",
    minutes: Annotated[float | None, typer.Option(help="How long the yes counts; for ever by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question that a run waits for, in the file beside it; resume the run then.

    The answer is signed where HARNESS_APPROVAL_KEY holds the key.
    """
    asked = _read(question)
    stem = question.with_name(question.name.removesuffix(QUESTION))
    for taken in (Path(f"{stem}{ANSWER}"), Path(f"{stem}{USED}")):
        if taken.exists():
            raise UsageError("the question has an answer already", where=str(taken))
    expires = None if minutes is None else datetime.now(UTC) + timedelta(minutes=minutes)
    answer = answer_to(asked["digest"], allowed=allow, by=by or getpass.getuser(), reason=reason, expires=expires)
    target, draft = Path(f"{stem}{ANSWER}"), question.with_name(f".{stem.name}{ANSWER}")
    write_file(draft, canonical.encode(signed(answer, key_here())).decode() + "\n")
    draft.replace(target)
    args = ", ".join(f"{name}={value!r}" for name, value in asked["args"].items())
    emit({"answer": str(target), **answer}, [f"{'yes' if allow else 'no'} to {asked['tool']}({args})"], as_json)


def _read(path: Path) -> dict[str, Any]:
    """Read a question; UsageError where the file holds none."""
    try:
        asked = canonical.decode(read_text(path).encode())
    except ValueError:
        asked = None
    whole = isinstance(asked, dict) and asked.keys() >= {"args", "digest", "tool"} and isinstance(asked["args"], dict)
    if not whole or path.name != f"{asked['digest']}{QUESTION}":
        raise UsageError("no question of harness", where=str(path), cure=f"name a file DIGEST{QUESTION}")
    return dict(asked)
