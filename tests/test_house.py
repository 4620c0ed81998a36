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


def test_the_walk_finds_what_it_names() -> None:
    """Every module and package in docs/architecture.md is there, and every package but the command line's is in it."""
    walk = (ROOT / "docs" / "architecture.md").read_text()
    there = [path.relative_to(ROOT).as_posix() for path in (ROOT / "harness").rglob("*")]
    named = re.findall(r"`((?:\w+/)*\w+(?:\.py|/))`", walk)
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name.rstrip('/')}") for path in there)] == []
    packages = {path.removesuffix("/__init__.py") for path in there if path.endswith("/__init__.py")}
    unnamed = {one for one in packages if f"{one.removeprefix('harness/')}/" not in walk}
    assert {one for one in unnamed if not one.startswith("harness/cli/")} == set()
