"""``harness stress`` as a person meets it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import execute
from tests.inner import PYTEST

ROOT = Path(__file__).parents[2]
ENTRY = ["stress", "tests.door.stress_shop:agent", "--input", '{"order": "A-1"}', "--budget", "80"]
RESET = ["--before", "tests.door.stress_shop:fresh"]


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # else the command starts itself again


def test_a_counterexample_is_told_kept_and_tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rule, schedule in words, runs, and commands that work on the files that are named; exit 1."""
    root = ["--path", str(Path(__file__).parents[2]), "--out", str(tmp_path / "runs")]
    assert execute([*ENTRY, *RESET, *root, "--emit", str(tmp_path / "test_found.py")]) == 1
    said = capsys.readouterr().out
    assert "80 runs · " in said
    assert "PAID-ONCE  An order is paid again only where the payment before is known to have failed" in said
    assert "    1st call of pay: " in said
    assert "nothing can be left out" in said
    replays = [line.split()[3] for line in said.splitlines() if line.strip().startswith("replay")]
    assert len(replays) == 2
    for trace in replays:
        assert execute(["verify", trace]) == 0
        assert execute(["replay", trace]) == 0
    assert "def test_paid_once():" in (tmp_path / "test_found.py").read_text()


def test_nothing_found_is_no_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, with how much was tried; as JSON the same."""
    command = [*ENTRY, *RESET, "--path", str(Path(__file__).parents[2]), "--out", str(tmp_path), "--budget", "40"]
    command[1] = "tests.door.stress_shop:mended"
    assert execute(command) == 0
    assert "no rule was broken; that proves nothing beyond these runs" in capsys.readouterr().out
    assert execute([*command, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["counterexamples"], facts["runs"], facts["seed"]) == ([], 40, 0)


def test_a_record_names_entry_and_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a recorded run began with is searched, and what its header says puts the world back."""
    root = ["--path", str(Path(__file__).parents[2]), "--out", str(tmp_path)]
    assert execute([*ENTRY, *RESET, *root, "--rule", "PAID-ONCE", "--json"]) == 1
    [found] = json.loads(capsys.readouterr().out)["counterexamples"]
    command = ["stress", "--trace", found["trace"], "--out", str(tmp_path), "--rule", "PAID-ONCE", "--json"]
    assert execute(command) == 1
    [again] = json.loads(capsys.readouterr().out)["counterexamples"]
    assert again["rule"] == "PAID-ONCE"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--vary", "cents=1"], "is no pair"),
        (["--vary", "/cents=x"], "is not JSON"),
        (["--input", "[]"], "is not a JSON object"),
        (["--method", "lucky"], "take guided, random, exhaustive"),
        (["--kind", "timeoutt"], "did you mean 'timeout'"),
    ],
)
def test_mistakes_are_told(wrong: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with the cure, before anything runs."""
    assert execute([*ENTRY, "--path", str(Path(__file__).parents[2]), *wrong]) == 2
    assert says in capsys.readouterr().err


def test_a_test_that_is_there_is_told_of_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that a test would be written over ends the command before the search, which would be lost."""
    mine = tmp_path / "test_mine.py"
    mine.write_text("# mine\n")
    runs = tmp_path / "runs"
    assert execute([*ENTRY, "--path", str(Path(__file__).parents[2]), "--emit", str(mine), "--out", str(runs)]) == 2
    assert "test_mine.py: there is a file of that name" in capsys.readouterr().err
    assert (mine.read_text(), runs.exists()) == ("# mine\n", False)


def test_an_agent_that_fails_undisturbed_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the run without any fault raises, no search says much, and the answer begins with that."""
    (tmp_path / "fails.py").write_text(
        "import harness\napp = harness.Harness('demo')\n\n\n@app.agent\ndef agent():\n    raise KeyError('key')\n"
    )
    assert execute(["stress", "fails:agent", "--path", str(tmp_path), "--out", str(tmp_path), "--budget", "5"]) == 3
    assert "undisturbed, the agent raised builtins:KeyError: look at that first" in capsys.readouterr().out


HURRIED = """\
import signal
from itertools import count

from tests.door.stress_shop import agent, fresh, mended

runs = count(1)


def begin() -> None:
    fresh()
    if next(runs) == 30:
        signal.raise_signal(signal.SIGINT)
"""


def test_what_an_interrupted_search_found_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends the runs; a counterexample until then is made small, and counts; without one the exit code is 130."""
    (tmp_path / "hurried.py").write_text(HURRIED)
    command = ["stress", "hurried:agent", "--before", "hurried:begin", "--out", str(tmp_path), "--path", str(tmp_path)]
    given = ["--input", '{"order": "A-1"}']
    assert execute([*command, *given, "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["interrupted"], facts["runs"]) == (True, 29)
    assert "PAID-ONCE" in {one["rule"] for one in facts["counterexamples"]}
    sys.modules.pop("hurried")
    command[1] = "hurried:mended"
    assert execute([*command, *given]) == 130
    assert "interrupted before the search was at its end" in capsys.readouterr().out


CLERK = """\
import harness
import openai

app = harness.Harness("clerk.yaml")
client = openai.OpenAI()  # made once, when the module is imported


@app.tool(effect="write")
def pay(order: str) -> str:
    return "paid"


@app.agent
def agent(order: str) -> str:
    messages = [{"role": "user", "content": f"pay {order}"}]
    order = client.chat.completions.create(model="m", messages=messages).choices[0].message.content
    try:
        return pay(order)
    except harness.InDoubt:
        return pay(order)
"""
RULES = """\
registry: clerk
version: 1.0.0
default: allow
unknown: allow
invariants:
  - id: ONCE
    on: action
    tool: pay
    require: not happened(action, call.tool == "pay" and not default(failed, False))
    severity: high
    otherwise: observe
"""
POLICY = "from harness.testing.model_server import say\n\n\ndef policy(request):\n    return say('A-1')\n"


def test_a_test_of_an_agent_with_a_model_brings_its_script(tmp_path: Path) -> None:
    """The tests that are written are red, however many of them use a client that was made once."""
    for name, text in {"clerk.py": CLERK, "clerk.yaml": RULES, "policies.py": POLICY}.items():
        (tmp_path / name).write_text(text)
    keys = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    command = [sys.executable, "-m", "harness", "stress", "clerk:agent", "--input", '{"order": "A-1"}', "--budget"]
    command += ["20", "--model-script", "policies:policy", "--emit", "tests/test_found.py"]
    options = {"cwd": tmp_path, "env": environment | {"PYTHONPATH": str(ROOT)}, "capture_output": True, "text": True}
    done = subprocess.run(command, **options, check=False)
    assert done.returncode == 1, done.stderr
    shutil.copy(tmp_path / "tests" / "test_found.py", tmp_path / "tests" / "test_again.py")
    done = subprocess.run([*PYTEST, "tests"], **options, check=False)
    assert (done.returncode, "2 failed" in done.stdout) == (1, True), done.stdout
    assert done.stdout.count("ONCE is violated at step") >= 2  # once more in each line of the summary, where it is long
