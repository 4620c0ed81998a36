"""What a run drew to be secret, in a file of its own beside the trace that nobody else may read.

The trace holds placeholders only. With the file a replay gives the agent the bytes it had; without it, substitutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.adapters.files import write_all
from harness.errors import StoreError, UsageError

SUFFIX: Final = ".secrets"


class PrivateFile:
    """Keep secret bytes by their placeholders; the file is made, with mode 0600, when the first one comes.

    StoreError where it cannot be written.
    """

    def __init__(self, trace: str) -> None:
        self._path = trace + SUFFIX
        self._place = Path(self._path).absolute()  # wherever the process goes later
        self._file: int | None = None
        self._count = 0
        self._refused: StoreError | None = None

    def keep(self, source: str, drawn: bytes) -> str:
        """Write bytes that were drawn from a source and give the placeholder that stands for them."""
        self._count += 1
        placeholder = f"⟦secret:{source}:{self._count}⟧"
        self._write(placeholder, drawn)
        return placeholder

    def carry(self, kept: Mapping[str, bytes]) -> None:
        """Take over the bytes of the run that this one goes on with; its own are numbered after them."""
        for placeholder, drawn in kept.items():
            self._write(placeholder, drawn)
        self._count = len(kept)

    def _write(self, placeholder: str, drawn: bytes) -> None:
        if self._refused is not None:
            raise self._refused  # a line after one that is torn could not be read
        try:
            if self._file is None:
                self._file = os.open(self._place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            write_all(self._file, json.dumps([placeholder, drawn.hex()], ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            self._refused = StoreError(f"{self._path}: a secret of the run cannot be kept: {error.strerror}")
            raise self._refused from None

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_private(trace: str | Path) -> dict[str, bytes]:
    """Give the secret bytes of a run by their placeholders; none where the file beside the trace is not there.

    UsageError names a line that is not one of ours; a last one that was torn is left out.
    """
    path = Path(f"{trace}{SUFFIX}")
    try:
        whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", where=str(path)) from None
    kept: dict[str, bytes] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            placeholder, drawn = json.loads(line)
            kept[placeholder] = bytes.fromhex(drawn)
        except (ValueError, TypeError):
            cure = "delete the file: the replay goes on with substitutes"
            raise UsageError("no secret of a run", where=f"{path}:{number}", cure=cure) from None
    return kept
