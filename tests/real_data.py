"""The recorded transcripts that tests of real input read; they are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.getenv("HARNESS_DATA") or Path(__file__).parents[2] / "shared" / "data")


def recorded(name: str) -> Path:
    """Give a file of recorded conversations, or skip the test that needs it."""
    path = _FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is not here: set HARNESS_DATA to the folder of the recorded transcripts")
    return path


def airline_transcripts() -> Path:
    """Give the file of the tau-bench airline transcripts, or skip the test that needs it."""
    return recorded("tau-bench/gpt-4o-airline.json.gz")
