"""``harness registry lint``, and ``--sarif`` of it and of ``harness check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import execute

SOUND = """\
registry: shop
version: 1
default: allow
invariants:
- {id: LIMIT, on: action, tool: pay, require: call.args.n <= 20, otherwise: block, says: Less., source: policy,
   examples: {holds: [[{pay: {n: 20}}]], violated: [[{pay: {n: 21}}]]}}
"""
LOOSE = "- {id: LOOSE, on: action, tool: pay, require: call.args.n <= 30, source: policy}\n"
AGAINST = "- {id: AGAINST, on: action, tool: pay, require: call.args.n > 40, otherwise: block}\n"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that lints: the exit code and what was printed, JSON as data."""

    def run(*arguments: str | Path) -> tuple[int, Any]:
        code = execute(["registry", "lint", *map(str, arguments)])
        said = capsys.readouterr().out
        return code, json.loads(said) if "--json" in arguments else said

    return run


@pytest.mark.parametrize(
    ("more", "code", "verdict"), [("", 0, "ok"), (LOOSE, 3, "warnings"), (LOOSE + AGAINST, 1, "errors")]
)
def test_exit_codes(told: Any, tmp_path: Path, more: str, code: int, verdict: str) -> None:
    """0 where there is nothing above a note, 3 for warnings only, 1 for an error."""
    (tmp_path / "r.yaml").write_text(SOUND + more)
    left, facts = told(tmp_path / "r.yaml", "--json")
    assert (left, facts["verdict"]) == (code, verdict)
    assert facts["counts"][{"ok": "note", "warnings": "warning", "errors": "error"}[verdict]] == (
        0 if not more else 1
    ) + (1 if verdict == "warnings" else 0)


def test_findings_are_shown_with_line_and_cure(told: Any, tmp_path: Path) -> None:
    """Place, level, message, check, the line, what is meant in it, the cure; notes only if asked for."""
    file = tmp_path / "r.yaml"
    file.write_text(SOUND + LOOSE.replace(", source: policy", ""))
    code, said = told(file)
    assert code == 3
    assert (
        f"{file}:7:47  warning  wherever this is violated, LIMIT ({file}:5) is too, and goes before it  [shadowed]"
        in said
    )
    assert "\n" + " " * 50 + "^^^^^^^^^^^^^^^^^\n" in said
    assert said.splitlines()[-1] == "2 rules   0 errors, 2 warnings, 1 note   (--level note shows 1 more finding)"
    assert "[no-source]" not in said
    assert "[no-source]" in told(file, "--level", "note")[1]
    assert "[shadowed]" not in told(file, "--level", "error")[1]


def test_json_gives_every_finding(told: Any, tmp_path: Path) -> None:
    """Place, check and rule as data, whatever is shown to people; what two files share is told once."""
    (tmp_path / "r.yaml").write_text(SOUND + LOOSE)
    (tmp_path / "s.yaml").write_text("registry: s\nversion: 1\ndefault: allow\nextends: [r]\n")
    _, facts = told(tmp_path, "--json", "--level", "error")
    (shadowed,) = [one for one in facts["findings"] if one["check"] == "shadowed" and one["file"].endswith("r.yaml")]
    line = (SOUND + LOOSE).split("\n")[shadowed["line"] - 1]
    assert line[shadowed["column"] - 1 : shadowed["end_column"] - 1] == "call.args.n <= 30"
    assert (shadowed["rule"], shadowed["level"]) == ("LOOSE", "warning")
    assert [one["registry"] for one in facts["registries"]] == ["shop", "s"]


def test_sarif_of_lint_and_of_check(told: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both write a log beside what they print, and keep their exit code."""
    (tmp_path / "r.yaml").write_text(SOUND + LOOSE)
    code, _ = told(tmp_path / "r.yaml", "--sarif", tmp_path / "lint.sarif", "--json")
    assert code == 3
    assert json.loads((tmp_path / "lint.sarif").read_text())["runs"][0]["results"]
    call = {"id": "c", "function": {"name": "pay", "arguments": json.dumps({"n": 99})}}
    talk = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    (tmp_path / "talks.json").write_text(json.dumps([talk]))
    assert execute(["import", "openai", str(tmp_path / "talks.json"), "--out", str(tmp_path / "runs")]) == 0
    arguments = ["check", str(tmp_path / "runs"), "--registry", str(tmp_path / "r.yaml")]
    assert execute([*arguments, "--sarif", str(tmp_path / "check.sarif")]) == 1
    capsys.readouterr()
    log = json.loads((tmp_path / "check.sarif").read_text())
    (trace,) = (tmp_path / "runs").glob("*.mat.jsonl")
    result = log["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    line = trace.read_text().splitlines()[place["region"]["startLine"] - 1]
    assert (result["ruleId"], json.loads(line)["kind"]) == ("LIMIT", "action")
    assert place["artifactLocation"]["uri"].endswith(trace.name)


def test_broken_registries_and_places_are_usage(told: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry that does not load is told as ever, exit 2; so is a log that cannot be written."""
    (tmp_path / "r.yaml").write_text(SOUND.replace("call.args.n", "cal.args.n"))
    assert told(tmp_path / "r.yaml")[0] == 2
    (tmp_path / "r.yaml").write_text(SOUND)
    assert told(tmp_path / "r.yaml", "--sarif", tmp_path / "none" / "x.sarif")[0] == 2
    assert "cannot be written" not in capsys.readouterr().out
