"""``harness run``: how an agent's end is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from harness.cli import execute

AGENT: Final = """\
import sys

import harness

app = harness.Harness()


@app.tool(effect="read")
def look() -> str:
    return "nothing there"


@app.agent
def main(code: int | None) -> None:
    look()
    sys.exit(code)
"""


@pytest.mark.parametrize(("code", "exit_code"), [("3", 5), ("0", 0), ("null", 0)])
def test_an_agent_that_ends_its_process_is_told(
    code: str, exit_code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is sealed and named; a code other than 0 is a failure, and never taken for a verdict."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    (tmp_path / "quitter.py").write_text(AGENT)
    monkeypatch.delitem(sys.modules, "quitter", raising=False)
    assert execute(["run", "quitter:main", "--input", f'{{"code": {code}}}', "--trace", "t.mat.jsonl"]) == exit_code
    told = capsys.readouterr().out
    assert "1 step · t.mat.jsonl" in told
    assert told.splitlines()[1] == ("stopped by SystemExit" if code == "null" else f"stopped by SystemExit: {code}")
    assert execute(["verify", "t.mat.jsonl"]) == 0
