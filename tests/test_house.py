"""The house: imports point down, nothing heavy is imported early, and the walk through it finds what it names."""

from __future__ import annotations

import re
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


def test_the_walk_leads_past_every_module() -> None:
    """docs/architecture.md names every module but the command line's, beside its folder, and no other."""
    walk = (ROOT / "docs" / "architecture.md").read_text()
    house = ROOT / "harness"
    there = {path.relative_to(house).as_posix() for path in house.rglob("*.py")}
    named: set[str] = set()
    for stop in re.split(r"\n(?=- |#|\n)", walk):
        said = re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", stop)
        folders = {"", *(one.rpartition("/")[0] for one in said)}
        for one in (one for one in said if one.endswith(".py")):
            found = {f"{folder}/{one}".lstrip("/") for folder in folders} & there
            assert found, one
            named |= found
    assert {one for one in there - named if not one.startswith("cli/") and not one.endswith("__init__.py")} == set()
