"""``harness routine lint``: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import execute

SOUND = "routine: r\nsteps:\n  - {step: a, tool: get_order, args: {order_id: W-1}}\n"
RULES = """\
registry: shop
version: 1
default: allow
tools:
  get_order: {effect: read, arguments: {type: object, properties: {order_id: {type: string}}}}
invariants:
  - {id: A, on: end, require: step < 9}
"""


def linted(folder: Path, text: str, *options: str) -> int:
    """Lint a routine."""
    (folder / "r.yaml").write_text(text, encoding="utf-8")
    (folder / "shop.yaml").write_text(RULES, encoding="utf-8")
    return execute(["routine", "lint", str(folder / "r.yaml"), *options])


@pytest.mark.parametrize(
    ("text", "code", "verdict", "message"),
    [
        (SOUND, 0, "ok", None),
        (SOUND.replace("order_id:", "ordr_id:"), 1, "errors", "get_order has no argument 'ordr_id'"),
        (SOUND.replace("tool:", "tol:"), 1, "errors", "the key 'tool' is missing"),
        (SOUND.replace("steps", "given: [x]\nsteps"), 3, "warnings", "nobody uses 'x'"),
        ("- a\n", 1, "errors", "this is no routine"),
    ],
)
def test_findings_and_exit_codes(
    text: str, code: int, verdict: str, message: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors are 1, warnings alone 3, nothing is 0; as JSON each finding has its place."""
    assert linted(tmp_path, text, "--registry", str(tmp_path / "shop.yaml"), "--json") == code
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["tools_known"]) == (verdict, True)
    assert [one["message"] for one in said["findings"]][:1] == ([message] if message else [])
    assert all(one["line"] > 0 and one["file"].endswith("r.yaml") for one in said["findings"])


def test_people_are_shown_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line, what is wrong in it, and the cure; and what was not looked at without a registry."""
    assert linted(tmp_path, SOUND.replace("W-1", "$aa")) == 1
    out = capsys.readouterr().out
    assert "r.yaml:3:49  error  $aa refers to nothing: no step is called 'aa'\n" in out
    assert "tools and their arguments were not looked at: name a registry with --registry" in out


@pytest.mark.parametrize("text", ["", "a: b: c\n", "\x00"])
def test_what_cannot_be_read_is_a_usage_error(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty file and what is no YAML: exit 2, with the place."""
    assert linted(tmp_path, text) == 2
    assert "r.yaml:1:" in capsys.readouterr().err
