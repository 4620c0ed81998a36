"""The house: imports point down, and nothing heavy is imported early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_point_down() -> None:
    """import-linter's layers contract, exhaustive over every package of the house, is kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]  # a process: it configures logging
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_harness_brings_nothing_heavy() -> None:
    """``import harness`` leaves openai, hypothesis, networkx, pydantic and jsonschema to those who need them."""
    heavy = ("openai", "hypothesis", "networkx", "pydantic", "jsonschema", "yaml", "rich", "typer")
    code = f"import sys, harness; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_used() -> None:
    """What ``harness.__all__`` lists is there, and there is not too much of it."""
    import harness

    assert all(getattr(harness, name) is not None for name in harness.__all__)
    assert len(harness.__all__) <= 20
