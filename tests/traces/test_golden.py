"""Old recordings are tests for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GOLDEN = sorted((ROOT / "traces").glob("*.mat.jsonl"))


def test_there_are_golden_traces() -> None:
    """The folder of golden traces is not empty, and its README names each of them."""
    readme = (ROOT / "traces" / "README.md").read_text(encoding="utf-8")
    assert GOLDEN
    assert all(trace.name in readme for trace in GOLDEN)


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda trace: trace.name.partition(".")[0])
def test_a_golden_trace_replays_byte_for_byte(trace: Path, tmp_path: Path) -> None:
    """Fresh processes, other hash seeds, another folder, an empty environment: equal digests."""
    command = [
        sys.executable,
        "-m",
        "harness",
        "replay",
        str(trace),
        "--path",
        str(ROOT),
        "--verify",
        "2",
        "--json",
    ]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert {one["digest"] for one in found["replays"]} == {found["recorded_digest"]}
