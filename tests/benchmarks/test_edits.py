"""Random edits in short: each gives one divergence, at the right place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.fuzz.edit_oracle import first_place

ROOT = Path(__file__).parents[2]


def test_sixty_edits_each_diverge_at_the_right_place() -> None:
    """Traces and sources of four shapes of agents; edits without effect replay equal."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fuzz.edits", "--n", "60", "--seed", "7", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    told = json.loads(done.stdout)
    assert (done.returncode, told["rows"]) == (0, []), done.stderr
    figures = {name: figure["value"] for name, figure in told["figures"].items()}
    assert (figures["edits"], figures["wrong"]) == (60, 0)
    assert figures["call_sites_checked"] > 5
    assert sum(name.startswith("code:") for name in figures) > 3
    assert sum(name.startswith("trace:") for name in figures) > 5


def test_the_oracle_tells_the_first_place_by_itself() -> None:
    """It compares tables of leaves: by key, by index, by type, and what stands on one side alone."""
    assert first_place({"b": [1, 2], "a/b": 1}, {"b": [1, 3], "a/b": 1}) == "/b/1"
    assert first_place({"a/b": 1, "c": 1}, {"a/b": True, "c": 2}) == "/a~1b"
    assert first_place({"a": []}, {"a": [1]}) == "/a/0"
    assert first_place({"a": {}}, {"a": []}) == "/a"
    assert first_place([1], [1]) is None
