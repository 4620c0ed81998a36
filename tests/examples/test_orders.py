"""What docs/stress.md says of the agent in examples/orders.py."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from harness.cli import execute

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "stress.md").read_text(encoding="utf-8")


def test_the_search_of_the_page_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line, and exit 1; with the agent that knows better nothing is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    found = re.search(r"```bash\n(harness stress .*?)```\s*```text\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    command = [*shlex.split(found[1].replace("\\\n", " "))[1:], "--path", str(ROOT)]
    assert execute(command) == 1
    assert capsys.readouterr().out == found[2]
    assert (tmp_path / "tests" / "test_found.py").is_file()
    command = ["examples.orders:careful" if word == "examples.orders:main" else word for word in command[:-4]]
    assert execute([*command, "--path", str(ROOT)]) == 0
    assert "no rule was broken" in capsys.readouterr().out
