"""``harness registry negotiate``: from a paradox to a file that holds the settled registry."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from harness.adapters.registries import load_registry
from harness.cli import execute
from harness.converge.negotiation.settle import amendment

ROOT: Final = Path(__file__).parent.parent.parent
PAGE: Final = ROOT / "docs" / "negotiate.md"
DRIVING: Final = ("driving_degradation", "--artifact", "driving_plan")
REPLICAS: Final = ("replicas", "--artifact", "deployment")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that runs a verb of ``harness registry`` in an empty folder: exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = execute(["registry", *arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out) if "--json" in arguments else said.out + said.err

    return run


def test_the_page_shows_what_happens(told: Any) -> None:
    """Every command of docs/negotiate.md prints the lines that stand under it; an ellipsis is anything."""
    blocks = re.findall(r"^    \$ harness registry (.*)\n((?:    .*\n)*)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(blocks) >= 3
    for command, shown in blocks:
        _, said = told(*shlex.split(command))
        lines = ".*".join(re.escape(part) for part in re.sub(r"(?m)^    ", "", shown).split("…"))
        assert re.fullmatch(lines, said, re.DOTALL), f"{lines}\nis not\n{said}"


def test_the_page_runs_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block of Python settles what the command line did, and the file on the page is part of what was written."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), names)
    assert names["settled"].parameters["budget_usd"] == 2250
    (shown,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    written = amendment(names["rules"], names["settled"], names["choice"], "replicas")
    for part in shown.replace("1.1.0", "…").split("…")[0], "budget_usd:", "value: 2250", "override: true":
        assert part in written
    assert "chosen by Ada Byron, instead of 1200 in sha256:acfa" in written


def test_without_a_choice_nothing_is_settled(told: Any, tmp_path: Path) -> None:
    """Exit 1, the ways by number, and no file, whatever --out says."""
    code, facts = told("negotiate", *REPLICAS, "--out", "new.yaml", "--json")
    assert (code, facts["verdict"]) == (1, "infeasible")
    assert [one["number"] for one in facts["report"]["ways"]] == [*range(1, len(facts["report"]["ways"]) + 1)]
    assert "settled" not in facts
    assert [*tmp_path.iterdir()] == []


def test_a_choice_is_settled_written_and_feasible(told: Any, tmp_path: Path) -> None:
    """The file loads to the digest that was told and can be solved; a report stands beside it."""
    _, facts = told("negotiate", *REPLICAS, "--json")
    budget = next(one for one in facts["report"]["ways"] if one["changes"][0]["parameter"] == "budget_usd")
    chosen = ("--choose", str(budget["number"]), "--by", "Ada", "--out", "new.yaml", "--markdown", "report.md")
    code, facts = told("negotiate", *REPLICAS, *chosen, "--json")
    assert (code, facts["settled"]["values"], facts["settled"]["by"]) == (0, {"budget_usd": 2250}, "Ada")
    assert facts["settled"]["to"] == load_registry("new.yaml").digest != facts["digest"]
    assert (tmp_path / "report.md").read_text("utf-8").startswith("# No deployment fits replicas 1.0.0\n")
    assert told("solve", "new.yaml", "--artifact", "deployment")[0] == 0
    assert told("test", "new.yaml")[0] == 0
    code, said = told("negotiate", "new.yaml", "--artifact", "deployment")
    assert (code, said) == (0, "nothing to negotiate: some deployment fits as it is\n")


def test_a_policy_chooses(told: Any) -> None:
    """The cheapest way is the one of the least cost, and the policy is who chose."""
    code, facts = told("negotiate", *REPLICAS, "--policy", "cheapest", "--json")
    costs = {json.dumps([one["parameter"] for one in way["changes"]]): way["cost"] for way in facts["report"]["ways"]}
    assert (code, facts["settled"]["by"]) == (0, "policy cheapest")
    assert costs[json.dumps([*facts["settled"]["values"]])] == min(costs.values())


def test_a_registry_of_ones_own_is_extended_from_another_folder(told: Any, tmp_path: Path) -> None:
    """What was named by its path is found from the new file's folder."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "kept").mkdir()
    text = (ROOT / "registries" / "replicas.yaml").read_text("utf-8").replace("450, unit", "500, unit")
    (tmp_path / "rules" / "mine.yaml").write_text(text, "utf-8")
    asked = ("rules/mine.yaml", "--artifact", "deployment", "--policy", "balanced")
    assert told("negotiate", *asked, "--out", "kept/mine.yaml")[0] == 0
    assert load_registry("kept/mine.yaml").version == "1.1.0"
    assert "extends: [../rules/mine.yaml]" in (tmp_path / "kept" / "mine.yaml").read_text("utf-8")


def test_a_file_that_would_extend_itself_is_not_kept(told: Any, tmp_path: Path) -> None:
    """Written under the name of the shipped registry it would find itself instead."""
    code, said = told("negotiate", *REPLICAS, "--policy", "cheapest", "--out", "replicas.yaml")
    assert code == 2
    assert "replicas" in said
    assert not (tmp_path / "replicas.yaml").exists()


