"""Whose code a file holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import harness
from harness.run.site import is_installed, rank_of

HARNESS = Path(harness.__file__).parent


@pytest.mark.parametrize(
    ("file", "rank"),
    [
        (HARNESS / "door" / "session.py", 0),
        (Path(os.__file__), 0),
        (Path("/venv/lib/python3/site-packages/openai/client.py"), 1),
        (Path("/home/ann/agent.py"), 2),
        (HARNESS / "_shipped" / "suites" / "openai_smoke" / "openai_smoke_agent.py", 2),
    ],
)
def test_an_agent_that_travels_in_the_wheel_is_an_agent(file: Path, rank: int) -> None:
    """Harness, Python and packages are not the agent; a suite is, though it lies inside an installed harness."""
    assert rank_of(str(file)) == rank
    assert is_installed(str(file)) == (rank < 2)
