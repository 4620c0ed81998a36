"""The labels that an import leaves beside its traces."""

from __future__ import annotations

import json
from pathlib import Path

from harness.adapters.files import read_text
from harness.adapters.transcripts.conversation import LABELS
from harness.errors import UsageError


class Labels:
    """Look up whether a trace is known to be bad; each labels.jsonl is read once."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, bool]] = {}

    def is_bad(self, path: Path) -> bool:
        """Tell whether a trace has the reward 0; UsageError where there is no label for it."""
        file = path.parent / LABELS
        if file not in self._known:
            lines = enumerate(read_text(file).splitlines(), start=1)
            self._known[file] = dict(_label(line, f"{file}:{number}") for number, line in lines)
        if path.name not in self._known[file]:
            raise UsageError(f"no label for {path.name}", where=str(file), cure="leave out --labels, or import again")
        return self._known[file][path.name]


def _label(line: str, place: str) -> tuple[str, bool]:
    try:
        label = json.loads(line)
        return str(label["trace"]), float(label["reward"]) == 0
    except (ValueError, KeyError, TypeError):
        cure = 'a label is a line {"trace": FILE, "reward": NUMBER, …}'
        raise UsageError("not a label with a reward", where=place, cure=cure) from None
