"""Whoever sits at the terminal."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import ClassVar, Final

from harness.determinism.member import Mutex
from harness.ports import Approval, Pending, Question

_TERMINAL: Final = "/dev/tty"


class Terminal:
    """Show the rule, the reason, the exact arguments and the digest, and take ``y`` or ``yes`` for a yes.

    Anything else is a no, the end of the input too. Where the process has no terminal the run stops. Two questions at
    once are asked one after the other.
    """

    blocking: ClassVar[bool] = True

    def __init__(self, terminal: str | Path = _TERMINAL) -> None:
        self._terminal, self._turn = Path(terminal), Mutex()

    def __call__(self, question: Question) -> Approval | Pending:
        with self._turn:
            try:
                with self._terminal.open("rb+", buffering=0) as terminal:
                    terminal.write(shown(question).encode())
                    said = terminal.readline().decode(errors="replace").strip().lower()
            except OSError as error:
                return Pending("terminal", f"{self._terminal}: {error.strerror}")
        return Approval(said in ("y", "yes"), getpass.getuser(), "", question.digest)


def shown(question: Question) -> str:
    """Give a question as lines for a terminal; what a model has written cannot move the cursor or hide anything."""
    lines = [f"{question.rule}: {question.reason}", f"    {question.tool}"]
    lines += [f"        {name} = {json.dumps(value)}" for name, value in question.args.items()]
    lines += [f"    to decide: {question.who}"] if question.who else []
    lines.append(f"    question {question.digest}")
    return "\n".join(map(_visible, lines)) + "\nallow this call? [y/N] "


def _visible(line: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
