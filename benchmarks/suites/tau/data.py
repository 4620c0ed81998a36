"""The recorded conversations, which are no part of the project: where they are, and which rules judge them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

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
        for file in self.files:
            if not (folder / file).is_file():
                raise UsageError("recorded conversations are not here", where=str(folder / file), cure=_CURE)
        return chain.from_iterable(self.read(folder / file) for file in self.files)


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
