"""The recorded conversations, which are no part of the project: where they are, and which rules judge them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from harness.adapters.transcripts import agentrx, tau, tau2
from harness.adapters.transcripts.conversation import Conversation
from harness.errors import UsageError

FOLDER: Final = "HARNESS_DATA"
"""The variable of the environment that names the folder of the conversations."""


class Data(NamedTuple):
    """Recorded conversations, and the registry that judges them; ``barred`` where the bar of precision is set."""

    name: str
    registry: str
    files: tuple[str, ...]
    read: Callable[[Path], Iterator[Conversation]]
    barred: bool = False

    def conversations(self, folder: Path) -> Iterator[Conversation]:
        """Read them all; UsageError names a file that is not there."""
        return chain.from_iterable(map(self.read, self.paths(folder)))

    def paths(self, folder: Path) -> list[Path]:
        """Give the files; UsageError names one that is not there."""
        paths = [folder / file for file in self.files]
        for path in paths:
            if not path.is_file():
                raise UsageError("recorded conversations are not here", where=str(path), cure=_CURE)
        return paths


DATA: Final = (
    Data("airline", "airline", ("tau-bench/gpt-4o-airline.json.gz",), tau.conversations, barred=True),
    Data("retail", "retail", ("agentrx-tau-retail/trajectories.json.gz",), agentrx.conversations, barred=True),
    Data(
        "airline_tau2",
        "airline",
        ("tau2-bench/gpt-4.1_airline.json.gz", "tau2-bench/ft-gpt-4.1_airline.json.gz"),
        tau2.conversations,
    ),
    Data(
        "retail_tau2",
        "retail",
        ("tau2-bench/gpt-4.1_retail.json.gz", "tau2-bench/ft-gpt-4.1_retail.json.gz"),
        tau2.conversations,
    ),
)

_CURE: Final = f"set {FOLDER} to the folder that holds tau-bench, tau2-bench and agentrx-tau-retail"


def folder() -> Path:
    """Give the folder of the conversations; UsageError where none is named."""
    named = os.environ.get(FOLDER)
    if not named:
        raise UsageError(f"no recorded conversations: {FOLDER} is not set", cure=_CURE)
    return Path(named)


def ready() -> None:
    """Look for every file; UsageError where no folder is named, or one is not in it."""
    for data in DATA:
        data.paths(folder())


def digests() -> dict[str, Any]:
    """Give the digest of every file, for the manifest."""
    where = folder()
    files = [file for data in DATA for file in data.files]
    return {"data": {file: hashlib.sha256((where / file).read_bytes()).hexdigest() for file in files}}