def test_nothing_is_settled_where_nothing_is_certified(told: Any, tmp_path: Path) -> None:
    """Exit 3 where only the root of 2 would do, which no artifact can hold."""
    square = "artifact.x * artifact.x {} 2"
    (tmp_path / "root.yaml").write_text(
        "registry: root\nversion: 1\ndefault: allow\nartifacts:\n  point: {schema: {type: object, required: [x],"
        " properties: {x: {type: number, minimum: 0, maximum: 9}}}}\ninvariants:\n"
        + "".join(
            f"- {{id: {name}, on: artifact, artifact: point, require: {square.format(sign)}}}\n"
            for name, sign in (("MOST", "<="), ("LEAST", ">="))
        )
    )
    code, facts = told("negotiate", "root.yaml", "--artifact", "point", "--json")
    assert (code, facts["verdict"]) == (3, "undecided")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--choose", "99", "--by", "Ada"), "there is no way 99"),
        (("--choose", "1"), "not said who chooses"),
        (("--policy", "cheap"), "did you mean 'cheapest'?"),
        (("--choose", "1", "--policy", "cheapest"), "both choose"),
        (("--pareto", "friction"), "is no pair"),
        (("--pareto", "gravity_mps2,friction"), "no value of 'gravity_mps2' is on offer"),
        (("--room", "inf"), "--room inf is no part"),
        (("--given", "v_kmh=999"), "v_kmh=999 is no value of this field"),
        (("--policy", "cheapest", "--out", "no/such/folder/file.yaml"), "cannot be written"),
    ],
)
def test_mistakes_are_exit_2_with_a_cure(told: Any, asked: tuple[str, ...], said: str) -> None:
    """What is wrong is named, with what was probably meant."""
    code, text = told("negotiate", *DRIVING, *asked)
    assert code == 2
    assert said in text


STUCK: Final = """\
registry: stuck
version: 1
default: allow
parameters: {most: {value: 3, narrower: lower, range: {min: 0, max: 9}}}
artifacts: {order: {schema: {type: object, required: [n], properties: {n: {type: integer, minimum: 0, maximum: 9}}}}}
invariants:
- {id: SOME, on: artifact, artifact: order, require: 4 <= artifact.n <= params.most}
"""


@pytest.mark.parametrize("as_json", [False, True])
def test_where_nothing_is_on_offer_the_report_comes_before_the_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """The conflict and what keeps a parameter from moving are on stdout, and on stderr that there is no such way."""
    (tmp_path / "stuck.yaml").write_text(STUCK)
    asked = ["negotiate", str(tmp_path / "stuck.yaml"), "--artifact", "order", "--choose", "1", "--by", "Ada"]
    assert execute(["registry", *asked, *["--json"] * as_json]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("there is no way 1\n    cure  there is none on offer")
    if as_json:
        assert json.loads(said.out)["report"]["withheld"][0]["parameter"] == "most"
    else:
        assert "    SOME   " in said.out
        assert "    most   no value would do from 0 to 3; only lower values may be bound (narrower: lower)" in said.out


def test_mistakes_in_the_options_are_told_before_anything_is_asked(told: Any, tmp_path: Path) -> None:
    """Who chooses, which policy, and where to: none of it needs the registry."""
    (tmp_path / "there.yaml").write_text("")
    for asked, said in (
        (("--choose", "1"), "not said who chooses"),
        (("--policy", "cheap"), "did you mean 'cheapest'?"),
        (("--policy", "cheapest", "--out", "there.yaml"), "this file is there already"),
    ):
        code, text = told("negotiate", "no-such-registry", "--artifact", "x", *asked)
        assert code == 2
        assert said in text


@pytest.mark.parametrize("verb", [("negotiate",), ("solve", "--relax", "--joint", "budget_usd,replica_usd")])
def test_a_terminal_is_told_what_is_asked(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """On stderr, and gone in the end; stdout is the same as without a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "harness", "registry", verb[0], *REPLICAS, *verb[1:], "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    shown = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    told = b""
    with contextlib.suppress(OSError):  # the end of a pty, on Linux
        while part := os.read(ours, 65536):
            told += part
    os.close(ours)
    assert b"asking: " in told
    assert shown.returncode == 1
    silent = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environment)
    assert (silent.stdout, silent.stderr) == (shown.stdout, b"")


@pytest.mark.parametrize(("typed", "code", "settled"), [("3\nAda Byron\n", 0, True), ("0\n", 1, False)])
def test_a_person_chooses_at_a_terminal(tmp_path: Path, typed: str, code: int, settled: bool) -> None:
    """The menu is shown and asked about, and then who chooses; 0 settles nothing."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "harness", "registry", "negotiate", *REPLICAS, "--out", "new.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    os.write(ours, typed.encode())
    done = subprocess.run(command, cwd=tmp_path, stdin=theirs, capture_output=True, text=True, env=environment)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "what would do" in done.stdout
    assert (tmp_path / "new.yaml").exists() == settled
    assert ("settled: budget_usd = 2250, by Ada Byron" in done.stdout) == settled
